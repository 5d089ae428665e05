"""What every run decided on every test example, and its metrics when examples count differently."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from study.errors import LedgerError
from study.results.intervals import resampled_examples
from study.results.metrics import joint_metrics
from study.results.wording import counted
from study.words import UNIT_COSTS, Costs

WEIGHTED_METRICS: Final = ("error", "di", "idk_rate", "idk_rate_a0", "idk_rate_a1", "cost")
CELLS: Final = 4
# Numbers in the largest block of a run's outcomes that is turned into floats at once (32 MB).
BLOCK: Final = 8_000_000

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Clusters:
    """Test cases that are not independent of each other, such as the rows of one person.

    Attributes:
        name: of the table's column that tells clusters apart.
        number: (N,) the cluster of each case, 0 to G - 1 without gaps.
    """

    name: str
    number: Int64

    @property
    def count(self) -> int:
        """G, how many clusters there are."""
        return int(self.number.max(initial=-1)) + 1

    def one_of_each(self, seed: int) -> Bools:
        """(N,) True for one case of each cluster, drawn by ``seed``."""
        order = np.argsort(np.random.default_rng(seed).random(len(self.number)), kind="stable")
        chosen = np.zeros(len(self.number), dtype=np.bool_)
        chosen[order[np.unique(self.number[order], return_index=True)[1]]] = True
        return chosen


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Decisions of R runs on the N examples on which test metrics are measured.

    Attributes:
        run_id: (R,), as in the ledger.
        deferred: (R, N), whether the model defers.
        positive: (R, N), the model's class, also where it defers.
        label: (N,), Y.
        sensitive: (N,), A.
        decisions: by decision-maker, (N,), the class that it decides for.
        clusters: which examples belong together; None where all are independent.
        costs: of errors and deferrals.

    Raises ValueError where the shapes do not fit.
    """

    run_id: Sequence[str]
    deferred: Bools
    positive: Bools
    label: Bools
    sensitive: Bools
    decisions: Mapping[str, Bools]
    clusters: Clusters | None = None
    costs: Costs = UNIT_COSTS

    def __post_init__(self) -> None:
        """Check the shapes."""
        runs, examples = len(self.run_id), len(self.label)
        for name, given in (("deferred", self.deferred), ("positive", self.positive)):
            if given.shape != (runs, examples):
                raise ValueError(
                    f"{name} must be {(runs, examples)}, one for each run and example, got {given.shape}"
                )
        for name, row in (("sensitive", self.sensitive), *self.decisions.items()):
            if row.shape != (examples,):
                raise ValueError(f"{name} must be {(examples,)}, one for each example, got {row.shape}")
        if self.clusters is not None and self.clusters.number.shape != (examples,):
            raise ValueError(f"clusters must be {(examples,)}, got {self.clusters.number.shape}")

    @property
    def units(self) -> str:
        """What a bootstrap draws, in words: test cases, or groups of them."""
        return units(self.clusters)

    def resampled(self, generator: np.random.Generator, resamples: int) -> npt.NDArray[np.int32]:
        """How often each example counts in each resample: (B, N), see `resampled_examples`."""
        number = None if self.clusters is None else self.clusters.number
        return resampled_examples(generator, len(self.label), resamples, number)

    def take(self, runs: npt.NDArray[np.intp]) -> "Outcomes":
        """The outcomes of those runs, by number."""
        run_id = [self.run_id[run] for run in runs]
        return replace(self, run_id=run_id, deferred=self.deferred[runs], positive=self.positive[runs])


def units(clusters: Clusters | None) -> str:
    """What is resampled in words: `test cases`, or such as `300 groups by person`."""
    return "test cases" if clusters is None else f"{counted(clusters.count, 'group')} by {clusters.name}"


class MissingOutcomesError(Exception):
    """Outcomes that something needs are missing; the message says which, or in which file."""


class OutcomeReader(Protocol):
    """Reads what runs decided, perhaps with others and in another order; None without any."""

    def __call__(self, runs: pd.DataFrame) -> Outcomes | None:
        """Read them; `runs` are rows of the ledger, which say by their pack where that is kept."""


def outcomes_of(read: OutcomeReader, runs: pd.DataFrame) -> Outcomes:
    """The outcomes of exactly these rows, in this order; MissingOutcomesError if some lack."""
    outcomes = read(runs)
    if outcomes is None:
        raise MissingOutcomesError("the outcomes of the test examples are missing")
    place = pd.Index(outcomes.run_id).get_indexer(pd.Index(runs["run_id"].astype(str)))
    missing = int((place < 0).sum())
    if missing:
        raise MissingOutcomesError(f"the outcomes of {counted(missing, 'run')} are missing")
    there = len(outcomes.run_id) == len(runs) and (place == np.arange(len(runs))).all()
    return outcomes if there else outcomes.take(place)


class Cells:
    """The examples of each cell (A, Y), numbered 2 A + Y, and how often each of them counts.

    The cells partition the examples, so whatever is counted by cell is a product of its columns alone.

    Attributes:
        examples: (4, B), how many each cell has in each version.
    """

    def __init__(self, outcomes: Outcomes, weights: npt.ArrayLike) -> None:
        """`weights` is (B, N), whole numbers, at least 0."""
        times = np.asarray(weights)
        cell = 2 * outcomes.sensitive.astype(np.int8) + outcomes.label
        self._columns = [np.flatnonzero(cell == c) for c in range(CELLS)]
        self._times = [np.ascontiguousarray(times[:, own].T, dtype=np.float32) for own in self._columns]
        self.examples: Floats = np.stack([own.sum(axis=0) for own in self._times])

    def count(self, marked: Bools) -> Floats:
        """How many of the marked (R, N) each cell has: (4, R, B), exact below 2 ** 24."""
        own = zip(self._columns, self._times, strict=True)
        return np.stack([marked[:, columns].astype(np.float32) @ times for columns, times in own])


def weighted_metrics(
    outcomes: Outcomes, decision_maker: Sequence[str], weights: npt.ArrayLike
) -> dict[str, Floats]:
    """Test metrics of R runs when example i of N counts `weights[b, i]` times, at least 0.

    decision_maker (R,) decides where a run defers; it is any name for a run that never does. A row of ones
    gives the metrics of the ledger. `WEIGHTED_METRICS` by name, each (R, B) float32; NaN where undefined,
    as `di` where a cell (A, Y) has no weight. Time is that of 2 R N B multiplications, memory the result
    and some 100 MB. Raises ValueError where a run defers to somebody whose decisions are unknown.
    """
    by_code, code = decision_makers_wrong(outcomes, decision_maker)

    def blocks() -> Iterator[tuple[Bools, Bools]]:
        step = max(1, BLOCK // max(1, len(outcomes.label)))
        for start in range(0, len(code), step):
            rows = slice(start, start + step)
            deferred = outcomes.deferred[rows]
            model_wrong = outcomes.positive[rows] != outcomes.label
            yield deferred, np.where(deferred, by_code[code[rows]], model_wrong)

    return _metrics(blocks(), Cells(outcomes, weights), outcomes.costs)


def decision_makers_wrong(
    outcomes: Outcomes, decision_maker: Sequence[str]
) -> tuple[Bools, npt.NDArray[np.intp]]:
    """Where the decision-makers of R runs are wrong: (M, N), and the row of each run (R,).

    A name of which there are no decisions is never wrong. Raises ValueError where a run defers to it.
    """
    wrong = {name: row != outcomes.label for name, row in outcomes.decisions.items()}
    names, code = np.unique(np.asarray(decision_maker, dtype=str), return_inverse=True)
    unknown = np.array([name not in wrong for name in names], dtype=np.bool_)
    if len(code) and (unknown[code] & outcomes.deferred.any(axis=1)).any():
        raise ValueError(f"there are no decisions of {', '.join(names[unknown])}")
    never = np.zeros_like(outcomes.label)
    return np.array([wrong.get(str(name), never) for name in names]), code


def metrics_alone(outcomes: Outcomes, weights: npt.ArrayLike) -> dict[str, dict[str, Floats]]:
    """The same of every decision-maker deciding everything alone: by name, `WEIGHTED_METRICS` each (B,)."""
    alone, cells = {}, Cells(outcomes, weights)
    for name, row in outcomes.decisions.items():
        always = iter([(np.ones_like(row)[None], (row != outcomes.label)[None])])
        metrics = _metrics(always, cells, outcomes.costs)
        alone[name] = {metric: values[0] for metric, values in metrics.items()}
    return alone


def _metrics(blocks: Iterator[tuple[Bools, Bools]], cells: Cells, costs: Costs) -> dict[str, Floats]:
    parts: dict[str, list[Floats]] = {name: [] for name in WEIGHTED_METRICS}
    for deferred, wrong in blocks:
        result = joint_metrics(cells.count(wrong), cells.count(deferred), cells.examples[:, None], costs)
        for name in WEIGHTED_METRICS:
            parts[name].append(result[name])
    return {
        name: np.concatenate(result) if result else np.empty((0, cells.examples.shape[1]), np.float32)
        for name, result in parts.items()
    }


def decisions_of(run: pd.DataFrame, read: OutcomeReader) -> pd.DataFrame:
    """What one run, a row of the ledger, decided for every test example, a row each.

    Columns label, sensitive, defer (boolean), prediction, decision_maker (where one decided on test) and
    decision. Raises LedgerError where its outcomes are missing.
    """
    try:
        outcomes = outcomes_of(read, run)
    except MissingOutcomesError as error:
        raise LedgerError(str(error)) from None
    deferred, positive = outcomes.deferred[0], outcomes.positive[0]
    person = outcomes.decisions.get(str(run["test_decision_maker"].iloc[0]))
    columns = {"label": outcomes.label, "sensitive": outcomes.sensitive, "prediction": positive}
    if person is not None:
        columns["decision_maker"] = person
    columns["decision"] = positive if person is None else np.where(deferred, person, positive)
    frame = pd.DataFrame({name: values.astype(np.int64) for name, values in columns.items()})
    frame.insert(2, "defer", deferred.astype(bool))
    return frame
