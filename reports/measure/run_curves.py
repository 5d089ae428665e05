"""What runs do when other shares of the cases are deferred: risk-coverage curves, at a few shares."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd

from study.results.curves import risk_coverage
from study.results.outcomes import MissingOutcomesError, OutcomeReader, outcomes_of
from study.results.settings import of_splits
from study.results.study_results import BenefitReader

SHARES: Final = np.arange(21) / 20
"""Shares of deferred cases: none, 5 %, ... all."""


def run_curves(runs: pd.DataFrame, read: OutcomeReader, benefits: BenefitReader) -> dict[str, list[float]]:
    """The test error, or cost, of every run at each of `SHARES`, by run_id; none where there is no benefit.

    Between the first value, that of the model alone, and the last, that of the decision-maker alone, a
    straight line is what deferring at random would give.
    """
    runs = runs[runs["method"] != "binary"]
    return {run: curve for own in of_splits(runs) for run, curve in _of_one_split(own, read, benefits)}


def _of_one_split(
    runs: pd.DataFrame, read: OutcomeReader, benefits: BenefitReader
) -> Iterator[tuple[str, list[float]]]:
    try:
        outcomes = outcomes_of(read, runs)
    except MissingOutcomesError:
        return
    column = "test_decision_maker" if "test_decision_maker" in runs else "decision_maker"
    place = {str(run): number for number, run in enumerate(runs["run_id"])}
    makers = runs[column].astype(str).tolist()
    at = np.round(SHARES * len(outcomes.label)).astype(int)
    for run, benefit in benefits(runs):
        number = place[run]
        if makers[number] in outcomes.decisions:
            curve = risk_coverage(outcomes, number, benefit, makers[number])
            yield run, curve[outcomes.costs.metric].to_numpy()[at].tolist()
