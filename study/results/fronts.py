"""Pareto fronts over error, or cost, and odds difference (Figures 3 and 4 of the paper), their areas."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from study.results.settings import GROUP, in_reading_order
from study.words import UNIT_COSTS, Costs

KINDS: Final = ("paper", "honest")
CHOSEN_ON: Final = {"paper": "test", "honest": "validation"}
COLUMNS: Final = (
    "front",
    *GROUP,
    "setting_id",
    "alpha",
    "gamma",
    "error",
    "di",
    "idk_rate",
    "validation_error",
    "validation_di",
    "validation_idk_rate",
)
# Shown where some setting has a value: the alpha that a network was trained with before its thresholds
# were chosen.
MORE_COLUMNS: Final = ("model_alpha",)
# Shown where errors have costs of their own: what the fronts then minimise.
COST_COLUMNS: Final = ("cost", "validation_cost")
# The paper does not say where low and high begin. Fixed limits, not terciles, so that the bands
# mean the same in every study.
BANDS: Final = {"low": (0.0, 0.2), "medium": (0.2, 0.5), "high": (0.5, np.inf)}
# Half the cases wrong is what a fair coin achieves. Fixed, so that the number means the same in
# every study; with it the area lies between 0 and 0.25.
REFERENCE: Final = (0.5, 0.5)


def pareto_mask(points: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Which points no other point dominates, all coordinates being minimised.

    A point dominates another if it is nowhere worse and somewhere better. (The paper's words, "no
    other point had both better accuracy and DI", would also keep points that tie in one coordinate
    and lose in the other; we do not.) Of exact duplicates only the first is kept: settings that
    leave every case to the decision-maker all coincide, and there can be thousands. A row with a
    NaN is never on the front and dominates nothing; infinities are ordinary values. Of (n, d): (n,), in
    O(n log n) for d = 2, else O(n times the size of the front).
    """
    points = np.asarray(points, dtype=np.float64)
    n, d = points.shape
    mask = np.zeros(n, dtype=np.bool_)
    rows = np.flatnonzero(~np.isnan(points).any(axis=1))
    # In lexicographic order (stable, so that of duplicates the first stays first) whatever
    # dominates a point comes before it.
    rows = rows[np.lexsort(points[rows].T[::-1])]
    if d == 2 and len(rows):
        y = points[rows, 1]
        best_before = np.minimum.accumulate(y)[:-1]
        mask[rows[np.concatenate([[True], y[1:] < best_before])]] = True
        return mask
    while len(rows):
        head = points[rows[0]]
        mask[rows[0]] = True
        rows = rows[(points[rows] < head).any(axis=1)]
    return mask


def pareto_by_group(
    settings: pd.DataFrame, points: npt.NDArray[Any], by: list[str] = GROUP
) -> npt.NDArray[np.bool_]:
    """`pareto_mask` of points (n, d), a row per setting, within each method, model and decision-maker."""
    mask = np.zeros(len(settings), dtype=np.bool_)
    for rows in settings.groupby(by, sort=False, observed=True, dropna=False).indices.values():
        mask[rows] = pareto_mask(points[rows])
    return mask


def fronts(settings: pd.DataFrame, metric: str = "error") -> pd.DataFrame:
    """Both Pareto fronts of every (method, model, decision-maker): the contract's `fronts.csv`.

    Of settings as `medians_by_setting` returns them: `COLUMNS`, of `MORE_COLUMNS` those that are not empty,
    and of fronts over the `metric` cost `COST_COLUMNS`. `front` is `paper` (over the test medians of metric
    and odds difference, as in the paper's Figure 3) or `honest` (over the validation medians, shown at its
    test medians, which need not be a front any more, and may be NaN). A setting whose medians are NaN where
    the front is chosen is on none; of settings that coincide there, the one with the smallest `setting_id`
    is kept. In reading order.
    """
    columns = _columns(settings, metric)
    return pd.concat([_front(settings, kind, columns, metric) for kind in KINDS], ignore_index=True)


def fronts_by_idk_rate(settings: pd.DataFrame, metric: str = "error") -> pd.DataFrame:
    """The same by `band` of low, medium and high deferral rates (the paper's Figure 4), see `idk_band`."""
    columns = ["band", *_columns(settings, metric)]
    parts = [
        _front(idk_band(settings, band, kind), kind, columns[1:], metric).assign(band=band)
        for band in BANDS
        for kind in KINDS
    ]
    return pd.concat(parts, ignore_index=True)[columns]


def idk_band(settings: pd.DataFrame, band: str, kind: str) -> pd.DataFrame:
    """The settings of the methods that may defer, whose deferral rate is in a band of `BANDS`.

    By the test rate for kind `paper` and the validation rate for `honest`. NaN is in no band.
    """
    low, high = BANDS[band]
    rate = settings[f"{CHOSEN_ON[kind]}_idk_rate"]
    return settings[(settings["method"] != "binary") & (rate >= low) & (rate < high)]


class RunningFront:
    """The best front so far: of the settings added, those that no other beats in validation metrics.

    A setting counts once, with medians over its seeds, so all its runs must be added together. What is
    beaten is forgotten: adding costs the same after a thousand packs as after one.
    """

    def __init__(self) -> None:
        self._points = np.empty((0, 2))

    def add(self, settings: pd.DataFrame) -> None:
        """Add settings, a row each with their medians, as ``medians_by_setting`` returns them."""
        new = settings[["validation_error", "validation_di"]].to_numpy(dtype=float)
        points = np.concatenate([self._points, new])
        self._points = points[pareto_mask(points)]

    def summary(self) -> str:
        """Describe the front in a line; nothing where there is none."""
        if not len(self._points):
            return ""
        (error_low, di_low), (error_high, di_high) = self._points.min(0), self._points.max(0)
        return (
            f"front: {len(self._points)} settings, error {100 * error_low:.1f}-{100 * error_high:.1f} %, "
            f"odds difference {di_low:.3f}-{di_high:.3f}"
        )


def _columns(settings: pd.DataFrame, metric: str) -> list[str]:
    more = [column for column in MORE_COLUMNS if column in settings and settings[column].notna().any()]
    return [*COLUMNS, *more, *(COST_COLUMNS if metric == "cost" else ())]


def _front(settings: pd.DataFrame, kind: str, columns: list[str], metric: str) -> pd.DataFrame:
    split = CHOSEN_ON[kind]
    mask = pareto_by_group(settings, settings[[f"{split}_{metric}", f"{split}_di"]].to_numpy(np.float64))
    named = settings[mask].assign(front=kind)
    named = named.rename(columns={f"test_{c}": c for c in ("error", "di", "idk_rate", "cost")})
    return in_reading_order(named[columns], [*GROUP, "di", metric, "setting_id"])


def areas(error: npt.NDArray[Any], di: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Area that each column of points (n, B) dominates, up to `REFERENCE`, exactly: (B,), in O(B n log n).

    A point that is not finite, or not better than `REFERENCE` in both coordinates, adds nothing. The points
    need not be a front.
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


def scale_of(costs: Costs) -> float:
    """What is 1 on the axis of `Costs.metric`: all cases wrong, at the price of the worse error."""
    return 1.0 if costs.metric == "error" else costs.dearest


def hypervolumes(fronts: pd.DataFrame, costs: Costs = UNIT_COSTS) -> pd.DataFrame:
    """The hypervolume of every front of `fronts` at its test medians, with how many points it has.

    Where errors have costs of their own, it is that of cost, as a share of the worse error's.
    """
    keys, scale = ["front", *GROUP], [scale_of(costs), 1.0]
    rows = [
        [*key, len(front), hypervolume(front[[costs.metric, "di"]].to_numpy() / scale)]
        for key, front in fronts.groupby(keys, sort=False, observed=True, dropna=False)
    ]
    areas = pd.DataFrame(rows, columns=[*keys, "points", "hypervolume"])
    areas = in_reading_order(areas, GROUP)
    return areas.sort_values("front", ascending=False, kind="stable", ignore_index=True)


def side_by_side(areas: pd.DataFrame) -> pd.DataFrame:
    """A row per `GROUP` of `hypervolumes`: points and hypervolume of both, `_honest` and `_paper`."""
    on_validation, on_test = (
        areas[areas["front"] == kind].drop(columns="front") for kind in ("honest", "paper")
    )
    wide = on_validation.merge(on_test, on=GROUP, how="outer", suffixes=("_honest", "_paper"))
    return in_reading_order(wide, GROUP)
