"""One number for a whole front: the area that it dominates."""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from study.results.fronts import pareto_mask
from study.results.settings import GROUP, in_reading_order

# Half the cases wrong is what a fair coin achieves. Fixed, so that the number means the same in
# every study; with it the area lies between 0 and 0.25.
REFERENCE: Final = (0.5, 0.5)


def hypervolume(points: npt.ArrayLike, reference: tuple[float, float] = REFERENCE) -> float:
    """Area that is dominated by at least one point and dominates the reference, exactly.

    Args:
        points: (n, 2), both coordinates minimised. They need not be a front. A row that is not
            finite, or not better than the reference in both coordinates, adds nothing.
        reference: the worst corner.

    Returns:
        The area; 0 where there is no point. O(n log n).
    """
    points = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    corner = np.asarray(reference, dtype=np.float64)
    points = points[np.isfinite(points).all(axis=1) & (points < corner).all(axis=1)]
    steps = points[pareto_mask(points)]
    steps = steps[np.argsort(steps[:, 0])]
    widths = np.diff(steps[:, 0], append=corner[0])
    return float((widths * (corner[1] - steps[:, 1])).sum())


def hypervolumes(fronts: pd.DataFrame) -> pd.DataFrame:
    """The hypervolume of every front at its test medians of error and DI.

    Args:
        fronts: as `fronts.fronts` returns them.

    Returns:
        Columns front, method, model, decision_maker, points (how many the front has), hypervolume
        (against `REFERENCE`), sorted as `fronts`, paper's fronts first.
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
    """A row per method, model and decision-maker, the honest front beside the paper's.

    Args:
        areas: as `hypervolumes` returns them.

    Returns:
        `GROUP`, then points and hypervolume with the suffixes `_honest` and `_paper`; NaN where
        there is no such front.
    """
    honest, paper = (areas[areas["front"] == kind].drop(columns="front") for kind in ("honest", "paper"))
    wide = honest.merge(paper, on=GROUP, how="outer", suffixes=("_honest", "_paper"))
    return in_reading_order(wide, GROUP)
