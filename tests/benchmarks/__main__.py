"""``make bench``: the runs of a pack trained together, against the same runs one after the other.

Both sides run the same code on one core of this machine, in turn. A run alone takes the same epochs as in
its pack (its row is the same), so the time of all of them one after the other is estimated from a sample:
seconds per epoch alone, times the epochs of the pack. Figures include early stopping and evaluation.
"""

import json
import sys
import time
from pathlib import Path
from unittest.mock import patch

import torch

from models import network
from models.methods import METHODS
from models.metrics import decide, joint_figures, scores
from models.ordinal import ORDINAL
from models.step import compiler_available
from models.training import PackTraining, Trained
from tests.benchmarks.problem import OPTIONS, Problem, compas_problem

SEEDS = [0, 1, 2, 3, 4]
SAMPLE = 3


def train(problem: Problem, which: slice, seeds: list[int], compiled: bool) -> tuple[Trained, float]:
    """Train and evaluate settings ``which`` under ``seeds``; return what came of it and the seconds."""
    started = time.perf_counter()
    training = PackTraining(
        ORDINAL,
        METHODS["defer"],
        problem.train,
        problem.validation,
        alpha=problem.alpha[which],
        gamma=problem.gamma[which],
        seeds=seeds,
        options=OPTIONS,
        compiled=compiled,
    )
    while training.running:
        training.run_epoch()
    trained = training.result()
    for split in (problem.train, problem.validation, problem.test):
        decisions = decide(
            scores(ORDINAL, trained.theta, split.x), ORDINAL.thresholds(trained.theta), split.a
        )
        joint_figures(decisions, split)
    return trained, time.perf_counter() - started


def seconds_per_epoch_alone(problem: Problem) -> float:
    """Return the seconds of an epoch of one run at width 1, over SAMPLE settings."""
    seconds, epochs = 0.0, 0
    with patch.object(network, "LANE_MULTIPLE", 1):
        for setting in range(SAMPLE):
            trained, elapsed = train(problem, slice(setting, setting + 1), [0], compiled=False)
            seconds += elapsed
            epochs += int(trained.epochs.sum())
    return seconds / epochs


def main() -> int:
    """Print one table, and write it to the file named on the command line, if one is."""
    torch.set_num_threads(1)
    print("COMPAS (two-year), ordinal, defer, 63 steps of 64 examples an epoch, one core\n")
    rows = []
    for settings in (64, 256):
        problem = compas_problem(settings)
        alone = seconds_per_epoch_alone(problem)
        for backend in ("eager", "compiled") if compiler_available() else ("eager",):
            compiled = backend == "compiled"
            if compiled:
                # Compiling happens once on a machine; what is measured is training.
                train(problem, slice(None), SEEDS, compiled)
            trained, seconds = train(problem, slice(None), SEEDS, compiled)
            epochs = int(trained.epochs.sum())
            runs = settings * len(SEEDS)
            rows.append(
                {
                    "pack": f"{settings} settings x {len(SEEDS)} seeds",
                    "backend": backend,
                    "runs_per_second": runs / seconds,
                    "microseconds_per_model_step": 1e6 * seconds / (epochs * 63),
                    "runs_per_second_alone": runs / (alone * epochs),
                    "ratio": alone * epochs / seconds,
                }
            )
            row = rows[-1]
            print(
                f"{row['pack']:<24} {backend:<9} {row['runs_per_second']:7.1f} runs/s  "
                f"{row['microseconds_per_model_step']:6.2f} us per model-step  "
                f"alone {row['runs_per_second_alone']:6.2f} runs/s  ratio {row['ratio']:6.1f}",
                flush=True,
            )
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(json.dumps(rows, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
