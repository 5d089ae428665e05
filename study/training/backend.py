"""Which backend a study's training steps run on, and the machine code that one of them needs."""

import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import torch

from study.data import Dataset
from study.engines.background import Shapes, Step, compiling_in_background, not_compiled
from study.engines.machine_code import compiler
from study.errors import LedgerError, StudyFileError
from study.models.families import FAMILIES
from study.models.losses import loss_of
from study.models.training import TrainingOptions
from study.results.directory import ResultsDirectory
from study.storage.user_cache import own_directory, user_cache
from study.training.cores import available_cores
from study.training.study_data import rows_by_use
from study.words import UNIT_COSTS, Arm, Costs

COMPILE_FROM = 2.5e8
"""The work from which ``auto`` compiles, in multiplications of the first layer per epoch of all runs, for
each step that must be compiled: 530 runs on COMPAS. Below, with an empty cache, compiling may take longer
than it saves. What is in the cache has no say: rows must not depend on which studies ran before."""


def choose_backend(
    wanted: str,
    directory: ResultsDirectory,
    *,
    runs: int,
    shapes: Shapes,
    steps: Sequence[Step],
    log: Callable[[str], None],
) -> str:
    """Return ``compiled``, ``eager`` or ``gpu``: what the study began with, else what suits it and this
    machine.

    They differ in the last digits, so a study keeps to one; ``gpu`` is never chosen, only asked for.

    Args:
        wanted: what the study file says, ``auto`` or one of the three.
        directory: of the study, whose manifest says what it began with.
        runs: how many runs the study comes to.
        shapes: of its data and networks.
        steps: what it would compile.
        log: takes a line for the user.

    Raises:
        StudyFileError, LedgerError: the study wants what this machine has not got.
    """
    begun: str | None = None
    if directory.manifest_file.exists():
        begun = directory.read_manifest().get("backend")
    wanted = begun or wanted
    if wanted != "auto":
        missing = _missing(wanted)
        if missing and begun:
            raise LedgerError(f"{directory.manifest_file}: the study was begun {begun}, which {missing}")
        if missing:
            raise StudyFileError(f"resources.backend: {wanted} {missing}, or leave auto")
        return wanted
    if not worth_compiling(runs * shapes.train * (shapes.inputs - 1) * shapes.hidden, len(steps)):
        return "eager"
    if compiler() is None:
        log(
            "no C++ compiler here: install g++ or clang++ to train a study of this size several times "
            "faster"
        )
        return "eager"
    return "compiled"


def worth_compiling(work: int, steps: int) -> bool:
    """Return whether compiling so many steps saves time in a study of so much work; see COMPILE_FROM."""
    return work >= COMPILE_FROM * steps


def _missing(backend: str) -> str:
    """Return what this machine lacks for a backend, as the end of a sentence; nothing if it can do it."""
    if backend == "compiled" and compiler() is None:
        return "needs a C++ compiler, and there is none; install g++ or clang++"
    if backend == "gpu" and not torch.cuda.is_available():
        return "needs an NVIDIA GPU, and torch finds none here; train where there is one"
    return ""


def code_directory() -> Path:
    """Return where this machine keeps machine code; a temporary directory where the cache is not ours."""
    cache, temporary = user_cache(), Path(tempfile.gettempdir()) / f"learning-to-defer-study-{os.getuid()}"
    if "TORCHINDUCTOR_CACHE_DIR" not in os.environ:
        # Torch would load what it finds below a predictable name in /tmp.
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(own_directory(temporary / "torch"))
    return own_directory(cache / "machine-code", temporary / "machine-code")


def steps_of(arms: Iterable[Arm], dataset: Dataset) -> list[Step]:
    """Return every step that arms train with on a data set, in the order they are wanted.

    Packs of the last arms are handed out first. Families with one model share its steps.
    """
    found: dict[tuple[str, str], Step] = {}
    for method, name, maker, _ in reversed(list(arms)):
        family = FAMILIES[name]
        if not family.trains(method):
            continue
        trained = family.trained_method(method)
        partly = maker == "column" and not dataset.measured.all()
        found.setdefault((family.at, loss_of(trained, partly=partly).__name__), Step(name, trained, partly))
    return list(found.values())


def shapes_of(
    dataset: Dataset, choose_on: str, options: TrainingOptions, costs: Costs = UNIT_COSTS
) -> Shapes:
    """Return the shapes of a study's training steps."""
    rows = rows_by_use(dataset, choose_on)
    return Shapes(
        inputs=dataset.features.shape[1] + 1,
        train=len(rows["train"]),
        validation=len(rows["validation"]),
        hidden=options.hidden,
        batch_size=options.batch_size,
        costs=costs[:2],
    )


def compiling(
    steps: Sequence[Step], shapes: Shapes, logs: Path, log: Callable[[str], None]
) -> AbstractContextManager[None]:
    """Compile what is missing of ``steps`` beside this process, as long as the context lasts."""
    missing = not_compiled(steps, shapes, code_directory())
    if not missing:
        return nullcontext()
    log(f"compiling {len(missing)} training steps for this machine, once: 20 seconds of a core for each")
    log_file = logs / "compiling.log"
    return compiling_in_background(missing, shapes, code_directory(), log_file, available_cores())
