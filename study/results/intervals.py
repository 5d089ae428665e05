"""Confidence intervals: over seeds by Student's t, over test cases or groups of them by the bootstrap."""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit  # type: ignore[import-untyped]

CONFIDENCE: Final = 0.95
TINY: Final = 1e-12


class Interval(NamedTuple):
    """Both ends of a confidence interval of 95 %."""

    low: float
    high: float


def t_interval(values: npt.ArrayLike) -> Interval | None:
    """Student's interval of the mean of independent values (n,), such as one per seed; NaN are left out.

    mean ± t(0.975, n - 1) s / sqrt(n) with the sample standard deviation s; None for n < 2.
    """
    given = np.asarray(values, dtype=np.float64)
    known = given[~np.isnan(given)]
    n = len(known)
    if n < 2:
        return None
    half = stdtrit(n - 1, 0.5 + CONFIDENCE / 2) * known.std(ddof=1) / np.sqrt(n)
    return Interval(float(known.mean() - half), float(known.mean() + half))


TEST_TO_TRAIN: Final = 0.3 / 0.56
"""How many test rows a split has for each training row."""


def resampled_t_interval(by_split: npt.ArrayLike) -> Interval | None:
    """Interval of a metric over repeated random splits of one table: the corrected resampled t.

    The splits share rows, so that their values are correlated, and Student's interval is far too narrow.
    Nadeau and Bengio (2003) take s^2 (1 / R + n_test / n_train) as the variance of the mean. Of values
    (R,), NaN left out: mean ± t(0.975, R - 1) s sqrt(1 / R + `TEST_TO_TRAIN`); None for R < 2.
    """
    students = t_interval(by_split)
    if students is None:
        return None
    splits = int((~np.isnan(np.asarray(by_split, dtype=np.float64))).sum())
    mean, half = sum(students) / 2, (students.high - students.low) / 2
    half *= float(np.sqrt(1 + splits * TEST_TO_TRAIN))
    return Interval(mean - half, mean + half)


def correlation_interval(values: npt.ArrayLike) -> Interval | None:
    """Interval of the mean of independent correlations, such as one per seed; it stays within [-1, 1].

    Student's interval on the scale of Fisher's z = artanh(r) (Fisher 1921), carried there by the delta
    method: transforming the mean, not each correlation, needs no rule for those of exactly -1 or 1, and
    the interval is about the mean that it stands next to. Of values (n,), NaN left out:
    tanh(artanh(m) ± h / (1 - m^2)) for the mean m and half the width h of `t_interval`; both ends are m
    where all values are equal. None for n < 2.
    """
    # Rounding must carry neither a correlation beyond 1 nor the mean of unequal ones to 1.
    given = np.clip(np.asarray(values, dtype=np.float64), -1, 1)
    students = t_interval(given)
    if students is None or students.low == students.high:
        return students
    mean = np.clip(np.nanmean(given), -1 + TINY, 1 - TINY)
    half = (students.high - students.low) / 2 / (1 - mean**2)
    low, high = np.tanh(np.arctanh(mean) + np.array([-half, half]))
    return Interval(float(low), float(high))


def percentile_interval(resampled: npt.ArrayLike) -> Interval | None:
    """The middle 95 % of a statistic over resamples (B,), those where it is undefined (NaN) left out.

    None where half of the resamples or more are undefined.
    """
    given = np.asarray(resampled, dtype=np.float64)
    known = given[~np.isnan(given)]
    if 2 * len(known) <= len(given):
        return None
    low, high = np.quantile(known, [0.5 - CONFIDENCE / 2, 0.5 + CONFIDENCE / 2])
    return Interval(float(low), float(high))


def resampled_examples(
    generator: np.random.Generator,
    examples: int,
    resamples: int,
    cluster: npt.NDArray[np.int64] | None = None,
) -> npt.NDArray[np.int32]:
    """How often each of N ``examples`` is drawn, with replacement, in each of B ``resamples``: (B, N).

    With ``cluster`` (N,), numbered 0 to G - 1 without gaps, clusters are drawn, and every example as often
    as its own. Multinomial with equal probabilities over what is drawn: each row sums to N, with clusters
    on average.
    """
    drawn = examples if cluster is None else int(cluster.max(initial=-1)) + 1
    counts = np.empty((resamples, drawn), dtype=np.int32)
    for row in counts:
        row[:] = np.bincount(generator.integers(drawn, size=drawn), minlength=drawn)
    return counts if cluster is None else counts[:, cluster]


def medians(values: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
    """Median of each column (n, B), NaN left out; NaN where nothing is left."""
    values = np.sort(values, axis=0).astype(np.float64)
    known = (~np.isnan(values)).sum(axis=0)
    middle = np.stack([np.maximum(known - 1, 0) // 2, known // 2])
    result = np.take_along_axis(values, np.minimum(middle, len(values) - 1), axis=0)
    return np.asarray(np.where(known > 0, result.mean(axis=0), np.nan))
