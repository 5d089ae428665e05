"""The study configuration: the study file as resolved, which has every key written out."""

from collections.abc import Mapping
from typing import Any, Final

from study.reports.page.tables import text_table
from study.results.study_results import Results
from study.results.wording import NOTHING, counted, listed, space, whole_numbers
from study.storage.yaml_text import dump_yaml
from study.words import METHODS

SAMPLERS: Final = {
    "grid": "every combination of the listed values",
    "random": "drawn at random",
    "qmc": "spread evenly (quasi-random)",
    "nsga2": "evolved from the best so far (NSGA-II)",
    "tpe": "drawn near the best so far (TPE)",
}
THRESHOLDS: Final = {
    "random": "the best of {candidates:,} drawn at random from the training scores",
    "exact": "the exact optimum",
    "search": "proposed by the search itself",
}
CHOSEN_ON: Final = {
    "validation": "chosen on the validation split",
    "test-half": "chosen on one half of the test split; every test metric is of the other half",
}
TRAINING: Final = {
    "hidden": "{} hidden units",
    "learning_rate": "learning rate {}",
    "batch_size": "batches of {}",
    "max_epochs": "at most {} epochs",
    "patience": "stopped after {} without a better validation loss",
}
HEAD: Final = ("method", "model", "alpha", "gamma", "model alpha")


def configuration(results: Results) -> dict[str, Any]:
    """The search spaces as a table, the rest in lines, and the whole study file."""
    rows = search_spaces(results.study)
    has_model_alpha = any(row[-1] != NOTHING for row in rows)
    columns = len(HEAD) if has_model_alpha else len(HEAD) - 1
    return {
        "spaces": text_table(HEAD[:columns], [row[:columns] for row in rows]),
        "has_model_alpha": has_model_alpha,
        "options": options(results),
        "study_file": dump_yaml(results.study),
    }


def search_spaces(study: Mapping[str, Any]) -> list[list[str]]:
    """Method, model, alpha, gamma and model alpha of everything that is searched."""
    search, rows = study.get("search", {}), []
    for method in METHODS:
        for model in study.get("model", ()):
            spaces = [search.get(name, {}).get(f"{method}-{model}") for name in HEAD[2:4]]
            found = _found(study, f"{method}-{model}")
            network = search.get("model_alpha", {}).get(f"{method}-{model}")
            if network is not None and study["thresholds"]["sampler"] == "search":
                # Thresholds that are searched are chosen by nothing: alpha is the network's.
                spaces, network = [network, None], None
            if any(space is not None for space in spaces) or found:
                prices = found if spaces[1] is None and found else space(spaces[1])
                rows.append([method, model, space(spaces[0]), prices, space(network)])
    return rows


def _found(study: Mapping[str, Any], arm: str) -> str:
    """Return the ranges of gamma that a pilot found for an arm, one for each decision-maker."""
    pilot, splits = study.get("search", {}).get("pilot", {}), study.get("dataset", {}).get("splits", 1)
    known = {who: pilot.get(f"{arm}-{who}") for who in study.get("decision_maker", ())}
    how = "found by the pilot" + (" on the first split" if splits > 1 else "")
    ranges = {who: f"{one['gamma'][0]:.3g} to {one['gamma'][-1]:.3g}" for who, one in known.items() if one}
    if len(known) == 1:
        return "".join(f"{text} ({how})" for text in ranges.values())
    return ", ".join(f"{text} ({who}, {how})" for who, text in ranges.items())


def options(results: Results) -> dict[str, str]:
    """Data, decision-makers, search, seeds and training, a line each."""
    study = results.study
    result = {
        "data": data_line(study.get("dataset")),
        "decision-makers": listed(study.get("decision_maker")),
        "tested with": listed(study.get("test_decision_maker")),
        "inconsistent": _inconsistent(study),
        **_search(study.get("search")),
        "thresholds chosen after training": _thresholds(study),
        "seeds": whole_numbers(study.get("seeds")),
        "training": _training(study.get("training")),
        "runs planned": _planned(results.planned, study.get("seeds")),
    }
    return {key: text for key, text in result.items() if text not in ("", NOTHING)}


def data_name(dataset: object) -> str:
    """The name of the data; empty where the study file has none."""
    return str(dataset["name"]) if isinstance(dataset, Mapping) and dataset.get("name") else ""


def data_line(dataset: object) -> str:
    """Name, file and split of the data."""
    if not isinstance(dataset, Mapping):
        return ""
    where = f"from {dataset['path']}" if dataset.get("path") else ""
    return ", ".join(filter(None, [data_name(dataset), where, f"split with seed {dataset['split_seed']}"]))


def _search(search: Any) -> dict[str, str]:
    if not search:
        return {}
    sampler = f"{search['sampler']}, {SAMPLERS[search['sampler']]}"
    if search["sampler"] == "grid":
        return {"sampler": sampler}
    settings = f"{search['settings']} for each method, model and decision-maker, and the baseline"
    return {
        "settings": f"{settings} (binary, alpha 0)",
        "sampler": f"{sampler}, seed {search['seed']}",
    }


def _training(training: Any) -> str:
    given = dict(training or {})
    numbers = {key: f"{v:,}" if isinstance(v, int) else listed(v) for key, v in given.items()}
    known = [text.format(numbers.pop(key)) for key, text in TRAINING.items() if key in numbers]
    return ", ".join([*known, *(f"{key.replace('_', ' ')} {text}" for key, text in numbers.items())])


def _planned(planned: int, seeds: object) -> str:
    number = len(seeds) if isinstance(seeds, list | tuple) else 0
    if number and planned % number == 0:
        return f"{planned:,} ({counted(planned // number, 'setting')}, {counted(number, 'seed')})"
    return f"{planned:,}"


def _thresholds(study: Mapping[str, Any]) -> str:
    # Only models whose thresholds are chosen after training have a model alpha.
    if not study.get("search", {}).get("model_alpha"):
        return NOTHING
    given = study["thresholds"]
    how = THRESHOLDS[given["sampler"]].format(candidates=given["candidates"])
    whose = "for each group" if given["per_group"] else "the same for both groups"
    return f"{how}, {whose}, {CHOSEN_ON[given['choose_on']]}"


def _inconsistent(study: Mapping[str, Any]) -> str:
    if "inconsistent" not in [*study.get("decision_maker", ()), study.get("test_decision_maker")]:
        return NOTHING
    given = study["inconsistent"]
    where = given["where"] or "the data set’s own condition holds"
    return f"p turned into 1 − p with probability {listed(given['flip'])} where {where}"
