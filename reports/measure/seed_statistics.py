"""Statistics of the settings of one seed, such as the hypervolume of a front, and their intervals.

A statistic returns (B,), a value per version of the test metrics in `Settings`: NaN where it is undefined.
It raises NotRunError where settings that it compares are not in the ledger. "Front" is of kind `paper`
(over test points) or `honest` (chosen on validation, shown on test), as in `fronts`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from study.reports.measure.panels import nearest_model
from study.reports.measure.resampling import NotRunError, Samples, Settings
from study.results.fronts import areas, pareto_mask, scale_of
from study.results.intervals import Interval, percentile_interval, resampled_t_interval, t_interval
from study.words import UNIT_COSTS, Costs

Values = npt.NDArray[np.float64]
Statistic = Callable[[Settings], Values]
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


def front_area(settings: Settings, kind: str, costs: Costs = UNIT_COSTS) -> Values:
    """Hypervolume of the front of one kind of settings of one method, as `hypervolumes` has it."""
    front = on_front(settings, kind, costs.metric)
    return areas(front.test[costs.metric] / scale_of(costs), front.test["di"])


def on_front(settings: Settings, kind: str, metric: str = "error") -> Settings:
    """The settings whose test points make the front; of kind `paper` all, as `areas` finds it."""
    if kind == "paper":
        return settings
    points = settings.facts[[f"validation_{metric}", "validation_di"]].to_numpy(np.float64)
    return settings.take(pareto_mask(points))


def of_method(settings: Settings, method: str, model: str, decision_maker: str) -> Settings:
    """The settings of a method and model with a decision-maker.

    Binary models stand next to every decision-maker; where the model has none, they are those that
    `panels.panel_rows` takes.
    """
    if method != "binary":
        return settings.where(method=method, model=model, decision_maker=decision_maker)
    binary = settings.where(method="binary")
    return binary.where(model=nearest_model((model,), binary.facts["model"]))


def front_of(
    method: str, *, kind: str, model: str, decision_maker: str, costs: Costs = UNIT_COSTS
) -> Statistic:
    """Hypervolume of a method's front."""
    return lambda settings: front_area(of_method(settings, method, model, decision_maker), kind, costs)


def difference(first: Statistic, second: Statistic) -> Statistic:
    """The first less the second."""
    return lambda settings: first(settings) - second(settings)


def front_gain(better: str, worse: str, **fronts: Any) -> Statistic:
    """Hypervolume of one method's front less that of another, see `front_of`."""
    return difference(front_of(better, **fronts), front_of(worse, **fronts))
