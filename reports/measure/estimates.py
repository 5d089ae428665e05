"""A statistic with its intervals: over seeds, and over resampled test cases."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from study.reports.measure.front_statistics import Statistic
from study.reports.measure.resampling import NotRunError, Samples
from study.results.intervals import Interval, percentile_interval, resampled_t_interval, t_interval

OverSeeds = Callable[[Sequence[float]], Interval | None]
"""The interval of a mean over seeds from the seeds' values."""


@dataclass(frozen=True)
class Estimate:
    """A statistic with its intervals.

    Attributes:
        mean: over the seeds where it is defined; NaN where there is none.
        seeds: the interval over these; None for fewer than two, or the same value in all.
        test_set: the bootstrap's interval over the test examples, with several splits of the data the
            corrected resampled t over these; None without outcomes.
        defined: how many seeds that is.
        run: how many seeds have settings of everything that is compared.
    """

    mean: float
    seeds: Interval | None
    test_set: Interval | None
    defined: int
    run: int


def estimate(
    statistic: Statistic,
    samples: Samples,
    *,
    by_seed: bool = True,
    over_seeds: OverSeeds = t_interval,
) -> Estimate | None:
    """Estimate one statistic; None where no seed has what it needs.

    The mean is that over seeds of the statistic from each seed's runs alone, so that what is
    compared is paired by seed. Each resample of the test examples gives a mean over the same seeds; it
    is undefined where that of one of them is. Seeds under which the statistic is undefined are left out.
    `by_seed` is False for a statistic that has the same value under every seed; `over_seeds` makes the
    interval of the others.
    """
    values, resamples, by_split = [], [], list[tuple[int, float]]()
    for seed, observed in enumerate(samples.observed):
        try:
            value = float(statistic(observed)[0])
        except NotRunError:
            continue
        values.append(value)
        if samples.splits:
            by_split.append((samples.splits[seed], value))
        if samples.resampled and not np.isnan(value):
            resamples.append(statistic(samples.resampled[seed]))
        if not by_seed:
            break
    if not values:
        return None
    known = [value for value in values if not np.isnan(value)]
    means = pd.DataFrame(by_split, columns=["split", "value"]).groupby("split")["value"].mean().to_numpy()
    several = len(means) > 1
    test_set = percentile_interval(np.mean(resamples, axis=0)) if resamples else None
    return Estimate(
        mean=float(np.mean(known)) if known else np.nan,
        # Runs of one split share its rows: seeds alone are no sample of what another training would do.
        seeds=None if several else over_seeds(known),
        test_set=resampled_t_interval(means) if several else test_set,
        defined=len(known),
        run=len(values),
    )
