from dataclasses import replace

import pandas as pd
import pytest

from study.errors import DataError
from study.reports.figures.calibration import calibration
from study.reports.measure.deferral_budgets import EXAMPLE
from study.reports.measure.measures import Measures
from study.reports.page.summary import budget_table, summary
from study.results.choice.chosen_run import select
from study.results.intervals import resampled_t_interval
from study.results.limits import Question
from tests.reports.browser import section
from tests.reports.decided import counted, world
from tests.reports.synthetic import decision_makers, ledger, results


def test_the_decision_maker_alone_is_the_one_on_test() -> None:
    runs = ledger(300, decision_makers=("oracle",))
    tested = runs["decision_maker"].replace({"oracle": "standard"})
    runs = runs.assign(test_decision_maker=tested)
    measures = Measures(results(runs, decision_makers=decision_makers(("oracle", "standard"))))
    (alone,) = measures.points[measures.points["what"] == "decision-maker"].itertuples()
    assert (alone.decision_maker, alone.error) == ("oracle", 0.242 + 0.002)
    assert [part["name"] for part in summary(measures)["parts"]] == ["oracle, tested with standard"]


def test_nothing_finished_has_no_summary() -> None:
    assert summary(Measures(results(pd.DataFrame(columns=ledger(5).columns))))["parts"] == []


def test_a_table_shows_the_best_runs_by_budget_with_their_own_intervals() -> None:
    measures = Measures(world())
    table = budget_table("standard", measures)
    first = measures.budgets[measures.budgets["decision_maker"] == "standard"].iloc[0]
    cells = table.bodies[0][0]
    assert cells[2].text == f"{first['error']:.3f}"
    assert cells[2].below == f"{first['error_low']:.3f} to {first['error_high']:.3f}"
    assert [row[0].text for row in table.bodies[0]][-2:] == ["(baseline)", "(decision-maker alone)"]


def test_of_several_splits_a_table_shows_means_over_the_runs_chosen_in_each() -> None:
    runs = pd.concat([ledger(300, seed=split).assign(split=split) for split in (0, 1, 2)])
    runs["run_id"] = runs["run_id"] + runs["split"].astype(str)
    measures = Measures(results(runs.reset_index(drop=True), splits=3))
    chosen = measures.budgets.query("decision_maker == 'biased' and budget == 1 and aim == 'lowest error'")
    row = next(r for r in budget_table("biased", measures).bodies[0] if r[0].text == "no limit")
    assert len(chosen) == 3
    assert row[2].text == f"{chosen['error'].mean():.3f}"
    low, high = resampled_t_interval(chosen["error"]) or (0, 0)
    assert row[2].below == f"{max(low, 0):.3f} to {high:.3f}"


def test_the_summary_begins_with_the_run_that_select_chooses_and_with_what_could_be_done_instead() -> None:
    measures = Measures(counted(world(seeds=2)))
    for part in summary(measures)["parts"]:
        name, told = part["decision_maker"], part["choice"]
        choice = measures.choices[name]
        question = Question.of(max_idk=EXAMPLE, decision_maker=name)
        chosen = select(measures.results.runs, measures.results.outcomes, question, planned=1)
        assert (choice.run_id, choice.test) == (chosen.run_id, chosen.test)
        first, compared = " ".join(told["lead"]), " ".join(told["lead"] + told["compared"])
        alone = next(one for one in choice.comparisons if one.to == "the decision-maker alone")
        worse = alone.differences["error"].value > 0
        assert first.startswith("People alone " if worse else "The run that defers at most 30 %")
        assert f"seed {choice.seed}). On test it has error {choice.test['error']:.3f} (" in first
        for one in choice.comparisons:
            assert compared.count(one.sentence()[1:]) == 1
        assert "expected rise from validation to test" in " ".join(told["cautions"]).lower()
    # The oracle in training is tested with another decision-maker, so all three are people with errors.
    assert set(measures.choices) == {"standard", "biased", "oracle"}


def test_calibration_of_the_chosen_runs_is_drawn_and_its_error_stated_or_why_there_is_none() -> None:
    curve = pd.DataFrame({"mean": [0.2, 0.8], "share": [0.3, 0.6], "cases": [10, 30]})
    given = replace(counted(world(seeds=2)), calibration=lambda run: {"probability": curve})
    measures = Measures(given)
    frame = measures.calibration.frame
    assert set(frame["run_id"]) == {choice.run_id for choice in measures.choices.values()}
    assert frame["error"].tolist() == pytest.approx([(0.1 * 10 + 0.2 * 30) / 40] * len(frame))
    drawn = calibration(measures)
    assert drawn is not None
    assert "standard: expected calibration error 0.175." in drawn[1]
    assert len(drawn[0].axes) == 3

    def gone(run: str) -> dict[str, pd.DataFrame]:
        raise DataError("the table is gone")

    assert (
        "There are no reliability curves: the table is gone."
        in section("calibration", replace(given, calibration=gone)).text
    )


def test_without_counts_by_cell_no_run_is_chosen() -> None:
    assert Measures(world(seeds=1)).choices == {}
