"""Machine code of a study's training steps: whether, where it is kept, and how it is made while Ray starts.

A worker that meets a step which is not compiled yet compiles it, or waits for whoever does. So that workers
find it made, a process beside the driver begins as soon as the study does. Running this module is that
process; its one argument says what to compile.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from study.config.study_file import StudyConfig
from study.data import Dataset
from study.engines.compiled import step_graphs
from study.engines.machine_code import Traceable, compiler, machine_code
from study.errors import LedgerError, StudyFileError
from study.models.examples import Examples
from study.models.families import FAMILIES
from study.models.methods import LOSSES
from study.results.directory import ResultsDirectory
from study.search.plan import BASELINE, arms, planned_runs
from study.storage.user_cache import user_cache
from study.training.study_data import rows_by_use

COMPILE_FROM = 1.2e8
"""The work from which ``auto`` compiles, in multiplications of the first layer per epoch of all runs, for
each step that must be compiled: 260 runs on COMPAS. Below, with an empty cache, compiling may take longer
than it saves. What is in the cache has no say: rows must not depend on which studies ran before."""


def choose_backend(
    config: StudyConfig, dataset: Dataset, directory: ResultsDirectory, say: Callable[[str], None]
) -> str:
    """Return ``compiled``, ``eager`` or ``gpu``: what the study began with, else what suits it and this
    machine.

    They differ in the last digits, so a study keeps to one; ``gpu`` is never chosen, only asked for. Raises
    StudyFileError or LedgerError where the study wants what this machine has not got.
    """
    begun: str | None = None
    if directory.manifest_file.exists():
        begun = directory.read_manifest().get("backend")
    asked = begun or config.resources.backend
    if asked != "auto":
        missing = _missing(asked)
        if missing and begun:
            raise LedgerError(f"{directory.manifest_file}: the study was begun {begun}, which {missing}")
        if missing:
            raise StudyFileError(f"resources.backend: {asked} {missing}, or leave auto")
        return asked
    rows, inputs = dataset.features[dataset.indices("train")].shape
    work = planned_runs(config, []) * rows * inputs * config.training.hidden
    if work < COMPILE_FROM * len(steps_of(config)):
        return "eager"
    if compiler() is None:
        say(
            "no C++ compiler here: install g++ or clang++ to train a study of this size several times "
            "faster"
        )
        return "eager"
    return "compiled"


def _missing(backend: str) -> str:
    """Return what this machine lacks for a backend, as the end of a sentence; nothing if it can do it."""
    if backend == "compiled" and compiler() is None:
        return "needs a C++ compiler, and there is none; install g++ or clang++"
    if backend == "gpu" and not torch.cuda.is_available():
        return "needs an NVIDIA GPU, and torch finds none here; train where there is one"
    return ""


def code_directory() -> Path:
    """Return where this machine keeps machine code; a temporary directory where the cache is read-only."""
    directory = user_cache() / "machine-code"
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError:
        return Path(tempfile.gettempdir()) / f"learning-to-defer-study-{os.getuid()}" / "machine-code"
    return directory


def steps_of(config: StudyConfig) -> list[tuple[str, str]]:
    """Return the model and method of every step that a study compiles, in the order they are wanted.

    Packs of the last arms are handed out first, and the baseline's before them.
    """
    wanted = [*arms(config), BASELINE]
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for arm in reversed(wanted):
        family = FAMILIES[arm.model]
        method = family.trained_method(arm.method)
        found.setdefault((family.at, method), (arm.model, method))
    return list(found.values())


@contextmanager
def compiling_beside(
    config: StudyConfig, dataset: Dataset, logs: Path, say: Callable[[str], None]
) -> Iterator[None]:
    """Compile what steps are missing in a process of its own, which ends with the context if not before."""
    rows = rows_by_use(dataset, config.thresholds.choose_on)
    asked = {
        "inputs": dataset.features.shape[1] + 1,
        "train": len(rows["train"]),
        "validation": len(rows["validation"]),
        "hidden": config.training.hidden,
        "batch_size": config.training.batch_size,
    }
    missing = [
        step
        for step in steps_of(config)
        if not all(graph.file(code_directory()).exists() for graph in _graphs(step, asked))
    ]
    if not missing:
        yield
        return
    say(f"compiling {len(missing)} training steps for this machine, once: 20 seconds of a core for each")
    paths = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with (logs / "compiling.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "study.training.compiling", json.dumps({**asked, "steps": missing})],
            env={**os.environ, **paths},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _graphs(step: tuple[str, str], asked: dict[str, int]) -> tuple[Traceable, Traceable]:
    model, method = FAMILIES[step[0]].model, LOSSES[step[1]]
    train, validation = (_people(asked[split], asked["inputs"]) for split in ("train", "validation"))
    sizes = {"hidden": asked["hidden"], "batch_size": asked["batch_size"]}
    return step_graphs(model, method, train, validation.whole(1), **sizes)


def _people(number: int, inputs: int) -> Examples:
    """Return examples of the right shape: no value of theirs is compiled in."""
    return Examples(torch.zeros(number, inputs), *(torch.zeros(number) for _ in range(3)))


if __name__ == "__main__":
    torch.set_num_threads(1)
    asked = json.loads(sys.argv[1])
    for step in asked.pop("steps"):
        for graph in _graphs(step, asked):
            machine_code(graph, code_directory())
