"""How far the validation-selected fronts depend on the seed: each seed's own front, and how they agree."""

from itertools import combinations
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from study.results.fronts import pareto_by_group
from study.results.settings import GROUP, REPLICATE, in_reading_order

# So much better in both error and odds difference must another setting be for a point to be off the front.
MARGIN: Final = 0.01


def runs_on_front(runs: pd.DataFrame, metric: str = "error") -> pd.DataFrame:
    """The runs on the validation-selected front of their own seed, method, model and decision-maker.

    Args:
        runs: the ledger; those without metrics on validation are on no front.
        metric: what the front minimises besides the odds difference.
    """
    points = runs[_point(metric)].to_numpy(np.float64)
    return runs[pareto_by_group(runs, points, [*REPLICATE, *GROUP])]


def _point(metric: str) -> list[str]:
    return [f"validation_{metric}", "validation_di"]


def near_front(points: npt.NDArray[np.float64], front: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Which points (n, 2) no point of a front (m, 2) beats by more than `MARGIN` in both coordinates.

    NaN is near no front. O((n + m) log m).
    """
    front = front[np.argsort(front[:, 1], kind="stable")]
    lowest = np.concatenate([[np.inf], np.minimum.accumulate(front[:, 0])])
    before = np.searchsorted(front[:, 1], points[:, 1] - MARGIN, side="left")
    return np.asarray(~np.isnan(points).any(axis=1) & (lowest[before] >= points[:, 0] - MARGIN))


def front_by_seed(
    runs: pd.DataFrame, own_fronts: pd.DataFrame, fronts: pd.DataFrame, metric: str = "error"
) -> pd.DataFrame:
    """Under how many seeds each setting of a validation-selected front is on that seed's front, or near it.

    `GROUP`, setting_id, seeds (in how many it has metrics), on_front, near_front; sorted as `fronts`.
    """
    validation_selected = fronts.loc[fronts["front"] == "honest", [*GROUP, "setting_id"]]
    chosen = runs[runs["setting_id"].isin(validation_selected["setting_id"])].dropna(subset=_point(metric))
    near = np.zeros(len(chosen), dtype=np.bool_)
    keys = [*REPLICATE, *GROUP]
    by_key = own_fronts.groupby(keys, sort=False, observed=True).indices
    front_points, points = (part[_point(metric)].to_numpy(np.float64) for part in (own_fronts, chosen))
    for key, rows in chosen.groupby(keys, sort=False, observed=True).indices.items():
        near[rows] = near_front(points[rows], front_points[by_key[key]])
    marked = chosen[["setting_id"]].assign(
        seeds=1,
        on_front=chosen["run_id"].isin(own_fronts["run_id"]).astype(int),
        near_front=near.astype(int),
    )
    counts = marked.groupby("setting_id", observed=True).sum()
    # Not merged: pandas cannot merge the empty columns of a ledger without rows.
    columns = ("seeds", "on_front", "near_front")
    return validation_selected.assign(
        **{name: validation_selected["setting_id"].map(counts[name]) for name in columns}
    )


def front_stability(by_seed: pd.DataFrame, own_fronts: pd.DataFrame) -> pd.DataFrame:
    """The same for each method, model and decision-maker.

    `GROUP`, seeds (the most of a setting), points (of the validation-selected front), on_front and
    near_front (mean share of the seeds over these), overlap (settings on both fronts as a share of those
    on either, mean over pairs of seeds; NaN with one seed), in reading order.
    """
    rows = []
    for key, settings in by_seed.groupby(GROUP, sort=False, observed=True):
        own = own_fronts[(own_fronts[GROUP].astype(str) == [str(name) for name in key]).all(axis=1)]
        sets = [set(part["setting_id"]) for _, part in own.groupby(REPLICATE)]
        shares = [float((settings[name] / settings["seeds"]).mean()) for name in ("on_front", "near_front")]
        rows.append([*key, settings["seeds"].max(), len(settings), *shares, _overlap(sets)])
    columns = [*GROUP, "seeds", "points", "on_front", "near_front", "overlap"]
    return in_reading_order(pd.DataFrame(rows, columns=columns), GROUP)


def _overlap(sets: list[set[Any]]) -> float:
    pairs = [len(first & second) / len(first | second) for first, second in combinations(sets, 2)]
    return float(np.mean(pairs)) if pairs else float("nan")
