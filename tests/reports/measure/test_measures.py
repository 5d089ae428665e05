from dataclasses import replace

import pandas as pd
import pytest

from study.reports.measure.measures import Measures
from study.results.outcomes import Outcomes
from tests.reports.decided import world

GIVEN = world(seeds=3, settings=8)


def test_outcomes_are_read_of_what_the_page_shows_and_of_each_seed_s_front_alone() -> None:
    asked: set[str] = set()

    def noting(runs: pd.DataFrame) -> Outcomes | None:
        asked.update(runs["run_id"])
        return GIVEN.outcomes(runs)

    measures = Measures(replace(GIVEN, outcomes=noting))
    assert measures.intervals.missing == measures.by_group.missing == measures.comparisons.missing == ""
    runs = GIVEN.runs
    shown = set(runs.loc[runs["setting_id"].isin(measures.intervals.frame["setting_id"]), "run_id"])
    on_front = asked - shown
    assert asked < set(runs["run_id"])
    assert shown <= asked
    assert len(on_front) < len(shown)


def test_what_is_measured_agrees_wherever_it_is_shown_twice() -> None:
    measures = Measures(GIVEN)
    intervals = measures.intervals.frame.set_index("setting_id")
    table = measures.by_group.frame.drop_duplicates(["setting_id", "metric"])
    table = table.set_index(["setting_id", "metric"])
    for setting in measures.points["setting_id"].dropna().unique():
        for figure in ("error", "di", "idk_rate"):
            row = table.loc[(setting, figure)]
            ends = intervals.loc[setting, [f"{figure}_low", f"{figure}_high"]]
            assert tuple(ends) == pytest.approx((row["low"], row["high"]), abs=1e-6)


def test_every_setting_of_the_first_screen_has_intervals() -> None:
    measures = Measures(GIVEN)
    measured = set(measures.intervals.frame["setting_id"])
    assert set(measures.budgets["setting_id"]) <= measured
    assert set(measures.points["setting_id"].dropna()) <= measured
