"""The part of the page about what the study file asks for."""

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd
import yaml

from reports.markup import Html, section, tag
from reports.panels import baselines
from reports.reduce import METHODS
from reports.results import Results
from reports.tables import key_values, text_table
from reports.wording import NOTHING, counted, listed, space, whole_numbers

SAMPLERS = {
    "grid": "every combination of the listed values",
    "random": "drawn at random",
    "qmc": "spread evenly (quasi-random)",
    "nsga2": "evolved from the best so far (NSGA-II)",
    "tpe": "drawn near the best so far (TPE)",
}


def asked(results: Results, settings: pd.DataFrame) -> Html:
    """The study file: what matters most in words, and all of it.

    Args:
        results: whose `study` is described; keys that are missing are left out.
        settings: as `medians_by_setting` returns them; say which model went with which method.
    """
    caption = "What was searched, by method. Every method has its own range of gamma."
    columns = ["method", "model", "alpha", "gamma"]
    return section(
        "asked",
        "What was asked",
        text_table(columns, methods_asked(results.study, settings), caption=caption),
        key_values(facts_asked(results, settings)),
        tag(
            "details",
            tag("summary", "The whole study file, with every default"),
            tag("pre", as_yaml(results.study)),
        ),
    )


def methods_asked(study: Mapping[str, object], settings: pd.DataFrame) -> list[list[str]]:
    """Method, model, alpha and gamma of every method, in the paper's order, others last.

    A method of which nothing has finished may have any of the study's models.
    """
    methods = [str(method) for method in _several(study.get("methods"))]
    methods = methods or list(dict.fromkeys(settings["method"].astype(str)))
    rank = {method: METHODS.index(method) if method in METHODS else len(METHODS) for method in methods}
    rows = []
    for method in sorted(methods, key=lambda method: (rank[method], method)):
        used = sorted(settings.loc[settings["method"] == method, "model"].dropna().unique())
        models = ", ".join(map(str, used)) or " or ".join(map(str, _several(study.get("model"))))
        search = _mapping(study.get("search"))
        alpha = _of_method(search.get("alpha"), method)
        gamma = NOTHING if method == "binary" else _of_method(search.get("gamma"), method)
        rows.append([method, models or NOTHING, alpha, gamma])
    return rows


def facts_asked(results: Results, settings: pd.DataFrame) -> dict[str, str]:
    """Data, decision-makers, search, seeds and training, a line each."""
    study = results.study
    search = _mapping(study.get("search"))
    facts = {
        "data": _data(study.get("dataset")),
        "decision-makers": listed(study.get("decision_maker")),
        "settings": _settings(search, has_baseline=len(baselines(settings)) > 0),
        "sampler": _sampler(search),
        "thresholds": listed(study.get("thresholds")),
        "seeds": whole_numbers(study.get("seeds")),
        "training": _training(_mapping(study.get("training"))),
        "runs planned": _planned(results.planned, study.get("seeds")),
    }
    return {key: text for key, text in facts.items() if text not in ("", NOTHING)}


def data_name(dataset: object) -> str:
    """The name of the data, however the study file gives it; empty if it does not."""
    name = dataset.get("name") if isinstance(dataset, Mapping) else dataset
    return str(name) if name else ""


def as_yaml(tree: Mapping[str, object]) -> str:
    """A nested mapping as YAML, in its own order; values that YAML lacks as text."""
    plain = json.loads(json.dumps(dict(tree), default=_plain))
    return str(yaml.safe_dump(plain, sort_keys=False, allow_unicode=True))


def _data(dataset: object) -> str:
    more = _mapping(dataset)
    parts = [
        data_name(dataset),
        f"from {more['path']}" if more.get("path") else "",
        f"split with seed {more['split_seed']}" if more.get("split_seed") is not None else "",
    ]
    return ", ".join(part for part in parts if part)


def _settings(search: Mapping[str, Any], *, has_baseline: bool) -> str:
    number, baseline = search.get("settings"), "and the baseline (binary, alpha 0)"
    if search.get("sampler") == "grid" or number is None:
        return ""
    each = f"{number} for each method, model and decision-maker"
    return f"{each}, {baseline}" if has_baseline else each


def _sampler(search: Mapping[str, Any]) -> str:
    sampler, seed = search.get("sampler"), search.get("seed")
    words = f"{sampler}, {SAMPLERS[sampler]}" if sampler in SAMPLERS else listed(sampler)
    return words if sampler in (None, "grid") or seed is None else f"{words}, seed {seed}"


def _training(training: Mapping[str, Any]) -> str:
    words = {
        "hidden": "{} hidden units",
        "learning_rate": "learning rate {}",
        "batch_size": "batches of {}",
        "max_epochs": "at most {} epochs",
        "patience": "stopped after {} without a better validation loss",
    }
    shown = {k: f"{v:,}" if isinstance(v, int) else listed(v) for k, v in training.items()}
    known = [text.format(shown[key]) for key, text in words.items() if key in shown]
    others = {key: value for key, value in training.items() if key not in words}
    return ", ".join([*known, *([listed(others)] if others else [])])


def _planned(planned: int, seeds: object) -> str:
    number = len(seeds) if isinstance(seeds, list | tuple) else seeds
    if isinstance(number, int) and number > 0 and planned % number == 0:
        return f"{planned:,} ({counted(planned // number, 'setting')}, {counted(number, 'seed')})"
    return f"{planned:,}"


def _of_method(given: object, method: str) -> str:
    by_method = isinstance(given, Mapping) and not {"low", "high"} & set(given)
    return space(_mapping(given).get(method) if by_method else given)


def _several(value: object) -> list[object]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else str(value)
