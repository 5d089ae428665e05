"""Performance by deferral budget: the best runs by the share of cases that may be deferred."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from study.reports.measure.panels import (
    baselines,
    deciding_on_test,
    decision_maker_alone,
    decision_makers_shown,
)
from study.results.fronts import MORE_COLUMNS
from study.results.limits import OBJECTIVES, Question, best
from study.results.settings import in_reading_order, of_splits
from study.words import NO_DECISION_MAKER

BUDGETS: Final = (0.0, 0.1, 0.2, 0.3, 0.5, 1.0)
# The one that the page takes as its example.
EXAMPLE: Final = 0.3
LOWEST_DI: Final = "lowest odds difference"
BASELINE: Final = "baseline"
ALONE: Final = "decision-maker"
MEASURED: Final = (*OBJECTIVES, "cost")
FACTS: Final = (
    "method",
    "model",
    *MEASURED,
    "alpha",
    "gamma",
    *MORE_COLUMNS,
    "setting_id",
    "seed",
    "run_id",
)


def aims(metric: str) -> tuple[str, str]:
    """What a run is chosen for, where errors are measured by `error` or `cost`."""
    return f"lowest {metric}", LOWEST_DI


def by_budget(runs: pd.DataFrame, decision_makers: pd.DataFrame, metric: str = "error") -> pd.DataFrame:
    """For every decision-maker and budget, the runs with the lowest error and odds difference.

    Of rows of the ledger that can be chosen: columns decision_maker, budget (a share of the cases), aim
    (one of `aims` of the metric), split, then `FACTS`; of several splits of the data a row each. What no
    run satisfies has no row. Without a decision-maker there is one budget, 0.
    """
    rows = []
    for split, name, own in _choices(runs):
        most = reference_limits(own, decision_makers, name, metric)
        for budget in BUDGETS if name != NO_DECISION_MAKER else (0.0,):
            for aim in aims(metric):
                result = aimed(own, aim, budget, most)
                if result is not None and result["excess"] == 0:
                    rows.append([name, budget, aim, split, *facts_of(result)])
    return pd.DataFrame(rows, columns=["decision_maker", "budget", "aim", "split", *FACTS])


def operating_points(
    runs: pd.DataFrame, decision_makers: pd.DataFrame, metric: str = "error"
) -> pd.DataFrame:
    """For every decision-maker the best of each method at the budget `EXAMPLE`, and what to compare with.

    Chosen on validation, as in `by_budget`; of a method without a run within the limits it is what comes
    nearest. So nothing is chosen by the metrics that are shown.

    Columns decision_maker, what (method and aim; `BASELINE`: as `median_baseline` has it; `ALONE`: the
    decision-maker whose decisions count on test), split, then `FACTS`; of several splits of the data a row
    each. What does not exist has no row, and the same runs are one point.
    """
    tested = deciding_on_test(runs)
    rows: list[list[Any]] = []
    for split, name, own in _choices(runs):
        most = reference_limits(own, decision_makers, name, metric)
        for method in in_reading_order(own[["method"]].drop_duplicates(), ["method"])["method"][::-1]:
            for aim in aims(metric):
                result = aimed(own[own["method"] == method], aim, EXAMPLE, most)
                if result is not None:
                    rows.append([name, f"{method}, {aim}", split, *facts_of(result)])
        rows += [[name, BASELINE, split, *facts_of(row)] for _, row in median_baseline(own).iterrows()]
        for alone in decision_maker_alone(decision_makers, tested.get(name, name)).to_dict("records"):
            known = {f"test_{m}": alone.get(m, np.nan) for m in MEASURED} | {"test_idk_rate": 1.0}
            rows.append([name, ALONE, split, *facts_of(known)])
    points = pd.DataFrame(rows, columns=["decision_maker", "what", "split", *FACTS])
    of_point: dict[tuple[str, str], list[str]] = {}
    for name, what, run in points[["decision_maker", "what", "run_id"]].itertuples(index=False, name=None):
        of_point.setdefault((name, what), []).append(str(run))
    # The baseline is the baseline, whatever else it is.
    first: dict[tuple[str, ...], tuple[str, str]] = {}
    for key in sorted(of_point, key=lambda key: key[1] != BASELINE):
        first.setdefault((key[0], *of_point[key]), key)
    order = {key: place for place, key in enumerate(key for key in of_point if key in first.values())}
    place = [order.get(key, -1) for key in zip(points["decision_maker"], points["what"], strict=True)]
    points = points.assign(place=place).query("place >= 0").sort_values(["place", "split"], kind="stable")
    return points.drop(columns="place").reset_index(drop=True)


def _choices(runs: pd.DataFrame) -> list[tuple[int, str, pd.DataFrame]]:
    """The runs that each decision-maker of each split of the data can be chosen from, with binary ones."""
    return [
        (int(own["split"].iloc[0]), name, with_decision_maker(own, name))
        for own in of_splits(runs)
        for name in decision_makers_shown(own)
    ]


def aimed(
    runs: pd.DataFrame, aim: str, budget: float, most: Mapping[str, float]
) -> "pd.Series[Any] | None":
    """The best on validation, as `limits.best` has it, with a deferral rate of at most the budget.

    The lowest odds difference is that of the runs whose metrics are at most `most`: of all runs it would be
    one that gives every case the same decision.
    """
    limits = {"idk_rate": budget} | (dict(most) if aim == LOWEST_DI else {})
    return best(runs, Question("di" if aim == LOWEST_DI else aim.removeprefix("lowest "), limits))


def median_baseline(runs: pd.DataFrame) -> pd.DataFrame:
    """The binary run with alpha 0 that has the median validation error of its setting: a row, or none."""
    base = baselines(runs).dropna(subset=["validation_error"])
    base = base.sort_values(["validation_error", "setting_id", "seed"])
    of_setting = base.groupby("setting_id", sort=False)["seed"]
    return base[of_setting.cumcount() == (of_setting.transform("size") - 1) // 2].head(1)


def reference_limits(
    runs: pd.DataFrame, decision_makers: pd.DataFrame, name: str, metric: str = "error"
) -> dict[str, float]:
    """The largest metrics on validation for the aim `LOWEST_DI`: the baseline's, and its balanced error.

    Without a baseline they are those of the decision-maker alone, and without that there is no limit. Where
    an outcome is rare, a constant decision may have fewer errors than the baseline, but no lower balanced
    error.
    """
    base = median_baseline(runs).to_dict("records")
    own = decision_makers["decision_maker"].eq(name) & decision_makers["split"].eq("validation")
    alone = decision_makers[own].add_prefix("validation_").to_dict("records")
    for known in (*base, *alone):
        limits = {m: known.get(f"validation_{m}", np.nan) for m in (metric, "balanced_error")}
        if not np.isnan(limits[metric]):
            return {name: float(limit) for name, limit in limits.items() if not np.isnan(limit)}
    return {}


def with_decision_maker(runs: pd.DataFrame, name: str) -> pd.DataFrame:
    """The runs with a decision-maker, and binary ones, which have none."""
    return runs[runs["decision_maker"].isin([name, NO_DECISION_MAKER])]


def facts_of(run: "pd.Series[Any] | Mapping[Any, Any]") -> list[Any]:
    """What tables say of a run, in the order of `FACTS`: its names, coefficients and test metrics."""
    return [run.get(f"test_{name}" if name in MEASURED else name, np.nan) for name in FACTS]
