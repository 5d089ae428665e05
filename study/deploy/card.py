"""The model card: what a person should know of a model before using it, as Markdown."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import torch
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from study.deploy.model import DeployedModel
from study.group_names import group_names
from study.results.choice.alternatives import people_first
from study.results.choice.selection import Selection
from study.results.group_metrics import Spread
from study.results.wording import NOTHING, decimals, listed, percent, significant, whole
from study.words import METHODS, Costs

CARD_FILE: Final = "MODEL_CARD.md"
TEMPLATE: Final = "card.md.j2"

DECISION_MAKERS: Final = {
    "standard": "simulated by a network that sees more than the model",
    "biased": "simulated by a network that sees more than the model, trained to be unfair",
    "inconsistent": "simulated by a network that sees more than the model, at random wrong on some cases",
    "oracle": "simulated: never wrong",
}


class Markdown(str):
    """Text that is Markdown already; everything else is escaped when the template writes it."""

    __slots__ = ()


def model_card(model: DeployedModel, metrics: Mapping[str, Spread], units: str, choice: Selection) -> str:
    """Return the card of ``model``.

    Args:
        model: whose card it is.
        metrics: of the test rows, as ``spreads`` names them.
        units: what their intervals are over, as ``Outcomes.units`` names it.
        choice: the run as the answer to which has the lowest validation error, or cost.
    """
    uncertainty = model.family.model(model.method).uncertainty
    limits = None
    if uncertainty is not None:
        limits = uncertainty.limit(torch.tensor(model.t1, dtype=torch.float64)).tolist()
    given = model.preprocessing.given
    card = _environment().get_template(TEMPLATE)
    return card.render(
        model=model,
        about=model.about,
        run=model.about["run"],
        metrics=metrics,
        units=units,
        choice=choice,
        costs=Costs.of(model.about["study"]),
        people_first=people_first(choice.comparisons),
        names=group_names(model.about["study"]["dataset"]),
        outcomes=outcome_names(model.about),
        uncertainty=uncertainty,
        limits=limits,
        trains=model.family.trains(model.method),
        given=given,
        middle=given.probability(0.5) if given else None,
        between=given and list(zip(*map(model.on_column, (model.t0, model.t1)), strict=True)),
        methods=METHODS,
        decision_makers=DECISION_MAKERS,
    )


def outcome_names(about: Mapping[str, Any]) -> tuple[Markdown, Markdown]:
    """Return what the outcomes 0 and 1 are called, in the table's own words."""
    words, label = about["outcomes"], about["study"]["dataset"].get("label")
    column = f"{code(label['column'])} is " if label else ""
    zero, one = (Markdown(f"{column}{escaped(word)}") for word in words)
    return zero, one


def escaped(value: object) -> str:
    """Return ``value`` as Markdown that shows it letter by letter, on one line."""
    if isinstance(value, Markdown):
        return value
    return re.sub(r"([\\`*_\[\]<>#|~&$])", r"\\\1", re.sub(r"\s+", " ", str(value)))


def code(value: object) -> Markdown:
    """Return ``value`` as an inline code span, on one line."""
    text = re.sub(r"\s+", " ", str(value))
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return Markdown(f"{fence}{space}{text}{space}{fence}")


def _cell(value: object) -> Markdown:
    """Return Markdown fit for a table's cell, where a bar ends the cell even in code."""
    return Markdown(re.sub(r"(?<!\\)\|", r"\\|", escaped(value)))


def _with_interval(form: Callable[[object], str]) -> Callable[[Spread], str]:
    """Write a metric, and its interval in brackets."""

    def write(metric: Spread) -> str:
        if metric.value != metric.value:
            return NOTHING
        interval = metric.test_set
        ends = f" ({form(interval.low)} to {form(interval.high)})" if interval else ""
        return form(metric.value) + ends

    return write


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        finalize=escaped,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "cell": _cell,
        "code": code,
        "decimals": decimals(3),
        "gap": _with_interval(decimals(3)),
        "listed": listed,
        "percent": percent,
        "rate": _with_interval(percent),
        "markdown": Markdown,
        "significant": significant,
        "whole": whole,
    }
    return environment
