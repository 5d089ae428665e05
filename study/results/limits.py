"""The rule by which a setting is chosen: the best on validation under limits, or what comes nearest."""

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

# In the order in which they settle ties.
OBJECTIVES: Final = ("error", "di", "idk_rate")
POINT: Final = [f"validation_{metric}" for metric in OBJECTIVES]


def best(settings: pd.DataFrame, limits: Mapping[str, float], minimise: str) -> "pd.Series[Any] | None":
    """The setting with the smallest validation metric among those within the limits.

    Where none is within them all, it is chosen among those whose excess over them sums to least. Ties go
    to the smaller error, odds difference and deferral rate, in this order, and then to the smaller
    `setting_id`.

    Args:
        settings: columns setting_id and `POINT`, and any others. Those that lack a metric are left out.
            Where all lack the odds difference, as where a group has cases of one class only, only those are
            that lack the error, or what is minimised or limited.
        limits: the most that a metric of `OBJECTIVES` may be; those not named have no limit.
        minimise: one of `OBJECTIVES`.

    Returns:
        Its row, with `excess` (0 within the limits) and for every limit `over_METRIC`, by how much it is
        missed; None where no setting has the metrics.
    """
    known = settings.dropna(subset=POINT)
    if known.empty:
        known = settings.dropna(subset=[f"validation_{name}" for name in {"error", minimise, *limits}])
    over = {
        f"over_{metric}": (known[f"validation_{metric}"] - limits[metric]).clip(lower=0)
        for metric in reversed(OBJECTIVES)
        if metric in limits
    }
    known = known.assign(excess=sum(over.values(), start=pd.Series(0.0, index=known.index)), **over)
    order = ["excess", f"validation_{minimise}", *POINT, "setting_id"]
    for column in order[:2]:
        # Of a million settings few are worth sorting.
        known = known[known[column] == known[column].min()]
    ranked = known.sort_values(list(dict.fromkeys(order)))
    return None if ranked.empty else ranked.iloc[0]
