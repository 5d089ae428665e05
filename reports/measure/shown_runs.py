"""The runs that a page offers for choosing, with intervals of their metrics and risk-coverage curves."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from study.reports.measure.deferral_budgets import MEASURED
from study.results.curves import risk_coverage
from study.results.fronts import pareto_by_group
from study.results.group_metrics import RESAMPLES, SEED
from study.results.intervals import percentile_interval
from study.results.outcomes import MissingOutcomesError, OutcomeReader, outcomes_of, weighted_metrics
from study.results.settings import GROUP, of_splits
from study.results.study_results import BenefitReader

MOST: Final = 2500
RATES: Final = ["validation_fpr", "validation_fnr", "validation_di", "validation_idk_rate"]
"""What is no worse in all of these is so in error, balanced error and cost, which follow from them."""
# Over splits, the same rates are not the same errors.
BY: Final = [*GROUP, "split"]
# Metrics are rounded up to multiples of these, until few enough runs are left.
STEPS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
# Decisions of runs on test cases that are looked at for a page: half a gigabyte, and seconds of time.
MOST_DECISIONS: Final = 250_000_000
INTERVAL_COLUMNS: Final = ("run_id", *(f"{metric}_{end}" for metric in MEASURED for end in ("low", "high")))
SHARES: Final = np.arange(21) / 20
"""Shares of deferred cases: none, 5 %, ... all."""


@dataclass(frozen=True, eq=False)
class ShownRuns:
    """Runs to choose from.

    Attributes:
        frame: rows and columns of the ledger, in its order, with `degenerate` and `unstable` (bool).
        known: how many runs have metrics.
        step: 0 where the best run under any limits is among them; else, under limits that are multiples of
            it, one that is worse by less than this in any of the metrics is.
    """

    frame: pd.DataFrame
    known: int
    step: float


def shown_runs(runs: pd.DataFrame, named: Sequence[str] = (), most: int = MOST) -> ShownRuns:
    """All runs, where there are few enough; else those that can be the best under some limits, and others.

    Whatever is minimised under whatever upper limits on validation metrics, and whichever methods, models
    and decision-makers are allowed: the best is on the Pareto front over `RATES` of its own split, method,
    model and decision-maker. The room that is left goes to other runs, evenly spread over the ledger, so
    that the picture stays that of the study. Runs that are ``named`` by id are there in any case, next to
    ``most`` others. ``runs`` are as `Measures.marked` has them.
    """
    if len(runs) <= most:
        return ShownRuns(runs.reset_index(drop=True), len(runs), 0.0)
    # Of runs with equal metrics, the one that a choice takes comes first.
    runs = runs.sort_values(["setting_id", "seed"], kind="stable")
    points = runs[RATES].to_numpy(np.float64)
    # One that is no better than a constant decision does not take the place of one that is.
    rows = np.flatnonzero(~runs["degenerate"])
    step, rows = 0.0, rows[pareto_by_group(runs.iloc[rows], points[rows], BY)]
    for step_ in STEPS:
        if len(rows) <= most:
            break
        # Ceilings a hair below a multiple are that multiple.
        rows = rows[pareto_by_group(runs.iloc[rows], np.ceil(points[rows] / step_ - 1e-9), BY)]
        step = step_
    mask = runs["run_id"].isin(list(named)).to_numpy(copy=True)
    mask[rows] = True
    others = np.flatnonzero(~mask)
    room = max(0, most - int(mask.sum()))
    mask[others[np.linspace(0, len(others) - 1, min(room, len(others))).round().astype(int)]] = True
    return ShownRuns(runs[mask].sort_index(ignore_index=True), len(runs), step)


@dataclass(frozen=True, eq=False)
class RunIntervals:
    """Intervals of 95 % of test metrics over the test cases.

    Attributes:
        frame: `INTERVAL_COLUMNS`, a row per run; NaN where a metric is undefined too often.
        missing: why there are none, or none of some runs; empty if there are all.
    """

    frame: pd.DataFrame
    missing: str


def run_intervals(runs: pd.DataFrame, read: OutcomeReader, most: int = MOST_DECISIONS) -> RunIntervals:
    """The intervals that `group_metrics.spreads` has of each run, from the same resamples.

    Args:
        runs: rows of the ledger, those first that matter most: where there are more decisions than `most`,
            the last have none.
        read: reads outcomes; only those of these runs are needed.
        most: how many decisions of runs on test cases to look at.
    """
    runs = runs[runs["test_error"].notna()]
    splits = of_splits(runs)
    parts = [_intervals_of_split(own, read, most // len(splits)) for own in splits if len(own)]
    frames = [part.frame for part in parts if len(part.frame)]
    missing = next((part.missing for part in parts if part.missing), "")
    return RunIntervals(pd.concat(frames) if frames else pd.DataFrame(columns=INTERVAL_COLUMNS), missing)


def _intervals_of_split(runs: pd.DataFrame, read: OutcomeReader, most: int) -> RunIntervals:
    try:
        examples = len(outcomes_of(read, runs.iloc[:1]).label)
        shown = runs.iloc[: max(1, most // examples)]
        outcomes = outcomes_of(read, shown)
    except MissingOutcomesError as error:
        return RunIntervals(pd.DataFrame(columns=INTERVAL_COLUMNS), str(error))
    weights = outcomes.resampled(np.random.default_rng(SEED), RESAMPLES)
    drawn = weighted_metrics(outcomes, shown["test_decision_maker"].astype(str).tolist(), weights)
    ends = {
        metric: [percentile_interval(values) or (np.nan, np.nan) for values in drawn[metric]]
        for metric in MEASURED
    }
    rows = [[run, *(end for m in MEASURED for end in ends[m][k])] for k, run in enumerate(shown["run_id"])]
    some = f"only the {len(shown):,} that matter most have one, as there are many test cases"
    missing = "" if len(shown) == len(runs) else some
    return RunIntervals(pd.DataFrame(rows, columns=INTERVAL_COLUMNS), missing)


def run_curves(runs: pd.DataFrame, read: OutcomeReader, benefits: BenefitReader) -> dict[str, list[float]]:
    """The test error, or cost, of every run at each of `SHARES`, by run_id; none where there is no benefit.

    Between the first value, that of the model alone, and the last, that of the decision-maker alone, a
    straight line is what deferring at random would give.
    """
    runs = runs[runs["method"] != "binary"]
    return {run: curve for own in of_splits(runs) for run, curve in _curves_of_split(own, read, benefits)}


def _curves_of_split(
    runs: pd.DataFrame, read: OutcomeReader, benefits: BenefitReader
) -> Iterator[tuple[str, list[float]]]:
    try:
        outcomes = outcomes_of(read, runs)
    except MissingOutcomesError:
        return
    place = {str(run): number for number, run in enumerate(runs["run_id"])}
    makers = runs["test_decision_maker"].astype(str).tolist()
    at = np.round(SHARES * len(outcomes.label)).astype(int)
    for run, benefit in benefits(runs):
        number = place[run]
        if makers[number] in outcomes.decisions:
            curve = risk_coverage(outcomes, number, benefit, makers[number])
            yield run, curve[outcomes.costs.metric].to_numpy()[at].tolist()
