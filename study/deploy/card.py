"""The model card: what a person should know of a model before using it, as Markdown."""

from collections.abc import Callable, Mapping
from typing import Any

import torch

from study.data import Group
from study.deploy.model import DeployedModel
from study.results.group_metrics import Spread
from study.results.wording import NOTHING, decimals, listed, percent, significant, whole

CARD_FILE = "MODEL_CARD.md"

_METHODS = {
    "binary": "never says IDK and decides everything alone",
    "reject": "says IDK where it is unsure, without regard to who decides then",
    "defer": "says IDK where the decision-maker it was trained with is expected to do better",
}
_DECISION_MAKERS = {
    "none": "nobody",
    "column": "the people whose decisions the table has",
    "standard": "simulated by a network that sees more than the model",
    "biased": "simulated by a network that sees more than the model, trained to be unfair",
    "inconsistent": "simulated by a network that sees more than the model, and errs at random on some",
    "oracle": "simulated: never wrong",
}
_FIGURES = {
    "error": ("error of the joint system", percent),
    "di": ("disparate impact (DI)", decimals(3)),
    "di_y0": ("of it between those with label 0 (false positives)", decimals(3)),
    "di_y1": ("of it between those with label 1 (false negatives)", decimals(3)),
    "idk_rate": ("IDK rate", percent),
    "model_error": ("error of the model on what it keeps", percent),
    "dm_error": ("error of the decision-maker on what is deferred", percent),
    "dm_error_on_kept": ("error that the decision-maker would have on what the model keeps", percent),
}

Figures = Mapping[str, Spread]
"""Test figures by name, as ``figures_by_group`` names them, with their intervals."""


def model_card(model: DeployedModel, figures: Figures) -> str:
    """Return the card of ``model``, which did this on the test rows."""
    sections = {
        f"# Model card: {model.method}, {model.family.name}": [
            "Written by `study export`. The figures are those of the run in the study's ledger; the files "
            "beside this card were seen to decide exactly as that run does on every test row."
        ],
        "## What it is": _what(model),
        "## Intended use": _use(model),
        "## What it did on the test split": _did(model, figures),
        "## Training": _training(model),
        "## Data": _data(model),
        "## Limits": _limits(model.about["run"]),
        "## How to use it": _loading(model),
    }
    parts = (part for heading, body in sections.items() for part in (heading, *body))
    return "\n\n".join(parts) + "\n"


def _what(model: DeployedModel) -> list[str]:
    run = model.about["run"]
    facts = [
        f"Model `{model.family.name}`: {model.family.summary}; {model.hidden} hidden units.",
        f"Method `{model.method}`: {_METHODS[model.method]}.",
        f"Decision-maker to whom it leaves cases: {_decision_maker(run['decision_maker'])}.",
        f"Run `{run['run_id']}` (setting `{run['setting_id']}`, seed {run['seed']}) of the study "
        f"`{run['study']}`.",
    ]
    return [_points(facts), *_rule(model)]


def _rule(model: DeployedModel) -> list[str]:
    """Say what is compared with what."""
    if model.method == "binary":
        return ["It predicts the positive class from a score of 0 on."]
    measure = model.family.model.uncertainty
    if measure is not None:
        rule = f"It defers where the {measure.words} {measure.column} is above"
        if not callable(measure.limit):
            return [f"{rule} {measure.limit}."]
        limits = measure.limit(torch.tensor(model.t1, dtype=torch.float64)).tolist()
        rows = [[f"A = {a}", significant(limit)] for a, limit in enumerate(limits)]
        return [
            f"{rule} the limit of the case's group.",
            _table(["group", f"limit of {measure.column}"], rows),
        ]
    bands = [
        [f"A = {a}", *map(significant, band)] for a, band in enumerate(zip(model.t0, model.t1, strict=True))
    ]
    return [
        "Its score is compared with the thresholds of the person's group: IDK between them, the positive "
        "class from the upper one on.",
        _table(["group", "lower", "upper"], bands),
    ]


def _use(model: DeployedModel) -> list[str]:
    if model.method == "binary":
        lines = ["Predictions for cases like those of its data, by a model that hands no case to anybody."]
    else:
        lines = [
            "Decisions taken together: the model decides the cases it keeps, and every case it defers goes "
            "to a person or procedure that decides it. What the model says of a deferred case is not a "
            "decision."
        ]
    if model.method == "defer":
        lines.append(
            f"It has learned when to defer to {_decision_maker(model.about['run']['decision_maker'])}. "
            "With anybody else its figures do not hold: train with that one's decisions first."
        )
    lines.append(
        "Not meant for decisions about people that nobody watches, or for cases unlike those of its data. "
        "Before it is used, measure it on recent cases of your own."
    )
    return lines


def _did(model: DeployedModel, figures: Figures) -> list[str]:
    about = model.about
    whole_split = [[words, _spread(figures[name], form)] for name, (words, form) in _FIGURES.items()]
    by_group = []
    for a, (zeros, ones) in enumerate(about["test_rows_by_a_and_label"]):
        names = (f"idk_rate_a{a}", f"error_a{a}", f"error_a{a}_y0", f"error_a{a}_y1")
        rates = [_spread(figures[name], percent) for name in names]
        by_group.append([f"A = {a}", whole(zeros + ones), whole(ones), *rates])
    lines = [
        "The joint system is wrong where the model is, or the decision-maker where the model defers. In "
        "brackets: an interval of 95 % over the people tested, by the bootstrap.",
        _table(["figure", "value"], whole_split),
        _table(["group", "people", "label = 1", "IDK rate", "error", "if y = 0", "if y = 1"], by_group),
        "DI is the mean, over the two labels, of the absolute difference of the groups' error rates in "
        "the last two columns; 0 is best.",
    ]
    for alone in about["decision_maker_alone"]:
        name = about["run"]["test_decision_maker"]
        lines.append(
            f"The decision-maker of these figures, {_decision_maker(name)}, deciding everything alone: "
            f"error {percent(alone['error'])} (A = 0: {percent(alone['error_a0'])}, A = 1: "
            f"{percent(alone['error_a1'])}), DI {alone['di']:.3f}."
        )
    return lines


def _training(model: DeployedModel) -> list[str]:
    about, run, study = model.about, model.about["run"], model.about["study"]
    chosen = model.family.chosen_afterwards(model.method)
    setting = [
        f"{name} {run[name]:.6g}" for name in ("alpha", "gamma", "model_alpha") if run[name] is not None
    ]
    facts = [
        f"Setting: {', '.join(setting)}.",
        f"{listed(study['training'])}; {about['backend']} steps.",
        f"{run['epochs']} epochs, the best one {run['best_epoch']}; stopped by {run['status']}.",
        *([f"Thresholds chosen after training: {listed(study['thresholds'])}."] if chosen else []),
        f"Code `{about['code']}`, package {about['versions']['package']}, exported with torch "
        f"{about['versions']['torch']}.",
    ]
    if run["status"] == "diverged":
        facts.append("**Training diverged.** The weights are the best from before; prefer another run.")
    return [_points(facts)]


def _data(model: DeployedModel) -> list[str]:
    about, section = model.about, model.about["study"]["dataset"]
    rows = ", ".join(f"{split} {whole(count)}" for split, count in about["rows"].items())
    label = section.get("label")
    facts = [
        f"`{section['name']}`: {about['source']}",
        f"Rows: {rows} (split seed {section['split_seed']}).",
        *([f"Label: {listed(label)}."] if label else []),
        f"Sensitive attribute: A = 1 {group_words(model.preprocessing.group)}, else 0.",
        f"Fingerprint `{about['run']['data_fingerprint']}`",
    ]
    return [_points(facts)]


def _limits(run: Mapping[str, Any]) -> list[str]:
    lines = [
        "The figures are those of one run on one test split; other splits, seeds and times give others. "
        "`study report` and `study select` show the spread over seeds.",
        "If this run was picked for its test figures, they flatter it; choose on validation figures.",
        "Fairness here is DI of this sensitive attribute alone. Nothing is said of other groups, or of how "
        "labels came about.",
        "The sensitive attribute is an input, and sets the thresholds that a person meets.",
        "A missing number counts as the median of the training rows, a missing category as none of those "
        "that were there. A category that training did not see is refused.",
    ]
    if run["decision_maker"] not in ("none", "column"):
        lines.append(
            f"The decision-maker `{run['decision_maker']}` is simulated. What your people do with deferred "
            "cases may be quite different."
        )
    return [_points(lines)]


def _loading(model: DeployedModel) -> list[str]:
    code = [
        "```python",
        "from study import load_model",
        "",
        'model = load_model("this directory")',
        "decisions = model.decide(table)  # a pandas DataFrame, one row per case",
        "```",
    ]
    columns = ", ".join(f"`{name}`" for name in model.columns)
    return [
        "\n".join(code),
        "or `study apply DIRECTORY new.csv --out decisions.csv`.",
        f"The table needs these columns, in any order: {columns}.",
    ]


def group_words(group: Group) -> str:
    """Say who has A = 1."""
    if group.at_least is not None:
        return f"where `{group.column}` is {group.at_least:g} or more"
    if group.equals is not None:
        return f"where `{group.column}` is {group.equals}"
    return f"where `{group.column}` is 1 or true"


def _decision_maker(name: str) -> str:
    return f"`{name}` ({_DECISION_MAKERS[name]})"


def _spread(figure: Spread, form: Callable[[object], str]) -> str:
    if figure.value != figure.value:
        return NOTHING
    interval = figure.test_set
    return form(figure.value) + (f" ({form(interval.low)} to {form(interval.high)})" if interval else "")


def _points(lines: list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _table(head: list[str], rows: list[list[str]]) -> str:
    marks = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, marks, *rows))
