"""The settings that a page offers for choosing, so that few of many thousand are enough."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from study.results.fronts import pareto_by_group
from study.results.limits import OBJECTIVES, POINT
from study.results.settings import median_runs

CARRIED: Final = 1500
# Metrics are rounded up to multiples of these, until few enough settings are left.
STEPS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)


@dataclass(frozen=True, eq=False)
class Candidates:
    """Settings to choose from.

    Attributes:
        frame: rows and columns of the settings' medians, with run_error, run_di and run_idk_rate: the run
            of the median seed by each metric. Those named come first, then those of the
            validation-selected fronts.
        known: how many settings have metrics.
        step: 0 where the best setting under any limits is among them; else, under limits that are
            multiples of it, one that is worse by less than this in any of the metrics is.
    """

    frame: pd.DataFrame
    known: int
    step: float


def candidates(
    settings: pd.DataFrame,
    named: Sequence[str],
    validation_selected: Sequence[str],
    runs: pd.DataFrame,
    carried: int = CARRIED,
) -> Candidates:
    """The settings that can be the best under some limits, and those that the page names.

    Whatever is minimised under whatever limits on validation error, odds difference and deferral rate, and
    whichever methods, models and decision-makers are allowed: the best is on the Pareto front over the
    three metrics of its own method, model and decision-maker. The same holds for what comes nearest to
    limits that nothing satisfies. Of settings that coincide, the one with the smallest `setting_id` is
    kept.

    Args:
        settings: as `medians_by_setting` returns them.
        named: settings that are carried in any case.
        validation_selected: those of the validation-selected fronts, which are where there is room.
        runs: the ledger.
        carried: how many settings may be, next to the named ones.
    """
    settings = settings.dropna(subset=POINT)
    points = settings[POINT].to_numpy(np.float64)
    exact = pareto_by_group(settings, points)
    step, mask, rows = 0.0, exact, np.flatnonzero(exact)
    for step_ in STEPS:
        if mask.sum() <= carried:
            break
        # Ceilings a hair below a multiple are that multiple.
        coarse = np.ceil(points[rows] / step_ - 1e-9)
        mask = np.zeros_like(exact)
        mask[rows[pareto_by_group(settings.iloc[rows], coarse)]] = True
        step = step_
    on_front = mask | settings["setting_id"].isin(validation_selected).to_numpy()
    mask = on_front if on_front.sum() <= carried else mask
    chosen = settings[mask | settings["setting_id"].isin(named).to_numpy()]
    first = {setting: place for place, setting in enumerate(dict.fromkeys([*named, *validation_selected]))}
    chosen = chosen.iloc[chosen["setting_id"].map(first).fillna(len(first)).argsort(kind="stable")]
    own = runs[runs["setting_id"].isin(chosen["setting_id"])]
    result = {f"run_{metric}": median_runs(own, f"validation_{metric}") for metric in OBJECTIVES}
    frame = chosen.assign(**{name: chosen["setting_id"].map(run) for name, run in result.items()})
    return Candidates(frame.reset_index(drop=True), len(settings), step)
