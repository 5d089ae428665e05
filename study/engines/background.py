"""Machine code of several training steps, made by processes of their own while something else happens.

A worker that meets a step which is not compiled yet compiles it, or waits for whoever does. So that workers
find it made, this process begins as soon as a study does, and takes all locks first. Running this module is
that process; its one argument names what to compile.
"""

import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, NoReturn

import torch

from study.engines.code_cache import prune
from study.engines.compiled import step_graphs
from study.engines.machine_code import (
    CompilerError,
    Lock,
    Traceable,
    compile_graph,
    import_compiler,
    lock_of,
)
from study.models.examples import Examples
from study.models.families import FAMILIES
from study.models.losses import loss_of


class Step(NamedTuple):
    """A training step: a family by name, and the method whose loss it takes, decisions known ``partly``."""

    family: str
    method: str
    partly: bool = False


# From so many functions on, compiling headers once (16 seconds) costs less than it saves (3.4 for each).
_SHARE_HEADERS = 6


@dataclass(frozen=True)
class Shapes:
    """All that machine code depends on next to the step: numbers of inputs (a given model's p is one
    more), rows and hidden units, and what errors cost."""

    inputs: int
    train: int
    validation: int
    hidden: int
    batch_size: int
    costs: tuple[float, ...] = (1.0, 1.0)


def not_compiled(steps: Sequence[Step], shapes: Shapes, directory: Path) -> list[Step]:
    """Return those of ``steps`` whose machine code is not in ``directory``."""
    return [
        step for step in steps if not all(graph.file(directory).exists() for graph in _graphs(step, shapes))
    ]


@contextmanager
def compiling_in_background(
    steps: Sequence[Step], shapes: Shapes, directory: Path, log: Path, processes: int
) -> Iterator[None]:
    """Compile ``steps`` in so many processes at a time, which end with the context if not before."""
    job = json.dumps(
        {"steps": steps, "shapes": asdict(shapes), "directory": str(directory), "processes": processes}
    )
    paths = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    directory.mkdir(parents=True, exist_ok=True)
    with (
        log.open("ab") as output,
        TemporaryDirectory(dir=directory, ignore_cleanup_errors=True) as temporary,
    ):
        process = subprocess.Popen(
            [sys.executable, "-m", "study.engines.background", job],
            env={**os.environ, **paths, "TMPDIR": temporary},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            process_group=0,
        )
        try:
            yield
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait()


def compile_side_by_side(graphs: Sequence[Traceable], directory: Path, processes: int) -> None:
    """Compile those of ``graphs`` that no other process compiles, in turn, in each of some processes.

    What fails is left to the worker that needs it, which reports it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    prune(directory)
    mine: list[tuple[Traceable, Lock]] = []
    for graph in graphs:
        lock = lock_of(graph.file(directory))
        with suppress(TimeoutError):
            lock.acquire(timeout=0)
            mine.append((graph, lock))
    import_compiler()
    to_do, done = os.pipe(), os.pipe()
    os.write(to_do[1], bytes(range(len(mine))))
    os.close(to_do[1])
    for _ in range(min(processes, len(mine))):
        # A copy of this process need import nothing, and for its second function has all at hand.
        if not os.fork():
            _compile_what_is_left([graph for graph, _ in mine], directory, to_do[0], done[1])
    os.close(done[1])
    while number := os.read(done[0], 1):
        mine[number[0]][1].release()


def _compile_what_is_left(graphs: Sequence[Traceable], directory: Path, to_do: int, done: int) -> NoReturn:
    """Take numbers from a pipe that all processes share, and return the finished ones through another."""
    try:
        while number := os.read(to_do, 1):
            graph = graphs[number[0]]
            try:
                if not graph.file(directory).exists():
                    share = len(graphs) >= _SHARE_HEADERS
                    compile_graph(graph, graph.file(directory), share_headers=share)
            except CompilerError:
                traceback.print_exc()
                sys.stderr.flush()
            os.write(done, number)
    finally:
        os._exit(0)


def _graphs(step: Step, shapes: Shapes) -> tuple[Traceable, Traceable]:
    family = FAMILIES[step.family]
    inputs = shapes.inputs + family.given
    train, validation = (_examples(rows, inputs) for rows in (shapes.train, shapes.validation))
    sizes = {"hidden": shapes.hidden, "batch_size": shapes.batch_size}
    return step_graphs(
        family.model(step.method),
        loss_of(step.method, shapes.costs, step.partly),
        train,
        validation.whole(1),
        **sizes,
    )


def _examples(number: int, inputs: int) -> Examples:
    """Return examples of the right shape: no value of theirs is compiled in."""
    return Examples(torch.zeros(number, inputs), *(torch.zeros(number) for _ in range(3)))


if __name__ == "__main__":
    torch.set_num_threads(1)
    job = json.loads(sys.argv[1])
    shapes = Shapes(**job["shapes"])
    wanted = [graph for step in job["steps"] for graph in _graphs(Step(*step), shapes)]
    compile_side_by_side(wanted, Path(job["directory"]), job["processes"])
