"""What a joint system of model and decision-maker does, as rates: every metric, computed in one place.

Everything follows from counts in the four cells (A, Y), in the order (0, 0), (0, 1), (1, 0), (1, 1): they
are the first axis, and whatever axes follow are those of the result.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from study.words import CELL_COUNTS, CELL_NAMES, METRICS, UNIT_COSTS, Costs, cell_columns

Values = npt.NDArray[np.floating[Any]]

WHOLE: Final = {"": slice(0, 4)}
GROUPS: Final = {**WHOLE, "_a0": slice(0, 2), "_a1": slice(2, 4)}
"""The cells of the whole and of each group, by the ending of a metric's name."""


class CountsByCell(Protocol):
    """Counts by cell, each (4, ...): examples, those deferred, and errors by who decided."""

    @property
    def examples(self) -> Any:
        """All examples."""

    @property
    def deferred(self) -> Any:
        """Examples left to the decision-maker."""

    @property
    def model_errors(self) -> Any:
        """The model's errors on what it kept."""

    @property
    def dm_errors(self) -> Any:
        """The decision-maker's errors on what was deferred."""


@dataclass(frozen=True, eq=False)
class LedgerCounts:
    """The counts of R runs on one split, as the ledger has them; (4, R) each."""

    examples: Values
    deferred: Values
    model_errors: Values
    dm_errors: Values

    @staticmethod
    def of(runs: pd.DataFrame, split: str) -> "LedgerCounts":
        """Take the counts from rows of the ledger; NaN where a run has none."""
        counts = runs[cell_columns(split)].to_numpy(np.float64).T
        return LedgerCounts(*counts.reshape(len(CELL_COUNTS), len(CELL_NAMES), len(runs)))


def count_columns(cells: CountsByCell, split: str) -> dict[str, Values]:
    """Return the ledger's columns of a split's counts by name, each (...)."""
    counts = (cells.examples, cells.deferred, cells.model_errors, cells.dm_errors)
    by_cell = (cell for count in counts for cell in np.asarray(count))
    return dict(zip(cell_columns(split), by_cell, strict=True))


def metrics(cells: CountsByCell, costs: Costs = UNIT_COSTS) -> dict[str, Values]:
    """Return every name in METRICS, each (...), of the type of the counts.

    NaN where undefined: a rate without examples, ``di`` where a cell is empty, ``balanced_error`` where an
    outcome has no examples, ``model_error`` where the model kept nothing, and ``dm_error`` where it
    deferred nothing.
    """
    examples, deferred = np.asarray(cells.examples), np.asarray(cells.deferred)
    model_errors, dm_errors = np.asarray(cells.model_errors), np.asarray(cells.dm_errors)
    result = {
        **joint_metrics(model_errors + dm_errors, deferred, examples, costs),
        **rates("model_error", model_errors, examples - deferred, WHOLE),
        **rates("dm_error", dm_errors, deferred, WHOLE),
    }
    return {name: result[name] for name in METRICS}


def joint_metrics(errors: Values, deferred: Values, examples: Values, costs: Costs) -> dict[str, Values]:
    """Return the metrics of METRICS for which it does not matter who was wrong.

    errors, deferred, examples: (4, ...).
    """
    return {
        **odds_difference(errors, examples),
        **rates("error", errors, examples),
        **rates("idk_rate", deferred, examples),
        **outcome_rates(errors, examples),
        "cost": cost(errors, deferred, examples, costs),
    }


def odds_difference(errors: Values, examples: Values) -> dict[str, Values]:
    """Return the absolute group difference in error rate: ``di_y0`` and ``di_y1`` by Y, ``di`` their mean.

    This is the average odds difference, D in Eq. 11 of the paper. errors, examples: (4, ...).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = errors / examples
    gap = np.abs(rate[:2] - rate[2:])
    return {"di": gap.mean(axis=0), "di_y0": gap[0], "di_y1": gap[1]}


def outcome_rates(errors: Values, examples: Values) -> dict[str, Values]:
    """Return the error rates of Y = 0 and Y = 1, ``fpr`` and ``fnr``, and their mean ``balanced_error``.

    errors, examples: (4, ...).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        fpr, fnr = (errors[y::2].sum(axis=0) / examples[y::2].sum(axis=0) for y in (0, 1))
    return {"balanced_error": (fpr + fnr) / 2, "fpr": fpr, "fnr": fnr}


def selection_rates(errors: Values, examples: Values) -> dict[str, Values]:
    """Return how often the decision is 1, ``selection_rate`` of all and by group, and ``selection_ratio``.

    The ratio is the smaller group's rate as a share of the larger's, which the 80 % rule wants to be 0.8 at
    least; NaN where no case is decided 1. errors, examples: (4, ...).
    """
    selected = np.where(np.arange(4).reshape(4, *[1] * (errors.ndim - 1)) % 2, examples - errors, errors)
    result = rates("selection_rate", selected, examples)
    both = np.stack([result["selection_rate_a0"], result["selection_rate_a1"]])
    with np.errstate(divide="ignore", invalid="ignore"):
        return {**result, "selection_ratio": both.min(axis=0) / both.max(axis=0)}


def cost(errors: Values, deferred: Values, examples: Values, costs: Costs) -> Values:
    """Return the cost per example of errors and deferrals: (4, ...) all, or (2, ...) those of a group."""
    false_positives, false_negatives = (errors[y::2].sum(axis=0) for y in (0, 1))
    of_errors = costs.false_positive * false_positives + costs.false_negative * false_negatives
    with np.errstate(divide="ignore", invalid="ignore"):
        per_case: Values = (of_errors + costs.deferral * deferred.sum(axis=0)) / examples.sum(axis=0)
    return per_case


def rates(name: str, count: Values, of: Values, groups: Mapping[str, slice] = GROUPS) -> dict[str, Values]:
    """Return ``count`` as a share of ``of``, both (4, ...), within the cells of each of ``groups``."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            f"{name}{ending}": count[own].sum(axis=0) / of[own].sum(axis=0)
            for ending, own in groups.items()
        }
