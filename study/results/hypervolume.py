"""One number for a whole front: the area that it dominates."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from study.results.settings import GROUP, in_reading_order

# Half the cases wrong is what a fair coin achieves. Fixed, so that the number means the same in
# every study; with it the area lies between 0 and 0.25.
REFERENCE: Final = (0.5, 0.5)


def areas(error: npt.NDArray[Any], di: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Area that each column of points dominates, up to `REFERENCE`, exactly.

    Args:
        error: (n, B), minimised; a point that is not finite, or not better than `REFERENCE` in both
            coordinates, adds nothing. The points need not be a front.
        di: (n, B), likewise.

    Returns:
        (B,); 0 where there is no point. O(B n log n).
    """
    counts = np.isfinite(error) & np.isfinite(di) & (error < REFERENCE[0]) & (di < REFERENCE[1])
    x = np.where(counts, error, REFERENCE[0]).astype(np.float64)
    y = np.where(counts, di, REFERENCE[1]).astype(np.float64)
    order = np.argsort(x, axis=0, kind="stable")
    x = np.take_along_axis(x, order, axis=0)
    lowest = np.minimum.accumulate(np.take_along_axis(y, order, axis=0), axis=0)
    widths = np.diff(x, axis=0, append=np.full((1, x.shape[1]), REFERENCE[0]))
    return np.asarray((widths * (REFERENCE[1] - lowest)).sum(axis=0))


def hypervolume(points: npt.ArrayLike) -> float:
    """Area that one set of points (n, 2) dominates, as `areas` has it of each column."""
    error, di = np.asarray(points, dtype=np.float64).reshape(-1, 2, 1).swapaxes(0, 1)
    return float(areas(error, di)[0])


def hypervolumes(fronts: pd.DataFrame) -> pd.DataFrame:
    """The hypervolume of every front at its test medians of error and odds difference.

    Args:
        fronts: as `fronts.fronts` returns them.

    Returns:
        Columns front, method, model, decision_maker, points (how many the front has), hypervolume
        (against `REFERENCE`), sorted as `fronts`, test-selected fronts first.
    """
    keys = ["front", *GROUP]
    rows = [
        [*key, len(front), hypervolume(front[["error", "di"]].to_numpy())]
        for key, front in fronts.groupby(keys, sort=False, observed=True, dropna=False)
    ]
    areas = pd.DataFrame(rows, columns=[*keys, "points", "hypervolume"])
    areas = in_reading_order(areas, GROUP)
    return areas.sort_values("front", ascending=False, kind="stable", ignore_index=True)


def side_by_side(areas: pd.DataFrame) -> pd.DataFrame:
    """A row per method, model and decision-maker, validation-selected and test-selected front side by side.

    Args:
        areas: as `hypervolumes` returns them.

    Returns:
        `GROUP`, then points and hypervolume with the suffixes `_honest` and `_paper`; NaN where
        there is no such front.
    """
    on_validation, on_test = (
        areas[areas["front"] == kind].drop(columns="front") for kind in ("honest", "paper")
    )
    wide = on_validation.merge(on_test, on=GROUP, how="outer", suffixes=("_honest", "_paper"))
    return in_reading_order(wide, GROUP)
