"""Where the time of a study goes: a small study, run twice, in this process under a clock and on Ray."""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

from models.compiled import Compiled
from models.step import Eager
from models.training import PackTraining
from study import pack
from study.config import validate
from study.launch import launch
from study.ledger import ResultsDirectory
from study.queue import PackQueue

STAGES: dict[str, list[tuple[Any, str]]] = {
    "compiling, or loading": [(Compiled, "__init__")],
    "training": [(Compiled, "train"), (Eager, "train")],
    "validation and best weights": [
        *[(Compiled, "validate"), (Eager, "validate")],
        (PackTraining, "_note"),
    ],
    "evaluation": [(pack, "evaluate")],
    "search": [(PackQueue, "next"), (PackQueue, "finish")],
    "ledger": [(ResultsDirectory, "write_runs"), (ResultsDirectory, "has_runs")],
}


def study_of(settings: int, seeds: int, backend: str, **training: int) -> dict[str, Any]:
    """Return a study file: deferring ordinal models, and the baseline."""
    return {
        "study": "benchmark",
        "dataset": "compas-two-year",
        "methods": ["defer"],
        "model": "ordinal",
        "search": {"sampler": "nsga2", "settings": settings},
        "seeds": seeds,
        "training": training,
        "pack": {"settings": 64},
        "resources": {"backend": backend},
    }


def measure_stages(study: dict[str, Any], directory: Path) -> dict[str, float]:
    """Return the share of each stage in the CPU time of a study, Ray left out."""
    spent: Counter[str] = Counter()

    def timed(stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            started = time.process_time()
            try:
                return function(*args, **kwargs)
            finally:
                spent[stage] += time.process_time() - started

        return call

    with ExitStack() as clocks:
        for stage, functions in STAGES.items():
            for owner, name in functions:
                clocks.enter_context(patch.object(owner, name, timed(stage, getattr(owner, name))))
        started = time.process_time()
        launch(
            validate(study, "the benchmark"),
            ResultsDirectory(directory),
            in_process=True,
            say=lambda line: None,
        )
        whole = time.process_time() - started
    return {stage: spent[stage] / whole for stage in STAGES} | {
        "data, decision-makers, the rest": 1 - sum(spent.values()) / whole
    }


def seconds_beside_packs(study: dict[str, Any], directory: Path) -> tuple[float, float]:
    """Run a study on Ray with one worker: seconds on the clock, and how many of them packs were at work."""
    results = ResultsDirectory(directory)
    started = time.perf_counter()
    launch(validate(study, "the benchmark"), results, workers=1, say=lambda line: None)
    return time.perf_counter() - started, float(results.read_runs()[0]["seconds"].sum())
