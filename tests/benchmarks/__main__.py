"""``make bench``: every side measured in one run of one program; a table, benchmark.json and benchmark.png.

The slow sides are measured on small samples, which the table names: one nn.Module on a few steps of one
run, vmap on a few steps of a pack, Ray Tune on empty trials.
"""

import argparse
import json
import platform
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import torch

from study.engines.machine_code import compiler
from study.models.network import Model
from study.models.networks.actions import ACTIONS, ONE_VS_ALL
from study.models.networks.bayes import BAYES
from study.models.networks.gate import GATE
from study.models.networks.given import COMPARED, TWO_STAGE
from study.models.networks.mlp import MLP
from study.models.networks.ordinal import ORDINAL
from study.models.networks.pair import PAIR
from study.models.training import TrainingOptions
from tests.benchmarks import measure, stages
from tests.benchmarks.chart import draw
from tests.benchmarks.problem import OPTIONS, Problem, compas_problem
from tests.models.synthetic_examples import make_examples

ARMS: list[tuple[Model, str]] = [
    (MLP, "binary"),
    (ORDINAL, "reject"),
    (ORDINAL, "defer"),
    (GATE, "defer"),
    (BAYES, "binary"),
    (ACTIONS, "ce"),
    (ONE_VS_ALL, "ova"),
    (ACTIONS, "realizable"),
    (PAIR, "compare"),
    (COMPARED, "compare"),
    (TWO_STAGE, "two-stage"),
]


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    options: TrainingOptions
    arms: list[tuple[Model, str]]
    widths: dict[measure.Way, list[int]]
    seeds: int
    to_the_end: list[int]
    repeats: int
    sample_steps: int
    trials: int
    study: dict[str, Any]
    large_study: dict[str, Any]
    workers: list[int]
    growth: dict[str, list[int]]


FULL = Sizes(
    options=OPTIONS,
    arms=ARMS,
    widths={"compiled": [32, 64, 256, 1024], "recorded": [32, 256], "as written": [32, 256]},
    seeds=5,
    to_the_end=[64, 256, 512],
    repeats=5,
    sample_steps=40,
    trials=40,
    study=stages.study_of(128, 5, "auto"),
    large_study=stages.study_of(640, 5, "auto", "random"),
    workers=[1, 2],
    growth={"rows": [4000, 16_000], "features": [90], "hidden": [20]},
)


def main(arguments: list[str] | None = None, sizes: Sizes = FULL, problem: Problem | None = None) -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs"), help="where benchmark.json and .png go")
    out = parser.parse_args(arguments).out
    torch.set_num_threads(1)
    problem = problem or compas_problem(max(max(sizes.widths["compiled"]), *sizes.to_the_end))
    ways = [way for way in get_args(measure.Way) if way != "compiled" or compiler()]
    measured: dict[str, Any] = {
        "machine": {"processor": platform.processor() or platform.machine(), "torch": torch.__version__},
    }
    sections: list[tuple[str, Callable[[], Iterator[dict[str, Any]]]]] = [
        ("steps", lambda: steps(sizes, problem, ways)),
        ("end_to_end", lambda: end_to_end(sizes, problem, ways[0])),
        ("stages", lambda: of_stages(sizes)),
        ("workers", lambda: of_workers(sizes)),
        ("growth", lambda: growth(sizes, ways[0])),
    ]
    for name, rows in sections:
        print(f"\n{name.replace('_', ' ')}", flush=True)
        measured[name] = []
        for row in rows():
            measured[name].append(row)
            print("  " + "  ".join(f"{key} {_short(value)}" for key, value in row.items()), flush=True)
            # Written as it goes: a benchmark that is interrupted has measured something.
            (out / "benchmark.json").write_text(json.dumps(measured, indent=1) + "\n")
        if "end_to_end" in measured:
            draw(measured, out / "benchmark.png")
    return 0


def steps(sizes: Sizes, problem: Problem, ways: list[measure.Way]) -> Iterator[dict[str, Any]]:
    """Microseconds per model-step by model, method, way and width."""
    scored = measure.with_score(problem)
    for model, method in sizes.arms:
        own = scored if model in (COMPARED, TWO_STAGE) else problem
        for way in ways:
            for settings in sizes.widths[way]:
                of = (way, model, method, own, settings, sizes.seeds, sizes.options, sizes.repeats)
                yield measure.as_row(measure.measure_steps(*of))


def end_to_end(sizes: Sizes, problem: Problem, way: measure.Way) -> Iterator[dict[str, Any]]:
    """Runs per second of every way to train the same deferring ordinal models to the end."""
    packs = [
        measure.measure_end_to_end(way, problem, settings, sizes.seeds, sizes.options)
        for settings in sizes.to_the_end
    ]
    runs = packs[-1].settings * packs[-1].seeds
    epochs = packs[-1].needed_epochs / runs
    alone = epochs * measure.seconds_per_epoch_alone(problem, sizes.options, sizes.sample_steps)
    per_epoch = len(problem.train) // min(sizes.options.batch_size, len(problem.train))
    settings = min(256, packs[-1].settings)
    step = measure.seconds_per_step_under_vmap(problem, settings, sizes.seeds, sizes.options, 3)
    under_vmap = settings * sizes.seeds / (epochs * per_epoch * step)

    def row(way: str, speed: float, sample: str, **more: float) -> dict[str, Any]:
        return {"way": way, "runs_per_second": speed, "times": speed * alone, "sample": sample, **more}

    yield row("one nn.Module at a time", 1 / alone, f"{sizes.sample_steps} steps of a run")
    if sizes.trials:
        # Not above: Ray is slow to import.
        from tests.benchmarks.on_tune import seconds_per_trial

        with tempfile.TemporaryDirectory() as directory:
            trial = seconds_per_trial(sizes.trials, Path(directory))
        sample = f"{sizes.trials} empty trials, {trial:.3f} s each"
        yield row("one run per Ray Tune trial", 1 / (alone + trial), sample)
    yield row(
        f"vmap over {settings * sizes.seeds} modules", under_vmap, "3 steps; nothing validated, no waste"
    )
    for pack in packs:
        yield row(
            f"pack of {pack.settings} x {pack.seeds}, {pack.way}",
            pack.runs_per_second,
            "all of it, evaluation included",
            epochs_spent_by_needed=pack.spent_epochs / pack.needed_epochs,
        )


def growth(sizes: Sizes, way: measure.Way) -> Iterator[dict[str, Any]]:
    """How the cost of a model-step grows with rows of data, features and hidden units (runs: see steps)."""
    usual = {"rows": 4000, "features": 22, "hidden": sizes.options.hidden}
    for what, values in sizes.growth.items():
        for value in values:
            now = {**usual, what: value}
            options = TrainingOptions(**{**vars(sizes.options), "hidden": now["hidden"]})
            problem = measure.synthetic_problem(make_examples, now["rows"], now["features"])
            row = measure.measure_steps(
                way, ORDINAL, "defer", problem, 64, sizes.seeds, options, sizes.repeats
            )
            yield {**now, "step": row.step, "validation": row.validation, "whole": row.whole}


def of_stages(sizes: Sizes) -> Iterator[dict[str, Any]]:
    """Share of a study's time by stage."""
    with tempfile.TemporaryDirectory() as directory:
        for stage, share in stages.measure_stages(sizes.study, Path(directory) / "here").items():
            yield {"stage": stage, "share": share}


def of_workers(sizes: Sizes) -> Iterator[dict[str, Any]]:
    """The same study on Ray with one worker and with two."""
    with tempfile.TemporaryDirectory() as directory:
        for workers in sizes.workers:
            yield stages.on_workers(sizes.large_study, workers, Path(directory) / str(workers))


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    raise SystemExit(main())
