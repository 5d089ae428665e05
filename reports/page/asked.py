"""The part of the page about what the study file asks for."""

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd
import yaml

from study.reports.measure.panels import baselines
from study.reports.page.markup import Html, section, tag
from study.reports.page.tables import key_values, text_table
from study.results.study_results import Results
from study.results.wording import NOTHING, counted, listed, space, whole_numbers
from study.words import METHODS

SAMPLERS = {
    "grid": "every combination of the listed values",
    "random": "drawn at random",
    "qmc": "spread evenly (quasi-random)",
    "nsga2": "evolved from the best so far (NSGA-II)",
    "tpe": "drawn near the best so far (TPE)",
}
CANDIDATES = {
    "random": "the best of {candidates:,} drawn at random from the training scores",
    "exact": "the best there are",
    "search": "proposed by the search itself",
}
CHOSEN_ON = {
    "validation": "chosen on the validation split",
    "test-half": "chosen on one half of the test split; every figure called test is of the other half",
}


def asked(results: Results, settings: pd.DataFrame) -> Html:
    """The study file: what matters most in words, and all of it.

    Args:
        results: whose `study` is described; keys that are missing are left out.
        settings: as `medians_by_setting` returns them; say which model went with which method.
    """
    caption = "What was searched, by method and model. Every method has its own range of gamma."
    columns = ["method", "model", "alpha", "gamma", "model alpha"]
    rows = arms_asked(results.study, settings)
    if all(row[-1] == NOTHING for row in rows):
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    else:
        caption += (
            " Where there is a model alpha, it is what the network was trained with, and alpha and gamma"
            " are what its thresholds were chosen by."
        )
    return section(
        "asked",
        "What was asked",
        text_table(columns, rows, caption=caption),
        key_values(facts_asked(results, settings)),
        tag(
            "details",
            tag("summary", "The whole study file, with every default"),
            tag("pre", as_yaml(results.study)),
        ),
    )


def arms_asked(study: Mapping[str, object], settings: pd.DataFrame) -> list[list[str]]:
    """Method, model, alpha, gamma and model alpha, in the paper's order of methods, others last.

    A row per `method-model` that the study file gives a space for, as its resolved form does. Of a
    method without, the models are those that have finished something, or may be any of the study's.
    """
    methods = [str(method) for method in _several(study.get("methods"))]
    methods = methods or list(dict.fromkeys(settings["method"].astype(str)))
    rank = {method: METHODS.index(method) if method in METHODS else len(METHODS) for method in methods}
    models = [str(model) for model in _several(study.get("model"))]
    search = _mapping(study.get("search"))
    keys = _mapping(search.get("alpha"))
    rows = []
    for method in sorted(methods, key=lambda method: (rank[method], method)):
        given = [model for model in models if f"{method}-{model}" in keys]
        used = sorted(settings.loc[settings["method"] == method, "model"].dropna().unique())
        named = given or [", ".join(map(str, used)) or " or ".join(models) or NOTHING]
        rows += [[method, model, *_spaces(study, method, model)] for model in named]
    return rows


def facts_asked(results: Results, settings: pd.DataFrame) -> dict[str, str]:
    """Data, decision-makers, search, seeds and training, a line each."""
    study = results.study
    search = _mapping(study.get("search"))
    facts = {
        "data": _data(study.get("dataset")),
        "decision-makers": listed(study.get("decision_maker")),
        "tested with": listed(study.get("test_decision_maker")),
        "inconsistent": _inconsistent(study),
        "settings": _settings(search, has_baseline=len(baselines(settings)) > 0),
        "sampler": _sampler(search),
        "thresholds chosen after training": _thresholds(study),
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


def _spaces(study: Mapping[str, object], method: str, model: str) -> tuple[str, str, str]:
    search = _mapping(study.get("search"))
    alpha, gamma, network = (
        _of_arm(search.get(key), method, model) for key in ("alpha", "gamma", "model_alpha")
    )
    if network != NOTHING and _mapping(study.get("thresholds")).get("sampler") == "search":
        # Thresholds that are searched are chosen by nothing: alpha is the network's.
        return network, NOTHING, NOTHING
    return alpha, NOTHING if method == "binary" else gamma, network


def _of_arm(given: object, method: str, model: str) -> str:
    if not isinstance(given, Mapping) or {"low", "high"} & set(given):
        return space(given)
    return space(given.get(f"{method}-{model}", given.get(method)))


def _thresholds(study: Mapping[str, object]) -> str:
    given, search = _mapping(study.get("thresholds")), _mapping(study.get("search"))
    # A network has an alpha of its own where thresholds are chosen when it has been trained.
    if not given or not search.get("model_alpha"):
        return NOTHING
    sampler, place = str(given.get("sampler")), str(given.get("choose_on"))
    how = CANDIDATES.get(sampler, sampler).format(candidates=given.get("candidates", 0))
    whose = "for each group" if given.get("per_group") else "the same for both groups"
    where = [CHOSEN_ON.get(place, f"chosen on {place}")] if given.get("choose_on") else []
    return ", ".join([how, whose, *where])


def _inconsistent(study: Mapping[str, object]) -> str:
    names = [*_several(study.get("decision_maker")), study.get("test_decision_maker")]
    given = _mapping(study.get("inconsistent"))
    if "inconsistent" not in names or not given:
        return NOTHING
    where = given.get("where") or "the data set’s own condition holds"
    return f"p turned into 1 − p with probability {listed(given.get('flip'))} where {where}"


def _several(value: object) -> list[object]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else str(value)
