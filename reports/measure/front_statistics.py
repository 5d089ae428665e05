"""The hypervolume of fronts as a statistic of the settings of one seed.

A statistic returns (B,), a value per version of the test metrics in `Settings`: NaN where it is undefined.
It raises NotRunError where settings that it compares are not in the ledger. "Front" is of kind `paper`
(over test points) or `honest` (chosen on validation, shown on test), as in `fronts`.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from study.reports.measure.panels import nearest_model
from study.reports.measure.resampling import Settings
from study.results.fronts import areas, pareto_mask, scale_of
from study.words import UNIT_COSTS, Costs

Values = npt.NDArray[np.float64]
Statistic = Callable[[Settings], Values]


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
    return binary.where(model=nearest_model(model, binary.facts["model"]))


def front_gain(
    better: str, worse: str, *, kind: str, model: str, decision_maker: str, costs: Costs = UNIT_COSTS
) -> Statistic:
    """Hypervolume of one method's front less that of another."""

    def statistic(settings: Settings) -> Values:
        first, second = (of_method(settings, m, model, decision_maker) for m in (better, worse))
        return front_area(first, kind, costs) - front_area(second, kind, costs)

    return statistic
