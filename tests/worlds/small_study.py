"""Studies that are small enough for a test, and rows that look like those of a trained pack."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from study.api import Study
from study.config.reading import validate
from study.config.study_file import StudyConfig
from study.results.directory import ResultsDirectory
from study.results.files.schema import RUN_SCHEMA, Rows
from study.results.packs import Pack, run_id
from study.search.identity import Identity
from study.words import CELL_NAMES, FAILED, PAPER_METHODS
from tests.worlds.own_tables import cases

PROTOCOL: dict[str, Any] = {
    "thresholds": {"sampler": "random", "candidates": 9, "per_group": True, "choose_on": "validation"},
    "test_decision_maker": None,
    "inconsistent": {"where": None, "flip": 0.3},
}
IDENTITY = Identity("fingerprint", {"hidden": 5}, PROTOCOL, "code")
PEOPLE = 13
"""How many people runs that are made up decide on: no multiple of 8."""

GAMMA = {
    **{"reject": {"low": 0.5, "high": 0.7}, "defer": {"low": 0.03, "high": 0.15}},
    **{arm: {"low": 0.2, "high": 0.5} for arm in ("reject-posthoc", "reject-bayes")},
    **{arm: {"low": 0.0, "high": 0.25} for arm in ("defer-posthoc", "defer-bayes", "confidence")},
    **{
        method: {"low": -0.2, "high": 0.2} for method in ("compare", "ce", "ova", "realizable", "two-stage")
    },
}
"""Ranges that suit COMPAS: no pilot is made."""

TINY: dict[str, Any] = {
    "study": "tiny",
    "dataset": "compas-two-year",
    "methods": list(PAPER_METHODS),
    "search": {"sampler": "random", "settings": 3, "gamma": GAMMA},
    "seeds": 2,
    "training": {"max_epochs": 3},
    "pack": {"settings": 2},
}
"""Three arms in two packs each; 20 runs with the baseline's."""

LONG: dict[str, Any] = {
    "study": "long",
    "dataset": "compas-two-year",
    "methods": ["reject", "defer"],
    "search": {"sampler": "random", "settings": 6, "gamma": GAMMA},
    "seeds": 2,
    "training": {"max_epochs": 20, "patience": 1000, "batch_size": 128},
    "pack": {"settings": 2},
}
"""Seven packs (one is the baseline's) of half a second and more each: time to interrupt two workers in the
middle."""
LONG_RUNS = 26

FAMILIES: dict[str, Any] = {
    "study": "families",
    "decision_maker": "column",
    "methods": [
        *("binary", "reject", "defer", "confidence", "compare", "ce", "ova", "realizable", "two-stage")
    ],
    "model": ["mlp", "ordinal", "posthoc", "bayes", "gate", "actions", "pair", {"given": "risk"}],
    "search": {
        "sampler": "random",
        "settings": 1,
        "alpha": [0.1],
        "gamma": {
            **{
                "reject-ordinal": [0.6],
                "reject-posthoc": [0.3],
                "reject-bayes": [0.3],
                "reject-gate": [0.65],
            },
            **{"defer-ordinal": [0.15], "defer-posthoc": [0.1], "defer-bayes": [0.1], "defer-gate": [0.2]},
            **{"confidence": [0.1], "compare": [0.25], "ce": [0.05], "ova": [0.05], "realizable": [0.05]},
            **{"confidence-given": [0.05], "two-stage": [0.2]},
        },
    },
    "thresholds": {"sampler": "random"},
    "seeds": 1,
    "training": {"max_epochs": 12, "batch_size": 16, "learning_rate": 0.03},
}
"""Every method with every model, so that each that may defers some cases, on a table of one's own: the
section ``dataset`` comes from ``write_cases``."""
FAMILY_ARMS = [
    *("binary-mlp", "binary-bayes", "reject-ordinal", "reject-posthoc", "reject-bayes", "reject-gate"),
    *("defer-ordinal", "defer-posthoc", "defer-bayes", "defer-gate"),
    *("confidence-mlp", "compare-pair", "ce-actions", "ova-actions", "realizable-actions"),
    *("binary-given", "confidence-given", "compare-given", "two-stage-given"),
]

DIFFERS_BY_NATURE = ["seconds", "worker", "finished_at"]


def write_cases(path: Path) -> dict[str, Any]:
    """Write a table of one's own as CSV; return the study file's section of it.

    It has what tempts one to read it otherwise than in training: numbers and categories with gaps,
    booleans, codes with leading zeros, a category that only a test row has, a name that a decision's
    column has, a formula.
    """
    frame = cases(300)
    generator = np.random.default_rng(2)
    frame["code"] = generator.choice(["007", "07", "X1"], len(frame))
    frame["score"] = generator.integers(0, 9, len(frame))
    frame["split"] = np.array(["train", "validation", "test"])[np.arange(len(frame)) % 3]
    frame["note"] = "=1+1"
    frame["place"] = generator.choice(["here", "there"], len(frame))
    frame.loc[2, "place"] = "elsewhere"
    frame["risk"] = 1 / (1 + np.exp(-frame["skill"]))
    frame.to_csv(path, index=False)
    return {
        "path": str(path),
        "label": "bad",
        "score": "risk",
        "sensitive": {"column": "race", "is": "B"},
        "decision_maker": "judge",
        "drop": ["case", "sure", "note"],
        "split": "split",
    }


def config_of(given: Mapping[str, Any], **changes: Any) -> StudyConfig:
    whole = {"methods": list(PAPER_METHODS), **given, **changes}
    return validate({**whole, "search": {"gamma": GAMMA, **whole.get("search", {})}}, "a test")


def resume(directory: ResultsDirectory, **options: Any) -> bool:
    """Resume a study as the command does, with the options of ``Study.train``."""
    return Study(directory.root).train(**options)


def facts(rows: pd.DataFrame) -> pd.DataFrame:
    """What rows say of their runs, in the order of run_id: all but when and where they were trained."""
    return rows.drop(columns=DIFFERS_BY_NATURE).sort_values("run_id", ignore_index=True)


def finished_packs(directory: ResultsDirectory) -> set[str]:
    """The ids of the packs whose rows are in the ledger."""
    return {path.stem for path in directory.runs.glob("*.parquet")}


def assert_same_rows(one: pd.DataFrame, other: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(facts(one), facts(other), check_exact=True)


def made_up(*keys: object) -> float:
    """A number in [0, 1) that depends on ``keys`` alone."""
    digest = hashlib.sha256(repr(keys).encode()).digest()
    return int.from_bytes(digest[:6], "little") / 2**48


def made_up_rows(pack: Pack) -> dict[str, list[Any]]:
    """Rows for a pack that was not trained: every figure follows from setting, seed and column."""
    runs = [(seed, setting) for seed in pack.seeds for setting in pack.settings]
    ids = [run_id(setting.setting_id, seed, pack.split) for seed, setting in runs]
    rows: dict[str, list[Any]] = {}
    for field in RUN_SCHEMA:
        if str(field.type) == "double":
            rows[field.name] = [made_up(identity, field.name) for identity in ids]
        elif str(field.type) == "int32":
            rows[field.name] = [1 + int(100 * made_up(identity, field.name)) for identity in ids]
        else:
            rows[field.name] = [f"a {field.name}"] * len(runs)
    label, sensitive = made_up_decisions("label"), made_up_decisions("sensitive")
    tested = np.bincount(2 * sensitive + label, minlength=len(CELL_NAMES)).tolist()
    rows |= {f"test_cases_{cell}": [n] * len(runs) for cell, n in zip(CELL_NAMES, tested, strict=True)}
    return rows | {
        "run_id": ids,
        "setting_id": [setting.setting_id for _, setting in runs],
        "decision_maker": [pack.decision_maker] * len(runs),
        "method": [pack.method] * len(runs),
        "model": [pack.model] * len(runs),
        "alpha": [setting.alpha for _, setting in runs],
        "gamma": [setting.gamma for _, setting in runs],
        "model_alpha": [setting.params.get("model_alpha") for _, setting in runs],
        "seed": [seed for seed, _ in runs],
        "split": [pack.split] * len(runs),
        "pack_id": [pack.pack_id] * len(runs),
        "finished_at": [datetime(2026, 1, 1, tzinfo=UTC)] * len(runs),
    }


def write_made_up(directory: ResultsDirectory, pack: Pack) -> None:
    """Put a pack's made-up rows into the ledger."""
    write_rows(directory, pack, made_up_rows(pack))


def write_failed(directory: ResultsDirectory, pack: Pack) -> None:
    """Put rows into the ledger that say that none of a pack's runs could be trained."""
    rows = {name: [None] * pack.runs for name in RUN_SCHEMA.names}
    known = {name: made_up_rows(pack)[name] for name in ("run_id", "setting_id", "pack_id")}
    failed = {"status": [FAILED] * pack.runs, "reason": ["no reason"] * pack.runs}
    directory.write_rows(pack.pack_id, Rows.failed(rows | known | failed))


def write_rows(directory: ResultsDirectory, pack: Pack, rows: Mapping[str, list[Any]]) -> None:
    """Put rows into the ledger, with made-up weights and decisions."""
    deferred, positive = (
        [np.packbits(made_up_decisions(run, what)).tobytes() for run in rows["run_id"]]
        for what in ("deferred", "positive")
    )
    weights = [np.array([index, 0.5], dtype=np.float32) for index in range(pack.runs)]
    directory.write_runs(pack.pack_id, rows, weights=weights, deferred=deferred, positive=positive)


def made_up_decisions(*keys: object) -> np.ndarray[Any, np.dtype[np.bool_]]:
    digest = hashlib.sha256(repr(keys).encode()).digest()
    return np.unpackbits(np.frombuffer(digest, np.uint8), count=PEOPLE).astype(bool)
