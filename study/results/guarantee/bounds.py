"""A guarantee for a chosen run: Learn then Test (Angelopoulos et al., arXiv 2110.01052).

A run is certified where exact tests on the test split reject, at level delta, that one of its limits is
broken. Runs are tested in an order that was fixed without the test split, and testing stops at the first
that fails: so with probability at least 1 - delta over the draw of the test cases, every certified run
keeps its limits for cases like these.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr, betaincinv  # type: ignore[import-untyped]

from study.errors import UserError

Counts = npt.NDArray[np.int64]

_LIMIT = re.compile(r"\s*([a-z_0-9]+)\s*<=\s*([0-9.]+)\s*(%?)\s*")
# Cells are numbered 2 A + Y.
_ALL, _Y0, _Y1 = [0, 1, 2, 3], [0, 2], [1, 3]
_RATES: Final = {
    "error": ("wrong", _ALL),
    "idk": ("deferred", _ALL),
    "fpr": ("wrong", _Y0),
    "fnr": ("wrong", _Y1),
    "error_a0": ("wrong", [0, 1]),
    "error_a1": ("wrong", [2, 3]),
    "idk_a0": ("deferred", [0, 1]),
    "idk_a1": ("deferred", [2, 3]),
}
LIMITED: Final = (*_RATES, "di")
"""What a limit may be set on; ``di`` is the average odds difference, all others are rates."""


@dataclass(frozen=True)
class Limit:
    """The largest value of a metric that is acceptable: ``metric`` of LIMITED, ``at_most`` in (0, 1)."""

    metric: str
    at_most: float

    def __str__(self) -> str:
        """Return the limit as it is written on the command line."""
        return f"{self.metric}<={self.at_most:g}"


@dataclass(frozen=True)
class CellCounts:
    """What a joint system did on independent test cases, (4,) each by cell (A, Y): 00, 01, 10, 11.

    ``wrong`` are joint decisions that differ from the outcome; ``groups`` says in words of which groups
    these cases are one each.
    """

    cases: Counts
    deferred: Counts
    wrong: Counts
    groups: str = ""


def parse_limit(text: str) -> Limit:
    """Return the limit that ``error<=0.30`` or ``fnr<=20%`` names; UserError where it is none."""
    found = _LIMIT.fullmatch(text)
    at_most = np.nan
    if found is not None and found[2].count(".") <= 1 and found[2] != ".":
        at_most = float(found[2]) / (100 if found[3] else 1)
    if found is None or found[1] not in LIMITED or not 0 < at_most < 1:
        raise UserError(
            f"--guarantee: must be METRIC<=NUMBER with a number between 0 and 1, got {text!r}; metrics are "
            f"{', '.join(LIMITED)}"
        )
    return Limit(found[1], at_most)


def p_value(counts: CellCounts, limit: Limit) -> float:
    """Return the p-value of the null hypothesis that the true value is above the limit.

    For a rate it is P(Binomial(n, limit) <= k) for k of n cases, exactly. For the average odds difference
    it is the smallest delta at which its upper confidence bound (``odds_difference_bound``) is within the
    limit. Without a case to count it is 1.
    """
    if limit.metric == "di":
        return _p_of_difference(counts, limit.at_most)
    k, n = _rate(counts, limit.metric)
    return float(bdtr(k, n, limit.at_most)) if n else 1.0


def largest_p_value(counts: CellCounts, limits: Sequence[Limit]) -> float:
    """Return the p-value of the null hypothesis that any of several limits is broken: the largest."""
    return max(p_value(counts, limit) for limit in limits)


def certified(p_values: Sequence[float], delta: float) -> int:
    """Return how many candidates, from the first on, fixed-sequence testing certifies at level ``delta``.

    Their order must have been fixed without the data that the p-values were computed from.
    """
    failed = (number for number, p in enumerate(p_values) if p > delta)
    return next(failed, len(p_values))


def upper_bound(counts: CellCounts, metric: str, delta: float) -> float:
    """Return the upper confidence bound at 1 - delta: Clopper-Pearson's for a rate, 1 without a case.

    A limit on a rate passes at level delta exactly where this bound is within it.
    """
    if metric == "di":
        return odds_difference_bound(counts, delta)
    k, n = _rate(counts, metric)
    return float(betaincinv(k + 1, n - k, 1 - delta)) if k < n else 1.0


def odds_difference_bound(counts: CellCounts, delta: float) -> float:
    """Return an upper confidence bound at 1 - delta of the average odds difference (Eq. 11).

    The error rates of the four cells have two-sided Clopper-Pearson intervals that hold together, each at
    delta / 4. The difference of two groups is at most that of the corners of their intervals.
    """
    tail = delta / 8
    k, n = counts.wrong.astype(float), counts.cases.astype(float)
    with np.errstate(invalid="ignore"):
        low = np.where(k > 0, betaincinv(k, n - k + 1, tail), 0.0)
        high = np.where(k < n, betaincinv(k + 1, n - k, 1 - tail), 1.0)
    widest = np.maximum(high[:2] - low[2:], high[2:] - low[:2])
    return float(widest.mean())


def _rate(counts: CellCounts, metric: str) -> tuple[int, int]:
    name, cells = _RATES[metric]
    counted: Counts = getattr(counts, name)
    return int(counted[cells].sum()), int(counts.cases[cells].sum())


def _p_of_difference(counts: CellCounts, at_most: float) -> float:
    # Imported where it is wanted: it takes as long as all else of scipy.
    from scipy.optimize import brentq  # type: ignore[import-untyped]

    def excess(log_delta: float) -> float:
        return odds_difference_bound(counts, float(np.exp(log_delta))) - at_most

    smallest, largest = np.log(1e-12), 0.0
    if excess(largest) > 0:
        return 1.0
    if excess(smallest) <= 0:
        return float(np.exp(smallest))
    # A little to the safe side of the root.
    return min(1.0, float(np.exp(brentq(excess, smallest, largest, xtol=1e-10) + 1e-9)))
