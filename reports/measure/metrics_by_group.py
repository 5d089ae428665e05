"""Deferral and error rates of a few settings by group and outcome, on test, with intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from study.results.group_metrics import resampled_cells, spreads
from study.results.intervals import resampled_t_interval
from study.results.outcomes import (
    Cells,
    MissingOutcomesError,
    OutcomeReader,
    Outcomes,
    outcomes_of,
)
from study.results.settings import of_splits
from study.words import METRICS, NO_DECISION_MAKER

COLUMNS: Final = ("metric", "value", "lowest", "highest", "low", "high")


@dataclass(frozen=True, eq=False)
class GroupMetrics:
    """Metrics of the operating points.

    Attributes:
        frame: a row per point and metric: decision_maker, what, setting_id (NaN for a decision-maker
            alone), then `COLUMNS`, NaN where there is none. Metrics as in `group_metrics`.
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
    runs = runs[runs["setting_id"].isin(points["setting_id"].dropna()) & runs["test_error"].notna()]
    facts = points[["decision_maker", "what", "setting_id"]].to_dict("records")
    try:
        by_split = [_of_split(facts, own, tested, read) for own in of_splits(runs)]
    except MissingOutcomesError as error:
        parts = [_of_ledger(fact, runs, decision_makers, tested) for fact in facts]
        missing = str(error)
    else:
        parts = [_over_splits(of_fact) for of_fact in zip(*by_split, strict=True)]
        missing = ""
    frames = [
        part.assign(**{name: fact[name] for name in ("decision_maker", "what", "setting_id")})
        for fact, part in zip(facts, parts, strict=True)
    ]
    columns = ["decision_maker", "what", "setting_id", *COLUMNS]
    if not frames:
        return GroupMetrics(pd.DataFrame(columns=columns), missing)
    return GroupMetrics(pd.concat(frames, ignore_index=True)[columns], missing)


def _of_split(
    facts: Sequence[Mapping[Any, Any]], runs: pd.DataFrame, tested: Mapping[str, str], read: OutcomeReader
) -> list[pd.DataFrame]:
    """The metrics of each point on one split of the data."""
    outcomes = outcomes_of(read, runs)
    cells = resampled_cells(outcomes)
    return [_of_outcomes(fact, runs, outcomes, cells, tested) for fact in facts]


def _over_splits(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One point's metrics on several splits of the data: means, and the corrected resampled t."""
    if len(parts) == 1:
        return parts[0]
    rows = []
    for metric, own in pd.concat(parts).groupby("metric", sort=False):
        ends = np.clip(resampled_t_interval(own["value"]) or (np.nan, np.nan), 0, 1)
        rows.append([metric, own["value"].mean(), own["lowest"].min(), own["highest"].max(), *ends])
    return pd.DataFrame(rows, columns=COLUMNS)


def _of_outcomes(
    fact: Mapping[Any, Any],
    runs: pd.DataFrame,
    outcomes: Outcomes,
    cells: Cells,
    tested: Mapping[str, str],
) -> pd.DataFrame:
    # Binary models stand next to every decision-maker, and are compared with that one.
    name = tested.get(fact["decision_maker"], fact["decision_maker"])
    if pd.isna(fact["setting_id"]):
        everything = np.ones((1, len(outcomes.label)), dtype=np.bool_)
        own = replace(outcomes, run_id=[name], deferred=everything, positive=~everything)
    else:
        own = outcomes.take(np.flatnonzero(runs["setting_id"] == fact["setting_id"]))
    if name not in outcomes.decisions and own.deferred.any():
        return pd.DataFrame(columns=COLUMNS)
    result = spreads(own, [name] * len(own.run_id), cells)
    if pd.isna(fact["setting_id"]):
        # There is no model.
        result = {metric: spread for metric, spread in result.items() if not metric.startswith("model_")}
    rows = [[metric, *spread[:3], *(spread.test_set or (np.nan,) * 2)] for metric, spread in result.items()]
    return pd.DataFrame(rows, columns=COLUMNS)


def _of_ledger(
    fact: Mapping[Any, Any], runs: pd.DataFrame, decision_makers: pd.DataFrame, tested: Mapping[str, str]
) -> pd.DataFrame:
    if pd.isna(fact["setting_id"]):
        own = decision_makers[
            (decision_makers["split"] == "test")
            & (decision_makers["decision_maker"] == tested.get(fact["decision_maker"]))
        ]
        own = own.select_dtypes("number").drop(columns="alpha", errors="ignore")
        if fact["decision_maker"] != NO_DECISION_MAKER:
            own = own.assign(idk_rate=1.0)
    else:
        own = runs[runs["setting_id"] == fact["setting_id"]]
        own = own[[f"test_{metric}" for metric in METRICS if f"test_{metric}" in own]]
        own = own.rename(columns=lambda column: column.removeprefix("test_"))
    ends = own.agg(["median", "min", "max"]).T if len(own) else pd.DataFrame(columns=range(3))
    rows = [[metric, *values, np.nan, np.nan] for metric, *values in ends.itertuples()]
    return pd.DataFrame(rows, columns=COLUMNS)
