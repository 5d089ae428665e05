from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from study.reports.measure.deferral_budgets import MEASURED
from study.reports.measure.shown_runs import INTERVAL_COLUMNS, run_intervals
from study.results.group_metrics import resampled_cells, spreads
from study.results.outcomes import Outcomes
from study.words import Costs
from tests.reports.decided import PEOPLE, world

GIVEN = world(seeds=3, settings=3)
RUNS = GIVEN.runs


def read(runs: pd.DataFrame) -> Outcomes:
    found = GIVEN.outcomes(runs)
    assert found is not None
    return replace(found, costs=Costs(1.0, 3.0, 0.1))


def test_intervals_of_many_runs_are_those_that_select_shows_of_one() -> None:
    found = run_intervals(RUNS, read)
    assert found.missing == ""
    assert tuple(found.frame) == INTERVAL_COLUMNS
    assert list(found.frame["run_id"]) == list(RUNS["run_id"])
    whole = read(RUNS)
    for number, row in list(enumerate(found.frame.to_dict("records")))[::4]:
        outcomes = whole.take(np.array([number]))
        one = spreads(outcomes, RUNS["test_decision_maker"].iloc[number], resampled_cells(outcomes))
        for figure in MEASURED:
            ends = (row[f"{figure}_low"], row[f"{figure}_high"])
            assert ends == pytest.approx(one[figure].test_set, abs=1e-6)


def test_where_there_are_too_many_decisions_the_first_runs_have_intervals_and_this_is_said() -> None:
    found = run_intervals(RUNS, read, most=4 * PEOPLE)
    assert list(found.frame["run_id"]) == list(RUNS["run_id"][:4])
    assert found.missing.startswith("only the 4 that matter most have one")
    # The first has one in any case.
    assert len(run_intervals(RUNS, read, most=1).frame) == 1
    exactly = run_intervals(RUNS, read, most=len(RUNS) * PEOPLE)
    assert (len(exactly.frame), exactly.missing) == (len(RUNS), "")


def test_only_runs_with_figures_are_asked_for() -> None:
    asked: list[str] = []

    def noting(runs: pd.DataFrame) -> Outcomes:
        asked.extend(runs["run_id"])
        return read(runs)

    runs = RUNS.head(3).copy()
    runs.loc[runs.index[0], "test_error"] = np.nan
    run_intervals(runs, noting)
    assert set(asked) == set(runs["run_id"][1:])


def test_missing_outcomes_are_the_reason_for_having_none() -> None:
    found = run_intervals(RUNS, lambda runs: None)
    assert len(found.frame) == 0
    assert found.missing == "the outcomes of the test examples are missing"
    assert run_intervals(RUNS[:0], read).frame.empty
