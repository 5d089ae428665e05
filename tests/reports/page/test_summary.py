from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from study.reports.measure.deferral_budgets import EXAMPLE, operating_points
from study.reports.measure.group_names import GroupNames
from study.reports.measure.measures import Measures
from study.reports.page.summary import sentences, summary
from study.results.choice.selection import select
from study.results.limits import Question
from study.results.metrics import LedgerCounts, metrics
from study.results.outcomes import Cells, decision_makers_wrong
from study.results.settings import medians_by_setting
from study.results.study_results import Results
from study.words import cell_columns
from tests.reports.decided import world
from tests.reports.synthetic import decision_makers, ledger, results

NEW = ("balanced_error", "fpr", "fnr", "cost")
NO_METRICS = pd.DataFrame(columns=["decision_maker", "setting_id", "metric", "value"])
NO_COMPARISONS = pd.DataFrame(columns=["decision_maker", "model", "first", "second"])


def offer(aim: str, **changes: Any) -> dict[str, Any]:
    row = {
        "decision_maker": "standard",
        "budget": EXAMPLE,
        "aim": aim,
        "method": "defer",
        "model": "gate",
    }
    figures = {"error": 0.2431, "di": 0.1212, "idk_rate": 0.284, "alpha": 0.5, "gamma": 0.1}
    return row | figures | {"setting_id": aim} | changes


def difference(model: str, seeds: tuple[float, float], test: tuple[float, float]) -> dict[str, Any]:
    row = {"decision_maker": "standard", "model": model, "first": "defer", "second": "reject"}
    ends = dict(zip(("seeds_low", "seeds_high", "test_low", "test_high"), (*seeds, *test), strict=True))
    return row | {"estimate": 0.01} | ends


def said_of(
    budgets: list[dict[str, Any]],
    points: Sequence[dict[str, Any]] = (),
    by_group: pd.DataFrame = NO_METRICS,
    comparisons: pd.DataFrame = NO_COMPARISONS,
) -> list[str]:
    columns = ["decision_maker", "what", "error", "di"]
    measures: Any = SimpleNamespace(
        budgets=pd.DataFrame(budgets),
        points=pd.DataFrame([{"decision_maker": "standard", **row} for row in points], columns=columns),
        by_group=SimpleNamespace(frame=by_group),
        comparisons=SimpleNamespace(frame=comparisons),
        tested={},
        choices={},
        group_names=GroupNames(("sex not f", "sex f")),
    )
    (paragraphs,) = sentences(measures).values()
    return paragraphs


def test_each_method_is_chosen_on_validation_and_shown_on_test() -> None:
    settings = medians_by_setting(ledger(600))
    points = operating_points(settings, decision_makers())
    assert list(points["decision_maker"].unique()) == ["standard", "biased"]
    for row in points[points["what"].isin(["defer, lowest error", "reject, lowest error"])].itertuples():
        own = settings[settings["decision_maker"] == row.decision_maker]
        own = own[(own["method"] == row.what.split(",")[0]) & (own["validation_idk_rate"] <= EXAMPLE)]
        best = own.loc[own["validation_error"].idxmin()]
        assert (row.setting_id, row.error, row.di) == (
            best["setting_id"],
            best["test_error"],
            best["test_di"],
        )
    assert set(points.loc[points["what"] == "baseline", "alpha"]) == {0.0}
    for _, rows in points.groupby("decision_maker"):
        assert list(rows["what"])[-2:] == ["baseline", "decision-maker"]
        assert rows["setting_id"].dropna().is_unique


def test_the_decision_maker_alone_is_the_one_on_test() -> None:
    runs = ledger(300, decision_makers=("oracle",))
    tested = runs["decision_maker"].replace({"oracle": "standard"})
    runs = runs.assign(test_decision_maker=tested)
    measures = Measures(results(runs, decision_makers=decision_makers(("oracle", "standard"))))
    (alone,) = measures.points[measures.points["what"] == "decision-maker"].itertuples()
    assert (alone.decision_maker, alone.error) == ("oracle", 0.242 + 0.002)
    assert sentences(measures)["oracle"][0].startswith(
        "If at most 30 % of cases are deferred to the decision-maker (“oracle” in training, “standard” on "
        "test), the lowest median error over seeds is that of"
    )


def test_sentences_give_the_metrics_of_the_table_and_no_more() -> None:
    fair = offer("lowest odds difference", method="reject", error=0.3, di=0.02, idk_rate=0.001)
    known = [{"what": "baseline", "error": 0.3, "di": 0.12}]
    assert said_of([offer("lowest error"), fair], known) == [
        "If at most 30 % of cases are deferred to the decision-maker (“standard”), the lowest median "
        "error over seeds is that of defer (model gate, alpha 0.5, gamma 0.1), with error 0.243 and odds "
        "difference 0.121, 28 % of cases deferred; the lowest median odds difference with error no higher "
        "than the baseline’s is that of reject (model gate, alpha 0.5, gamma 0.1), with error 0.300 and "
        "odds difference 0.020, less than 1 % of cases deferred. For comparison: the baseline, trained for "
        "accuracy only, has error 0.300 and odds difference 0.120."
    ]


def test_one_setting_may_be_both() -> None:
    both = [offer("lowest error", setting_id="s"), offer("lowest odds difference", setting_id="s")]
    (text,) = said_of(both, [{"what": "decision-maker", "error": 0.2, "di": 0.1}])
    assert "difference with error no higher than the decision-maker’s is that of the same setting." in text


def test_whose_cases_are_deferred_and_who_is_right_about_them() -> None:
    rows = [("lowest error", name, value) for name, value in (("idk_rate_a0", 0.3), ("idk_rate_a1", 0.1))]
    rows += [("lowest odds difference", "idk_rate_a0", 0.5), ("lowest odds difference", "idk_rate_a1", 0.0)]
    rows += [("lowest error", "dm_error", 0.24), ("lowest error", "model_error_on_left", 0.41)]
    rows += [("lowest error", "model_error", 0.32), ("lowest error", "dm_error_on_kept", 0.29)]
    frame = pd.DataFrame(rows, columns=["setting_id", "metric", "value"]).assign(decision_maker="standard")
    _, text = said_of([offer("lowest error"), offer("lowest odds difference")], [], frame)
    assert text == (
        "The setting with the lowest error defers 30 % of the cases with sex not f and 10 % of those with "
        "sex f. The setting with the lowest odds difference defers 50 % of the cases with sex not f and "
        "0 % of those with sex f. At the lowest error, the decision-maker is wrong in 24 % of the deferred "
        "cases, and the model would be in 41 %; the model is wrong in 32 % of the cases that are not "
        "deferred, and the decision-maker would be in 29 %."
    )


BETTER = "is significantly better than that of rejecting (95 % intervals above 0; model {})"
WORSE = "is significantly worse than that of rejecting (95 % intervals below 0; model {})"
SAME = "shows no significant difference from that of rejecting (the 95 % interval includes 0; model {})"
UNKNOWN = "cannot be compared with that of rejecting (there is no interval; model {})"


@pytest.mark.parametrize(
    ("seeds", "test", "which"),
    [
        ((0.1, 0.2), (0.1, 0.3), BETTER),
        ((-0.2, -0.1), (-0.3, -0.1), WORSE),
        ((-0.1, 0.2), (0.1, 0.3), SAME),
        ((0.1, 0.2), (-0.1, 0.3), SAME),
        ((0.1, 0.2), (float("nan"),) * 2, BETTER),
        ((float("nan"),) * 2, (float("nan"),) * 2, UNKNOWN),
    ],
)
def test_fronts_differ_significantly_only_by_all_intervals(
    seeds: tuple[float, float], test: tuple[float, float], which: str
) -> None:
    frame = pd.DataFrame([difference("gate", seeds, test)])
    _, text = said_of([offer("lowest odds difference")], [], comparisons=frame)
    assert text == f"Over all settings, the front of deferring {which.format('gate')}."


def test_models_of_the_same_verdict_share_it() -> None:
    up, down = ((0.1, 0.2),) * 2, ((-0.2, -0.1),) * 2
    frame = pd.DataFrame([difference("a", *up), difference("b", *down), difference("c", *up)])
    assert said_of([offer("lowest odds difference")], [], comparisons=frame)[1] == (
        f"Over all settings, the front of deferring {BETTER.format('a, c')}, and {WORSE.format('b')}."
    )


def test_methods_that_were_not_run_are_not_mentioned() -> None:
    runs = ledger(100, methods=("reject",), decision_makers=("standard",))
    found = sentences(Measures(results(runs, decision_makers=decision_makers(()))))
    text = " ".join(found["standard"])
    assert "reject" in text
    for absent in ("defer (", "binary", "baseline", "alone"):
        assert absent not in text


def test_a_binary_study_needs_no_decision_maker() -> None:
    runs = ledger(100, methods=("binary",))
    found = sentences(Measures(results(runs, decision_makers=decision_makers(()))))
    assert found["none"][0].startswith(
        "Among models that never defer, the lowest median error over seeds is that of binary"
    )


def test_nothing_finished_has_no_sentences() -> None:
    assert sentences(Measures(results(pd.DataFrame(columns=ledger(5).columns)))) == {}


def test_in_a_world_where_the_right_cases_are_deferred_the_summary_shows_it() -> None:
    # Deferring hands over exactly the cases that the decision-maker gets right and the model wrong.
    _, text = sentences(Measures(world()))["standard"]
    assert "wrong in 0 % of the deferred cases, and the model would be in 100 %" in text
    assert "the front of deferring is significantly better than that of rejecting" in text


def counted(given: Results) -> Results:
    """The same world with counts by cell, so that runs can be chosen."""
    outcomes, runs = given.outcomes(given.runs), given.runs.assign(split=0)
    assert outcomes is not None
    wrong, code = decision_makers_wrong(outcomes, runs["test_decision_maker"].tolist())
    cells = Cells(outcomes, np.ones((1, len(outcomes.label))))
    deferred, model = outcomes.deferred, outcomes.positive != outcomes.label
    marked = (deferred, model & ~deferred, wrong[code] & deferred)
    counts = [cells.count(of)[:, :, 0] for of in marked]
    counts.insert(0, np.broadcast_to(cells.examples, counts[0].shape))
    for split in ("validation", "test"):
        runs = runs.assign(**dict(zip(cell_columns(split), np.concatenate(counts), strict=True)))
        measured = metrics(LedgerCounts.of(runs, split))
        runs = runs.assign(**{f"{split}_{name}": measured[name] for name in NEW})
    return replace(given, runs=runs)


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


def test_without_counts_by_cell_no_run_is_chosen() -> None:
    assert Measures(world(seeds=1)).choices == {}
