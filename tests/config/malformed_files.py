"""Study files that are wrong, each in one way, by what is wrong with them."""

import copy
from collections.abc import Iterator
from typing import Any

import yaml

VALID: dict[str, Any] = {
    "study": "mine",
    "dataset": {
        "path": "cases.csv",
        "label": {"column": "bad", "positive": 1},
        "sensitive": {"column": "race", "is": "B"},
        "decision_maker": {"columns": ["judge", "sure"], "combine": "draw"},
        "drop": ["case"],
        "split_seed": 3,
    },
    "decision_maker": ["column", "oracle"],
    "methods": ["binary", "reject", "defer"],
    "model": ["mlp", "ordinal", "posthoc"],
    "search": {
        "sampler": "random",
        "settings": 20,
        "seed": 1,
        "alpha": {"low": 0.1, "high": 10.0, "log": True},
        "gamma": {"reject": [0.5, 0.6], "defer": {"low": 0.03, "high": 0.15}},
    },
    "thresholds": {"sampler": "random", "candidates": 30, "per_group": False, "choose_on": "test-half"},
    "inconsistent": {"where": "skill <= 0", "flip": 0.2},
    "seeds": [1, 2],
    "training": {"hidden": 5, "learning_rate": 0.001, "batch_size": 64, "patience": 9, "max_epochs": 99},
    "pack": {"settings": 4},
    "resources": {"workers": 2, "backend": "eager"},
}

WHOLE = [[], {}, "two", -1, 0.5, 10**30, True, float("nan")]
NUMBER = [[], {}, "two", -1, float("inf"), float("nan"), True, 10**400]
WORD = [[], {}, "nowhere", 3, True, float("nan")]
WRONG: dict[str, list[Any]] = {
    "study": [[], {}, 3, "", "a/b", "x" * 101],
    "dataset": [[], 3, "nowhere", True],
    "dataset.path": [[], {}, 3, "", "\0", "nowhere.csv", "nonsense://x"],
    "dataset.split_seed": WHOLE,
    "dataset.label": [[], {}, 3, "nowhere", "skill", None],
    "dataset.label.column": [[], 3, "nowhere", None],
    "dataset.label.positive": [[], {}, 7, float("nan")],
    "dataset.sensitive": [[], {}, 3, "nowhere", "race", None],
    "dataset.sensitive.is": [[], {}, "D", float("nan")],
    "dataset.sensitive.at_least": [[], "x", 3],
    "dataset.decision_maker": [
        [],
        {},
        3,
        "nowhere",
        "skill",
        "bad",
        ["judge"] * 2,
        ["judge", "sure"],
        None,
    ],
    "dataset.decision_maker.combine": [None, "mean", 3, []],
    "dataset.drop": ["nowhere", 3, {}, [["case"]], ["bad"]],
    "dataset.dm_only": ["nowhere", 3, {}, ["judge"]],
    "dataset.features": ["nowhere", 3, {}, [], ["bad"]],
    "dataset.split": ["nowhere", 3, [], "sex"],
    "dataset.group": ["nowhere", 3, [], "city"],
    "decision_maker": [[], {}, "nobody", 3, ["oracle"] * 2],
    "methods": [[], {}, "predict", 3, ["defer"] * 2],
    "model": [[], {}, "forest", 3, ["mlp"], ["mlp"] * 2],
    "search": [[], 3, "tpe"],
    "search.sampler": [*WORD, "grid", "qmc"],
    "search.settings": [*WHOLE, 0],
    "search.seed": WHOLE,
    "search.alpha": [[], "x", True, [1, "x"], float("nan"), {"low": 1}, {"low": 2, "high": 1}],
    "search.alpha.low": [*NUMBER[:3], 0, 11],
    "search.alpha.log": [[], "x", 3],
    "search.gamma.reject": [[], "x", {"low": 1, "high": 1}],
    "search.gamma.binary": [0.1],
    "test_decision_maker": ["nobody", 3, []],
    "thresholds": [[], 3, "exact"],
    "thresholds.sampler": [*WORD],
    "thresholds.candidates": [*WHOLE, 0],
    "thresholds.per_group": [[], "x", 3],
    "thresholds.choose_on": WORD,
    "inconsistent": [[], 3],
    "inconsistent.flip": NUMBER,
    "inconsistent.where": [[], 3, True],
    "seeds": [[], {}, 0, -1, "x", 0.5, [1, 1], [-1], ["x"], 10**6, [2**63]],
    "training": [[], 3],
    "training.hidden": [*WHOLE, 0],
    "training.learning_rate": [*NUMBER, 0, 2],
    "training.batch_size": [*WHOLE, 7],
    "training.patience": [*WHOLE, 0],
    "training.max_epochs": [*WHOLE, 0],
    "pack": [[], 3],
    "pack.settings": [*WHOLE, 0],
    "resources": [[], 3],
    "resources.workers": [*WHOLE, 0],
    "resources.backend": WORD,
}
TEXTS = {
    "open list": "a: [",
    "open mapping": "a: {",
    "tab": "a:\n\tb: 1",
    "only a list": "- a\n- b",
    "only a word": "default",
    "only a number": "3",
    "two documents": "study: a\n---\nstudy: b",
    "key twice": "seeds: 2\nseeds: 3",
    "key in a section twice": "pack: {settings: 2, settings: 3}",
    "key that is a number": "3: x",
    "key that is a list": "[a]: x",
    "unknown tag": "study: !python/object:os.system x",
    "unfit tag": "seeds: !!int many",
    "missing anchor": "study: *nobody",
    "anchor that holds itself": "dataset: &a\n  name: *a",
    "control character": "study: \x07",
    "merge of a word": "<<: x",
    "deep nesting": "[" * 3000,
}


def malformed_files() -> Iterator[tuple[str, bytes]]:
    """What is wrong, and the file."""
    for key, values in WRONG.items():
        for value in values:
            yield f"{key}: {value!r}"[:80], yaml.safe_dump(_changed(key, value)).encode()
    for section in ("", *(key for key, value in VALID.items() if isinstance(value, dict)), "dataset.label"):
        key = f"{section}.settngs".lstrip(".")
        yield f"unknown key {key}", yaml.safe_dump(_changed(key, 1)).encode()
    for what, text in TEXTS.items():
        yield what, text.encode()
    yield "no text", b"\xff\xfe\x00"
    yield "Latin 1", "study: é".encode("latin-1")


def _changed(key: str, value: Any) -> dict[str, Any]:
    whole = copy.deepcopy(VALID)
    place: Any = whole
    *parents, last = key.split(".")
    for parent in parents:
        place = place[parent]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return whole
