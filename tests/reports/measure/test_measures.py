from dataclasses import replace

import pandas as pd
import pytest

from study.reports.measure.reductions import reductions
from study.reports.measure.weighing import weigh
from study.results.outcomes import Outcomes
from tests.reports.decided import world

GIVEN = world(seeds=3, settings=8)


def test_outcomes_are_read_of_what_the_page_shows_and_of_each_seed_s_front_alone() -> None:
    asked: set[str] = set()

    def noting(runs: pd.DataFrame) -> Outcomes | None:
        asked.update(runs["run_id"])
        return GIVEN.outcomes(runs)

    reduced = reductions(GIVEN)
    weighed = weigh(replace(GIVEN, outcomes=noting), reduced)
    runs = GIVEN.runs
    shown = set(runs.loc[runs["setting_id"].isin(weighed.choices.frame["setting_id"]), "run_id"])
    on_front = asked - shown
    assert asked < set(runs["run_id"])
    assert shown <= asked
    assert len(on_front) < len(shown)


def test_what_is_measured_agrees_wherever_it_is_shown_twice() -> None:
    reduced = reductions(GIVEN)
    weighed = weigh(GIVEN, reduced)
    intervals = weighed.intervals.frame.set_index("setting_id")
    table = weighed.deciding.frame.drop_duplicates(["setting_id", "figure"])
    table = table.set_index(["setting_id", "figure"])
    for setting in reduced.points["setting_id"].dropna().unique():
        for figure in ("error", "di", "idk_rate"):
            row = table.loc[(setting, figure)]
            ends = intervals.loc[setting, [f"{figure}_low", f"{figure}_high"]]
            assert tuple(ends) == pytest.approx((row["low"], row["high"]), abs=1e-6)


def test_every_setting_of_the_first_screen_can_be_chosen() -> None:
    reduced = reductions(GIVEN)
    weighed = weigh(GIVEN, reduced)
    carried = set(weighed.choices.frame["setting_id"])
    assert set(reduced.menu["setting_id"]) <= carried
    assert set(reduced.points["setting_id"].dropna()) <= carried
    assert carried == set(weighed.intervals.frame["setting_id"])
