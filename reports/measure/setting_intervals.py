"""Bootstrap intervals of the test metrics of many settings at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from study.results.group_metrics import RESAMPLES, SEED
from study.results.intervals import medians, percentile_interval, resampled_t_interval
from study.results.limits import OBJECTIVES
from study.results.outcomes import MissingOutcomesError, OutcomeReader, outcomes_of, weighted_metrics
from study.results.settings import of_splits

# Decisions of runs on test cases that are looked at for a page: half a gigabyte, and seconds of time.
MOST: Final = 250_000_000
COLUMNS: Final = ("setting_id", *(f"{metric}_{end}" for metric in OBJECTIVES for end in ("low", "high")))


@dataclass(frozen=True, eq=False)
class SettingIntervals:
    """Intervals of 95 % of the test medians, over the test cases or, where there are several, over splits.

    Attributes:
        frame: `COLUMNS`, a row per setting; NaN where a metric is undefined too often.
        missing: why there are none, or none of some settings; empty if there are all.
    """

    frame: pd.DataFrame
    missing: str


def setting_intervals(
    setting_ids: Sequence[str], runs: pd.DataFrame, read: OutcomeReader, most: int = MOST
) -> SettingIntervals:
    """The intervals that `group_metrics.spreads` has of each, from the same resamples.

    Those first that matter most: where there are more decisions of runs on test cases than ``most``, the
    last have none. Outcomes are read of these settings only.
    """
    none = pd.DataFrame(columns=COLUMNS)
    place = {setting: number for number, setting in enumerate(dict.fromkeys(setting_ids))}
    runs = runs[runs["setting_id"].isin(place) & runs["test_error"].notna()]
    runs = runs.assign(place=runs["setting_id"].map(place).astype(int)).sort_values(["place", "seed"])
    if runs.empty:
        return SettingIntervals(none, "")
    if len(of_splits(runs)) > 1:
        return SettingIntervals(_over_splits(runs), "")
    try:
        examples = len(outcomes_of(read, runs.iloc[:1]).label)
        sizes = runs.groupby("place").size().cumsum()
        room = max(1, int((sizes * examples <= most).sum()))
        runs = runs[runs["place"] <= sizes.index[room - 1]]
        outcomes = outcomes_of(read, runs)
    except MissingOutcomesError as error:
        return SettingIntervals(none, str(error))
    weights = outcomes.resampled(np.random.default_rng(SEED), RESAMPLES)
    column = "test_decision_maker" if "test_decision_maker" in runs else "decision_maker"
    drawn = weighted_metrics(outcomes, runs[column].astype(str).tolist(), weights)
    rows = []
    for setting, own in runs.groupby("setting_id", sort=False, observed=True).indices.items():
        ends = [
            percentile_interval(medians(drawn[metric][own])) or (np.nan, np.nan) for metric in OBJECTIVES
        ]
        rows.append([setting, *(end for pair in ends for end in pair)])
    missing = (
        ""
        if room == len(sizes)
        else f"only the {len(rows):,} that matter most have one, as there are many test cases"
    )
    return SettingIntervals(pd.DataFrame(rows, columns=COLUMNS), missing)


def _over_splits(runs: pd.DataFrame) -> pd.DataFrame:
    """The same columns over several splits of the data: of each the median over its seeds."""
    columns = [f"test_{metric}" for metric in OBJECTIVES]
    by_split = runs.groupby(["place", "setting_id", "split"], observed=True)[columns].median()
    rows = []
    for (_, setting), own in by_split.groupby(level=["place", "setting_id"]):
        ends = [resampled_t_interval(own[column]) or (np.nan, np.nan) for column in columns]
        rows.append([setting, *(end for pair in ends for end in np.clip(pair, 0, 1))])
    return pd.DataFrame(rows, columns=COLUMNS)
