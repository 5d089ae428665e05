"""Machine code of several training steps, made by a process of its own while something else happens.

A worker that meets a step which is not compiled yet compiles it, or waits for whoever does. So that workers
find it made, this process begins as soon as a study does. Running this module is that process; its one
argument says what to compile.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import torch

from study.engines.compiled import step_graphs
from study.engines.machine_code import Traceable, machine_code
from study.models.examples import Examples
from study.models.families import FAMILIES
from study.models.losses import LOSSES


class Step(NamedTuple):
    """A training step: a family by name, and the method whose loss it takes."""

    family: str
    method: str


@dataclass(frozen=True)
class Shapes:
    """All that machine code depends on next to the step: numbers of inputs, rows and hidden units."""

    inputs: int
    train: int
    validation: int
    hidden: int
    batch_size: int


def not_compiled(steps: Sequence[Step], shapes: Shapes, directory: Path) -> list[Step]:
    """Return those of ``steps`` whose machine code is not in ``directory``."""
    return [
        step for step in steps if not all(graph.file(directory).exists() for graph in _graphs(step, shapes))
    ]


@contextmanager
def compiling_in_background(
    steps: Sequence[Step], shapes: Shapes, directory: Path, log: Path
) -> Iterator[None]:
    """Compile ``steps`` in a process of its own, which ends with the context if not before."""
    job = json.dumps({"steps": steps, "shapes": asdict(shapes), "directory": str(directory)})
    paths = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "study.engines.background", job],
            env={**os.environ, **paths},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _graphs(step: Step, shapes: Shapes) -> tuple[Traceable, Traceable]:
    train, validation = (_examples(rows, shapes.inputs) for rows in (shapes.train, shapes.validation))
    sizes = {"hidden": shapes.hidden, "batch_size": shapes.batch_size}
    return step_graphs(
        FAMILIES[step.family].model(step.method), LOSSES[step.method], train, validation.whole(1), **sizes
    )


def _examples(number: int, inputs: int) -> Examples:
    """Return examples of the right shape: no value of theirs is compiled in."""
    return Examples(torch.zeros(number, inputs), *(torch.zeros(number) for _ in range(3)))


if __name__ == "__main__":
    torch.set_num_threads(1)
    job = json.loads(sys.argv[1])
    for step in job["steps"]:
        for graph in _graphs(Step(*step), Shapes(**job["shapes"])):
            machine_code(graph, Path(job["directory"]))
