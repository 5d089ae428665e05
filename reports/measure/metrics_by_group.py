"""Deferral and error rates of a few runs by group and outcome, on test, with intervals."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from study.results.group_metrics import resampled_cells, spreads
from study.results.intervals import resampled_t_interval
from study.results.outcomes import MissingOutcomesError, OutcomeReader, outcomes_of
from study.results.settings import of_splits
from study.words import METRICS, NO_DECISION_MAKER

COLUMNS: Final = ("decision_maker", "what", "run_id", "metric", "value", "low", "high")
Row = tuple[str, str, Any, str, float, float, float]


@dataclass(frozen=True, eq=False)
class GroupMetrics:
    """Metrics of the operating points.

    Attributes:
        frame: `COLUMNS`, a row per point and metric: run_id is NaN for a decision-maker alone, and, with
            several splits of the data, whose means and intervals over splits are there, for all; low and
            high are NaN where there is no interval. Metrics as in `group_metrics`.
        missing: why there are only metrics of the ledger, without intervals; empty if there are all.
    """

    frame: pd.DataFrame
    missing: str


def metrics_by_group(
    points: pd.DataFrame,
    runs: pd.DataFrame,
    decision_makers: pd.DataFrame,
    tested: Mapping[str, str],
    read: OutcomeReader,
) -> GroupMetrics:
    """All metrics of `operating_points`; ``tested`` is as `deciding_on_test` returns it."""
    runs = runs[runs["run_id"].isin(points["run_id"].dropna())]
    missing = ""
    try:
        rows = [row for own in of_splits(runs) for row in _of_outcomes(points, own, tested, read)]
    except MissingOutcomesError as error:
        rows, missing = list(_of_ledger(points, runs, decision_makers, tested)), str(error)
    frame = pd.DataFrame(rows, columns=COLUMNS)
    return GroupMetrics(_over_splits(frame) if len(of_splits(runs)) > 1 else frame, missing)


def _over_splits(frame: pd.DataFrame) -> pd.DataFrame:
    """Metrics on several splits of the data: means, and the corrected resampled t."""
    rows = []
    for key, own in frame.groupby(["decision_maker", "what", "metric"], sort=False):
        decision_maker, what, metric = map(str, key)
        highest = np.inf if metric.startswith("cost") else 1
        ends = np.clip(resampled_t_interval(own["value"]) or (np.nan, np.nan), 0, highest)
        rows.append([decision_maker, what, np.nan, metric, own["value"].mean(), *ends])
    return pd.DataFrame(rows, columns=COLUMNS)


def _of_outcomes(
    points: pd.DataFrame, runs: pd.DataFrame, tested: Mapping[str, str], read: OutcomeReader
) -> Iterator[Row]:
    """The metrics of each point on one split of the data."""
    outcomes = outcomes_of(read, runs)
    cells = resampled_cells(outcomes)
    place = {str(run): number for number, run in enumerate(runs["run_id"])}
    on_split = points["split"].isin(runs["split"])
    for point in points[on_split].to_dict("records"):
        # Binary models stand next to every decision-maker, and are compared with that one.
        name, alone = tested.get(point["decision_maker"], point["decision_maker"]), pd.isna(point["run_id"])
        if alone:
            everything = np.ones((1, len(outcomes.label)), dtype=np.bool_)
            own = replace(outcomes, run_id=[name], deferred=everything, positive=~everything)
        else:
            own = outcomes.take(np.array([place[str(point["run_id"])]]))
        if name not in outcomes.decisions and own.deferred.any():
            continue
        for metric, spread in spreads(own, name, cells).items():
            # Alone, there is no model.
            if not (alone and metric.startswith("model_")):
                key = point["decision_maker"], point["what"], point["run_id"], metric
                yield *key, spread.value, *(spread.test_set or (np.nan, np.nan))


def _of_ledger(
    points: pd.DataFrame, runs: pd.DataFrame, decision_makers: pd.DataFrame, tested: Mapping[str, str]
) -> Iterator[Row]:
    on_test = decision_makers[decision_makers["split"] == "test"]
    for point in points.to_dict("records"):
        if pd.isna(point["run_id"]):
            own = on_test[on_test["decision_maker"] == tested.get(point["decision_maker"])]
            own = own.select_dtypes("number").drop(columns="alpha", errors="ignore")
            if point["decision_maker"] != NO_DECISION_MAKER:
                own = own.assign(idk_rate=1.0)
        else:
            own = runs[runs["run_id"] == point["run_id"]]
            own = own[[f"test_{metric}" for metric in METRICS if f"test_{metric}" in own]]
            own = own.rename(columns=lambda column: column.removeprefix("test_"))
        key = point["decision_maker"], point["what"], point["run_id"]
        for facts in own.to_dict("records"):
            yield from (
                (*key, str(metric), float(value), np.nan, np.nan) for metric, value in facts.items()
            )
