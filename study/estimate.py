"""What a study will take, before it begins: runs, packs, and about how long and how much room."""

from dataclasses import asdict, dataclass
from math import ceil
from typing import Any

from study.config.plan import Plan
from study.models.families import FAMILIES
from study.search.arm_state import planned_packs, planned_runs
from study.training.cores import available_cores

_NANOSECONDS = 0.23
"""Of a core for each parameter, example and epoch, everything included: docs/speed.md, a pack of 64 x 5
compiled, 68.6 runs per second of 122 parameters, 4,040 training rows and about 130 epochs."""
_TIMES_RECORDED = 3.7
"""How much longer a step takes that is not compiled: there, 0.53 ms for 160 runs, and 0.89 us for each."""
_EPOCHS_TO_BEST = 50
"""Epochs until the best one; runs of the paper's Figure 6 stopped after 112, with a patience of 50."""
_START, _REPORT = 8.0, 7.0
"""Seconds for Ray and the decision-makers, and for the report."""
_PILOT = 0.8
"""How long the pilot takes for a method."""
_TRAIN, _TEST = 0.56, 0.3
"""The shares of the splits, unless a table has its own."""
_BYTES_OF_RUN, _BYTES_OF_REPORT = 600, 2_500_000
"""Of a run's row, and of what its weights and outcomes take beside their numbers."""


@dataclass(frozen=True)
class Estimate:
    """What a study will take: ``runs`` in ``packs`` on ``cores``, about so many ``seconds`` and ``bytes``.

    ``steps`` are minibatches, counted for each run. An adaptive search may repeat a setting, which runs
    once. Seconds are those once its steps are compiled, where they are; ``piloted`` says for how many
    methods a pilot must find the range of gamma first.
    """

    study: str
    runs: int
    packs: int
    cores: int
    steps: int
    seconds: float
    bytes: int
    piloted: int

    def to_json(self) -> dict[str, Any]:
        """Return the estimate as plain data."""
        return asdict(self)

    def summary(self) -> str:
        """Return the estimate in a line."""
        size = f"{max(1, round(self.bytes / 1e6)):,} MB"
        first = f", after a pilot that finds {self.piloted} ranges of gamma," if self.piloted else ""
        return (
            f"{self.study}: {self.runs:,} runs in {self.packs:,} packs on {self.cores:,} "
            f"core{'s' if self.cores > 1 else ''}{first or ','} about {rounded(self.seconds)} and {size}"
        )


def estimate(plan: Plan, rows: int, inputs: int, *, workers: int | None = None) -> Estimate:
    """Estimate what a study takes on a table of so many ``rows``, and ``inputs`` of the models.

    ``workers`` are those it gets; by default as many as on this machine.
    """
    # Imported where it is wanted: it takes a second, which other commands need not wait.
    from study.training.backend import worth_compiling

    packs = planned_packs(plan.search)
    cores = workers or plan.workers or available_cores()
    hidden, batch = plan.training["hidden"], plan.training["batch_size"]
    epochs = min(plan.training["max_epochs"], _EPOCHS_TO_BEST + plan.training["patience"])
    steps_of_run = epochs * ceil(_TRAIN * rows / batch)
    core_seconds, parameters, compiled = 0.0, 0, set()
    for arm in plan.search.arms:
        family, runs = FAMILIES[arm.arm.model], arm.settings * len(plan.search.seeds)
        of_model = family.model(arm.arm.method).layout(inputs + 1 + family.given, hidden).size
        core_seconds += runs * steps_of_run * batch * of_model * _NANOSECONDS / 1e9
        parameters += runs * of_model
        compiled.add((family.at, family.trained_method(arm.arm.method)))
    runs = planned_runs(plan.search)
    work = round(runs * _TRAIN * rows * inputs * hidden)
    if plan.backend == "eager" or (plan.backend == "auto" and not worth_compiling(work, len(compiled))):
        core_seconds *= _TIMES_RECORDED
    piloted = sum(arm.unpriced for arm in plan.search.arms)
    outcomes = round(runs * _TEST * rows / 4) + 8 * rows
    return Estimate(
        study=plan.study,
        runs=runs,
        packs=packs,
        cores=cores,
        steps=runs * steps_of_run,
        seconds=_START + _PILOT * piloted + core_seconds / min(cores, packs) + _REPORT,
        bytes=_BYTES_OF_REPORT + runs * _BYTES_OF_RUN + 4 * parameters + outcomes,
        piloted=piloted,
    )


def rounded(seconds: float) -> str:
    """Return a time as roughly as an estimate is known."""
    if seconds < 95:
        return f"{max(10, round(seconds / 10) * 10)} seconds"
    if seconds < 5400:
        return f"{round(seconds / 60)} minutes"
    return f"{seconds / 3600:.1f} hours"
