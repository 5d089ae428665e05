"""Where the time of a study goes: in this process under a clock, and on Ray with one worker and several."""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pandas as pd

from study.config.reading import validate
from study.engines.compiled import Compiled
from study.engines.on_cpu import OnCpu
from study.models.training import PackTraining
from study.results.directory import ResultsDirectory
from study.search.pack_queue import PackQueue
from study.training import decision_makers, pack
from study.training.launch import launch

STAGES: dict[str, list[tuple[Any, str]]] = {
    "compiling, or loading": [(Compiled, "__init__")],
    "decision-makers": [(decision_makers, "_train")],
    "training": [(Compiled, "train"), (OnCpu, "train")],
    "validation and best weights": [
        *[(Compiled, "validate"), (OnCpu, "validate")],
        (PackTraining, "_note"),
    ],
    "evaluation": [(pack, "evaluate")],
    "search": [(PackQueue, "next"), (PackQueue, "finish")],
    "ledger": [(ResultsDirectory, "write_runs"), (ResultsDirectory, "has_runs")],
}
"""What a stage calls is that stage's, other stages' functions too: decision-makers train as packs do."""


def study_of(
    settings: int, seeds: int, backend: str, sampler: str = "nsga2", **training: int
) -> dict[str, Any]:
    """Return a study file: deferring ordinal models, and the baseline."""
    return {
        "study": "benchmark",
        "dataset": "compas-two-year",
        "methods": ["defer"],
        "model": "ordinal",
        "search": {"sampler": sampler, "settings": settings, "gamma": {"low": 0.03, "high": 0.15}},
        "seeds": seeds,
        "training": training,
        "pack": {"settings": 64},
        "resources": {"backend": backend},
    }


def measure_stages(study: dict[str, Any], directory: Path) -> dict[str, float]:
    """Return the share of each stage in the CPU time of a study, Ray left out."""
    spent: Counter[str] = Counter()
    under_way: list[str] = []

    def timed(stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if under_way:
                return function(*args, **kwargs)
            under_way.append(stage)
            started = time.process_time()
            try:
                return function(*args, **kwargs)
            finally:
                spent[stage] += time.process_time() - started
                under_way.clear()

        return call

    with ExitStack() as clocks:
        for stage, functions in STAGES.items():
            for owner, name in functions:
                clocks.enter_context(patch.object(owner, name, timed(stage, getattr(owner, name))))
        clocks.enter_context(redirect_stderr(StringIO()))
        started = time.process_time()
        launch(
            validate(study, "the benchmark"),
            ResultsDirectory(directory),
            in_process=True,
            log=lambda line: None,
        )
        whole = time.process_time() - started
    return {stage: spent[stage] / whole for stage in STAGES} | {
        "data, the rest": 1 - sum(spent.values()) / whole
    }


def on_workers(study: dict[str, Any], workers: int, directory: Path) -> dict[str, float]:
    """Run a study on Ray: its runs per second once Ray is there, and how much workers do not train.

    Seconds on the clock, from the beginning of the first pack to the end of the last. Workers that do not
    train evaluate, write, wait for Ray or for the search, or have nothing left to do.
    """
    results = ResultsDirectory(directory)
    with redirect_stderr(StringIO()):
        launch(validate(study, "the benchmark"), results, workers=workers, log=lambda line: None)
    runs = results.read_runs()[0]
    packs = runs.groupby("pack_id").agg(ended=("finished_at", "max"), seconds=("seconds", "sum"))
    begun = packs["ended"] - pd.to_timedelta(packs["seconds"], unit="s")
    seconds = (packs["ended"].max() - begun.min()).total_seconds()
    idle = 1 - packs["seconds"].sum() / (workers * seconds)
    return {"workers": workers, "runs_per_second": len(runs) / seconds, "not_training": float(idle)}
