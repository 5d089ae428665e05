import numpy as np
import pandas as pd
import pytest

from study.reports.measure.setting_intervals import COLUMNS, setting_intervals
from study.results.group_metrics import resampled_cells, spreads
from study.results.outcomes import Outcomes
from tests.reports.decided import PEOPLE, world

GIVEN = world(seeds=3, settings=3)
RUNS = GIVEN.runs
SETTINGS = sorted(set(RUNS["setting_id"]))


def read(runs: pd.DataFrame) -> Outcomes:
    found = GIVEN.outcomes(runs)
    assert found is not None
    return found


def test_intervals_of_many_settings_are_those_that_select_shows_of_one() -> None:
    found = setting_intervals(SETTINGS, RUNS, read)
    assert found.missing == ""
    assert tuple(found.frame) == COLUMNS
    assert set(found.frame["setting_id"]) == set(SETTINGS)
    whole = read(RUNS)
    for row in found.frame.to_dict("records")[::4]:
        own = np.flatnonzero(RUNS["setting_id"] == row["setting_id"])
        outcomes, makers = whole.take(own), RUNS["test_decision_maker"].iloc[own].tolist()
        one = spreads(outcomes, makers, resampled_cells(outcomes))
        for figure in ("error", "di", "idk_rate"):
            ends = (row[f"{figure}_low"], row[f"{figure}_high"])
            assert ends == pytest.approx(one[figure].test_set, abs=1e-6)


def test_where_there_are_too_many_decisions_the_first_settings_have_intervals_and_this_is_said() -> None:
    seeds = 3
    found = setting_intervals(SETTINGS, RUNS, read, most=4 * seeds * PEOPLE)
    assert list(found.frame["setting_id"]) == SETTINGS[:4]
    assert found.missing.startswith("only the 4 that matter most have one")
    # The first has one in any case.
    assert list(setting_intervals(SETTINGS, RUNS, read, most=1).frame["setting_id"]) == SETTINGS[:1]
    exactly = setting_intervals(SETTINGS, RUNS, read, most=len(RUNS) * PEOPLE)
    assert (len(exactly.frame), exactly.missing) == (len(SETTINGS), "")


def test_only_runs_with_figures_are_asked_for() -> None:
    asked: list[str] = []

    def noting(runs: pd.DataFrame) -> Outcomes:
        asked.extend(runs["run_id"])
        return read(runs)

    runs = RUNS.copy()
    own = runs["setting_id"] == SETTINGS[0]
    diverged = runs.index[own][0]
    runs.loc[diverged, "test_error"] = np.nan
    setting_intervals(SETTINGS[:1], runs, noting)
    assert set(asked) == set(runs.loc[own, "run_id"]) - {runs.loc[diverged, "run_id"]}


def test_missing_outcomes_are_the_reason_for_having_none() -> None:
    found = setting_intervals(SETTINGS, RUNS, lambda runs: None)
    assert len(found.frame) == 0
    assert found.missing == "the outcomes of the test examples are missing"
    assert setting_intervals([], RUNS, read).frame.empty
