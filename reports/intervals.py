"""Confidence intervals: over seeds by Student's t, over people by the bootstrap."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit  # type: ignore[import-untyped]

CONFIDENCE: Final = 0.95


class Interval(NamedTuple):
    """Both ends of a confidence interval of 95 %."""

    low: float
    high: float


def t_interval(values: npt.ArrayLike) -> Interval | None:
    """Student's interval of the mean of independent values, such as one per seed.

    Args:
        values: (n,). NaN are left out.

    Returns:
        mean ± t(0.975, n - 1) s / sqrt(n) with the sample standard deviation s; None for n < 2.
    """
    given = np.asarray(values, dtype=np.float64)
    known = given[~np.isnan(given)]
    n = len(known)
    if n < 2:
        return None
    half = stdtrit(n - 1, 0.5 + CONFIDENCE / 2) * known.std(ddof=1) / np.sqrt(n)
    return Interval(float(known.mean() - half), float(known.mean() + half))


def percentile_interval(resampled: npt.ArrayLike) -> Interval | None:
    """The middle 95 % of a statistic over resamples.

    Args:
        resampled: (B,). Resamples in which the statistic is undefined (NaN) are left out.

    Returns:
        The 2.5th and 97.5th percentile; None where half of the resamples or more are undefined.
    """
    given = np.asarray(resampled, dtype=np.float64)
    known = given[~np.isnan(given)]
    if 2 * len(known) <= len(given):
        return None
    low, high = np.quantile(known, [0.5 - CONFIDENCE / 2, 0.5 + CONFIDENCE / 2])
    return Interval(float(low), float(high))


def resampled_people(generator: np.random.Generator, people: int, resamples: int) -> npt.NDArray[np.int32]:
    """How often each of so many people is drawn, with replacement, in each resample: (B, N).

    Every row sums to N; rows are multinomial with equal probabilities.
    """
    counts = np.empty((resamples, people), dtype=np.int32)
    for row in counts:
        row[:] = np.bincount(generator.integers(people, size=people), minlength=people)
    return counts
