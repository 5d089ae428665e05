"""What every run decided on every test example, and its figures when examples count differently."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

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
    names = np.asarray(decision_maker, dtype=str)
    wrong_maker = {name: row != outcomes.label for name, row in outcomes.decisions.items()}
    everybody, code = np.unique(names, return_inverse=True)
    unknown = np.array([name not in wrong_maker for name in everybody])
    if len(names) and (unknown[code] & outcomes.deferred.any(axis=1)).any():
        raise ValueError(f"there are no decisions of {', '.join(everybody[unknown])}")
    nobody = np.zeros_like(outcomes.label)
    by_code = np.array([wrong_maker.get(str(name), nobody) for name in everybody])

    def blocks() -> Iterator[tuple[Bools, Bools]]:
        step = max(1, BLOCK // max(1, len(outcomes.label)))
        for start in range(0, len(names), step):
            rows = slice(start, start + step)
            deferred = outcomes.deferred[rows]
            model_wrong = outcomes.positive[rows] != outcomes.label
            yield deferred, np.where(deferred, by_code[code[rows]], model_wrong)

    return _figures(blocks(), outcomes, np.asarray(weights))


def figures_alone(outcomes: Outcomes, weights: npt.ArrayLike) -> dict[str, dict[str, Floats]]:
    """The same of every decision-maker deciding everything alone: by name, `FIGURES` each (B,)."""
    alone = {}
    for name, row in outcomes.decisions.items():
        decided = [(np.ones_like(row)[None], (row != outcomes.label)[None])]
        figures = _figures(iter(decided), outcomes, np.asarray(weights))
        alone[name] = {figure: values[0] for figure, values in figures.items()}
    return alone


def _figures(
    blocks: Iterator[tuple[Bools, Bools]], outcomes: Outcomes, weights: npt.NDArray[np.generic]
) -> dict[str, Floats]:
    # The cells (A, Y) partition the examples, so a cell's counts are a product of its columns alone.
    # Counts are whole numbers below 2 ** 24, which float32 holds exactly.
    cell = 2 * outcomes.sensitive.astype(np.int8) + outcomes.label
    columns = [np.flatnonzero(cell == c) for c in range(CELLS)]
    counted = [np.ascontiguousarray(weights[:, own].T, dtype=np.float32) for own in columns]
    people = np.stack([own.sum(axis=0) for own in counted])
    parts: dict[str, list[Floats]] = {name: [] for name in FIGURES}
    for deferred, wrong in blocks:
        errors, idk = (
            np.stack([(of[:, own].astype(np.float32) @ w) for own, w in zip(columns, counted, strict=True)])
            for of in (wrong, deferred)
        )
        for name, values in _of_counts(errors, idk, people[:, None]).items():
            parts[name].append(values)
    return {
        name: np.concatenate(found) if found else np.empty((0, len(weights)), np.float32)
        for name, found in parts.items()
    }


def _of_counts(errors: Floats, idk: Floats, people: Floats) -> dict[str, Floats]:
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = errors / people
        return {
            "error": errors.sum(0) / people.sum(0),
            "di": np.abs(rate[:2] - rate[2:]).mean(0),
            "idk_rate": idk.sum(0) / people.sum(0),
            "idk_rate_a0": idk[:2].sum(0) / people[:2].sum(0),
            "idk_rate_a1": idk[2:].sum(0) / people[2:].sum(0),
        }
