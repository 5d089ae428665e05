"""Bootstrap intervals of the test metrics of many runs at once."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from study.reports.measure.deferral_budgets import MEASURED
from study.results.group_metrics import RESAMPLES, SEED
from study.results.intervals import percentile_interval
from study.results.outcomes import MissingOutcomesError, OutcomeReader, outcomes_of, weighted_metrics
from study.results.settings import of_splits

# Decisions of runs on test cases that are looked at for a page: half a gigabyte, and seconds of time.
MOST: Final = 250_000_000
COLUMNS: Final = ("run_id", *(f"{metric}_{end}" for metric in MEASURED for end in ("low", "high")))


@dataclass(frozen=True, eq=False)
class RunIntervals:
    """Intervals of 95 % of test metrics over the test cases.

    Attributes:
        frame: `COLUMNS`, a row per run; NaN where a metric is undefined too often.
        missing: why there are none, or none of some runs; empty if there are all.
    """

    frame: pd.DataFrame
    missing: str


def run_intervals(runs: pd.DataFrame, read: OutcomeReader, most: int = MOST) -> RunIntervals:
    """The intervals that `group_metrics.spreads` has of each run, from the same resamples.

    Args:
        runs: rows of the ledger, those first that matter most: where there are more decisions than `most`,
            the last have none.
        read: reads outcomes; only those of these runs are needed.
        most: how many decisions of runs on test cases to look at.
    """
    runs = runs[runs["test_error"].notna()]
    parts = [_of_one_split(own, read, most // len(of_splits(runs))) for own in of_splits(runs) if len(own)]
    frames = [part.frame for part in parts if len(part.frame)]
    missing = next((part.missing for part in parts if part.missing), "")
    return RunIntervals(pd.concat(frames) if frames else pd.DataFrame(columns=COLUMNS), missing)


def _of_one_split(runs: pd.DataFrame, read: OutcomeReader, most: int) -> RunIntervals:
    try:
        examples = len(outcomes_of(read, runs.iloc[:1]).label)
        shown = runs.iloc[: max(1, most // examples)]
        outcomes = outcomes_of(read, shown)
    except MissingOutcomesError as error:
        return RunIntervals(pd.DataFrame(columns=COLUMNS), str(error))
    weights = outcomes.resampled(np.random.default_rng(SEED), RESAMPLES)
    column = "test_decision_maker" if "test_decision_maker" in shown else "decision_maker"
    drawn = weighted_metrics(outcomes, shown[column].astype(str).tolist(), weights)
    ends = {
        metric: [percentile_interval(values) or (np.nan, np.nan) for values in drawn[metric]]
        for metric in MEASURED
    }
    rows = [[run, *(end for m in MEASURED for end in ends[m][k])] for k, run in enumerate(shown["run_id"])]
    missing = "" if len(shown) == len(runs) else _some(len(shown))
    return RunIntervals(pd.DataFrame(rows, columns=COLUMNS), missing)


def _some(number: int) -> str:
    return f"only the {number:,} that matter most have one, as there are many test cases"
