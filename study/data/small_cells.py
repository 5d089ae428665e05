"""How well the odds difference can be known from the test rows of a table."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from study.data.dataset import Dataset
from study.data.raw_values import Float64, Int64, shown
from study.data.splits import TEST
from study.words import SPLITS

WIDEST = 0.05
"""Half-width of the odds difference's interval from which on there is a line about it."""

SPLITS_ADVISED = 10
"""Fewer have a wide corrected t: its factor is 2.8 with 5 splits, 2.3 with 10, 2.0 with many."""

ASSUMED_ERROR = 0.3
"""Error rate of the model that the line is about."""


def small_cells(dataset: Dataset) -> Iterator[str]:
    """Yield a line where the odds difference cannot be measured, or only roughly."""
    sizes = np.zeros((len(SPLITS), 2, 2), dtype=np.int64)
    columns = (dataset.split, dataset.sensitive, dataset.label.astype(np.int64))
    np.add.at(sizes, tuple(column[dataset.measured] for column in columns), 1)
    decided = "" if dataset.measured.all() else "a decision, "
    if not sizes.all():
        split, a, y = np.argwhere(sizes == 0)[0].tolist()
        yield (
            f"the odds difference (DI) cannot be measured: the {SPLITS[split]} split has no row with "
            f"{decided}{_cell(dataset, a, y)}; gather some, or choose another group"
        )
        return
    independent = sizes[TEST].astype(np.float64)
    if dataset.group_number is not None:
        independent = independent_by_cell(dataset, dataset.group_number)
    a, y = divmod(int(independent.argmin()), 2)
    width = di_half_width(independent, ASSUMED_ERROR)
    if width > WIDEST:
        worth = ""
        if dataset.group_name is not None:
            worth = f", which count as {independent[a, y]:.0f} independent ones by {dataset.group_name}"
        again = ""
        if dataset.section.own and dataset.section.split is None and dataset.section.splits == 1:
            again = f", or repeat the split (dataset.splits: {SPLITS_ADVISED})"
        yield (
            f"the odds difference (DI) is known to ± {width:.2f} only (95 %, a model with "
            f"{100 * ASSUMED_ERROR:.0f} % error), the test split has {sizes[TEST, a, y]:,} rows with "
            f"{decided}{_cell(dataset, a, y)}{worth}: take smaller odds differences for chance, or gather "
            f"more such cases{again}"
        )


def _cell(dataset: Dataset, a: int, y: int) -> str:
    return f"{shown(dataset.names.groups[a])} and {shown(dataset.names.outcomes[y])}"


def di_half_width(sizes: Float64, error: float) -> float:
    """Return the half-width of the 95 % interval of DI (Eq. 11) of a model with this ``error`` everywhere.

    sizes: (2, 2), independent rows by A and y. By the normal approximation; NaN where a cell is empty.
    """
    if not sizes.all():
        return float("nan")
    return float(1.96 * 0.5 * np.sqrt(error * (1 - error) * (1 / sizes).sum()))


def independent_by_cell(dataset: Dataset, group: Int64) -> Float64:
    """Return how many independent rows the test rows of each cell (A, y) are worth: (2, 2).

    Rows of a group may all be decided alike; n rows in groups of m_g then have the variance of
    n^2 / sum m_g^2 independent ones (Kish 1965). group: (N,), the group of each row.
    """
    test = (dataset.split == TEST) & dataset.measured
    cell = 2 * dataset.sensitive[test] + dataset.label[test].astype(np.int64)
    rows = pd.Series(group[test]).groupby([cell, group[test]]).size()
    by_cell = rows.groupby(level=0)
    worth = by_cell.sum() ** 2 / (rows**2).groupby(level=0).sum()
    return np.asarray(worth.reindex(range(4), fill_value=0.0), dtype=np.float64).reshape(2, 2)
