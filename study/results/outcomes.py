"""What every run decided on every test example, and its figures when examples count differently."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from study.results.metrics import WHOLE, odds_difference, rates
from study.results.wording import counted

FIGURES: Final = ("error", "di", "idk_rate", "idk_rate_a0", "idk_rate_a1")
CELLS: Final = 4
# Numbers in the largest block of a run's outcomes that is turned into floats at once (32 MB).
BLOCK: Final = 8_000_000

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Decisions of R runs on the N examples on which test figures are measured.

    Attributes:
        run_id: (R,), as in the ledger.
        deferred: (R, N), whether the model says IDK.
        positive: (R, N), the model's class, also where it says IDK.
        label: (N,), Y.
        sensitive: (N,), A.
        decisions: by decision-maker, (N,), the class that it decides for.

    Raises ValueError where the shapes do not fit.
    """

    run_id: Sequence[str]
    deferred: Bools
    positive: Bools
    label: Bools
    sensitive: Bools
    decisions: Mapping[str, Bools]

    def __post_init__(self) -> None:
        """Check the shapes."""
        runs, people = len(self.run_id), len(self.label)
        for name, given in (("deferred", self.deferred), ("positive", self.positive)):
            if given.shape != (runs, people):
                raise ValueError(f"{name} is {given.shape}, and {runs} runs on {people} examples are given")
        for name, row in (("sensitive", self.sensitive), *self.decisions.items()):
            if row.shape != (people,):
                raise ValueError(f"{name} is {row.shape}, and {people} examples are given")

    def take(self, runs: npt.NDArray[np.intp]) -> "Outcomes":
        """The outcomes of those runs, by number."""
        run_id = [self.run_id[run] for run in runs]
        return replace(self, run_id=run_id, deferred=self.deferred[runs], positive=self.positive[runs])


class MissingOutcomesError(Exception):
    """Outcomes that something needs are not there; the message says which."""


class OutcomeReader(Protocol):
    """Reads what runs decided, perhaps with others and in another order; None without any."""

    def __call__(self, runs: pd.DataFrame) -> Outcomes | None:
        """Read them; `runs` are rows of the ledger, which say by their pack where that is kept."""


def outcomes_of(read: OutcomeReader, runs: pd.DataFrame) -> Outcomes:
    """The outcomes of exactly these rows, in this order; MissingOutcomesError if some lack."""
    outcomes = read(runs)
    if outcomes is None:
        raise MissingOutcomesError("the outcomes of the test examples are not there")
    place = pd.Index(outcomes.run_id).get_indexer(pd.Index(runs["run_id"].astype(str)))
    missing = int((place < 0).sum())
    if missing:
        raise MissingOutcomesError(f"the outcomes of {counted(missing, 'run')} are not there")
    there = len(outcomes.run_id) == len(runs) and (place == np.arange(len(runs))).all()
    return outcomes if there else outcomes.take(place)


class Cells:
    """The people of each cell (A, Y), numbered 2 A + Y, and how often each of them counts.

    The cells partition the examples, so whatever is counted by cell is a product of its columns alone.

    Attributes:
        people: (4, B), how many each cell has in each version.
    """

    def __init__(self, outcomes: Outcomes, weights: npt.ArrayLike) -> None:
        """`weights` is (B, N), whole numbers, at least 0."""
        times = np.asarray(weights)
        cell = 2 * outcomes.sensitive.astype(np.int8) + outcomes.label
        self._columns = [np.flatnonzero(cell == c) for c in range(CELLS)]
        self._times = [np.ascontiguousarray(times[:, own].T, dtype=np.float32) for own in self._columns]
        self.people: Floats = np.stack([own.sum(axis=0) for own in self._times])

    def count(self, marked: Bools) -> Floats:
        """How many of the marked (R, N) each cell has: (4, R, B), exact below 2 ** 24."""
        own = zip(self._columns, self._times, strict=True)
        return np.stack([marked[:, columns].astype(np.float32) @ times for columns, times in own])


def weighted_figures(
    outcomes: Outcomes, decision_maker: Sequence[str], weights: npt.ArrayLike
) -> dict[str, Floats]:
    """Test figures of every run when example i counts `weights[b, i]` times.

    The joint system is wrong where the decision-maker is, if the model deferred, and where the model
    is, if not. `di` is the mean over Y of the absolute group difference in error rate (Eq. 11).

    Args:
        outcomes: of R runs on N examples.
        decision_maker: (R,), who decides where a run defers; anybody (such as `none`) for a run that
            never does.
        weights: (B, N), at least 0; a row of ones gives the figures of the ledger.

    Returns:
        `FIGURES` by name, each (R, B) float32; NaN where undefined, as `di` where a cell (A, Y) has no
        weight. Time is that of 2 R N B multiplications, memory the result and some 100 MB.

    Raises:
        ValueError: a run defers to somebody whose decisions are not among the outcomes.
    """
    by_code, code = makers_wrong(outcomes, decision_maker)

    def blocks() -> Iterator[tuple[Bools, Bools]]:
        step = max(1, BLOCK // max(1, len(outcomes.label)))
        for start in range(0, len(code), step):
            rows = slice(start, start + step)
            deferred = outcomes.deferred[rows]
            model_wrong = outcomes.positive[rows] != outcomes.label
            yield deferred, np.where(deferred, by_code[code[rows]], model_wrong)

    return _figures(blocks(), Cells(outcomes, weights))


def makers_wrong(outcomes: Outcomes, decision_maker: Sequence[str]) -> tuple[Bools, npt.NDArray[np.intp]]:
    """Where the decision-makers of R runs are wrong: (M, N), and the row of each run (R,).

    Somebody of whom there are no decisions is never wrong. Raises ValueError where a run defers to them.
    """
    wrong = {name: row != outcomes.label for name, row in outcomes.decisions.items()}
    everybody, code = np.unique(np.asarray(decision_maker, dtype=str), return_inverse=True)
    unknown = np.array([name not in wrong for name in everybody], dtype=np.bool_)
    if len(code) and (unknown[code] & outcomes.deferred.any(axis=1)).any():
        raise ValueError(f"there are no decisions of {', '.join(everybody[unknown])}")
    nobody = np.zeros_like(outcomes.label)
    return np.array([wrong.get(str(name), nobody) for name in everybody]), code


def figures_alone(outcomes: Outcomes, weights: npt.ArrayLike) -> dict[str, dict[str, Floats]]:
    """The same of every decision-maker deciding everything alone: by name, `FIGURES` each (B,)."""
    alone, cells = {}, Cells(outcomes, weights)
    for name, row in outcomes.decisions.items():
        figures = _figures(iter([(np.ones_like(row)[None], (row != outcomes.label)[None])]), cells)
        alone[name] = {figure: values[0] for figure, values in figures.items()}
    return alone


def _figures(blocks: Iterator[tuple[Bools, Bools]], cells: Cells) -> dict[str, Floats]:
    parts: dict[str, list[Floats]] = {name: [] for name in FIGURES}
    for deferred, wrong in blocks:
        errors, deferrals, people = cells.count(wrong), cells.count(deferred), cells.people[:, None]
        found = odds_difference(errors, people) | rates("idk_rate", deferrals, people)
        found |= rates("error", errors, people, WHOLE)
        for name in FIGURES:
            parts[name].append(found[name])
    return {
        name: np.concatenate(found) if found else np.empty((0, cells.people.shape[1]), np.float32)
        for name, found in parts.items()
    }
