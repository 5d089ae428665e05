import pytest

from study.reports.measure.measures import Measures
from tests.reports.decided import world

GIVEN = world(seeds=3, settings=8)


def test_what_is_measured_agrees_wherever_it_is_shown_twice() -> None:
    measures = Measures(GIVEN)
    assert measures.run_intervals.missing == measures.by_group.missing == measures.comparisons.missing == ""
    intervals = measures.run_intervals.frame.set_index("run_id")
    table = measures.by_group.frame.dropna(subset=["run_id"]).drop_duplicates(["run_id", "metric"])
    table = table.set_index(["run_id", "metric"])
    for run in measures.points["run_id"].dropna().unique():
        for figure in ("error", "di", "idk_rate"):
            row = table.loc[(run, figure)]
            ends = intervals.loc[run, [f"{figure}_low", f"{figure}_high"]]
            assert tuple(ends) == pytest.approx((row["low"], row["high"]), abs=1e-6)


def test_every_run_that_the_page_names_can_be_chosen_on_it_and_has_intervals() -> None:
    measures = Measures(GIVEN)
    shown, measured = set(measures.shown_runs.frame["run_id"]), set(measures.run_intervals.frame["run_id"])
    named = {*measures.budgets["run_id"], *measures.points["run_id"].dropna()}
    assert named <= shown
    assert named <= measured
