from collections.abc import Sequence
from typing import Any

import pandas as pd
import pytest

from study.reports.measure.headline import operating_points, sentences
from study.reports.measure.reductions import reductions
from study.reports.measure.weighing import weigh
from study.reports.measure.deferral_budgets import EXAMPLE, by_budget
from study.results.settings import medians_by_setting
from tests.reports.decided import world
from tests.reports.synthetic import decision_makers, ledger

NO_FIGURES = pd.DataFrame(columns=["decision_maker", "setting_id", "figure", "value"])
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
    menu: list[dict[str, Any]],
    points: Sequence[dict[str, Any]] = (),
    deciding: pd.DataFrame = NO_FIGURES,
    comparisons: pd.DataFrame = NO_COMPARISONS,
) -> list[str]:
    columns = ["decision_maker", "what", "error", "di"]
    known = pd.DataFrame([{"decision_maker": "standard", **row} for row in points], columns=columns)
    (said,) = sentences(pd.DataFrame(menu), known, deciding, comparisons, {}).values()
    return said


def test_each_method_is_chosen_on_validation_and_shown_on_test() -> None:
    settings = medians_by_setting(ledger(600))
    points = operating_points(settings, decision_makers())
    assert list(points["decision_maker"].unique()) == ["standard", "biased"]
    for row in points[points["what"].isin(["defer, fewest errors", "reject, fewest errors"])].itertuples():
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
    settings = medians_by_setting(runs.assign(test_decision_maker=tested))
    makers = decision_makers(("oracle", "standard"))
    points = operating_points(settings, makers)
    (alone,) = points[points["what"] == "decision-maker"].itertuples()
    assert (alone.decision_maker, alone.error) == ("oracle", 0.242 + 0.002)
    menu = by_budget(settings, makers)
    said = sentences(menu, points, NO_FIGURES, NO_COMPARISONS, {"oracle": "standard"})
    assert said["oracle"][0].startswith(
        "If people (decision-maker “oracle” in training, “standard” on test) can take on 30 % of cases"
    )


def test_sentences_say_the_figures_of_the_table_and_no_more() -> None:
    fair = offer("fairest", method="reject", error=0.3, di=0.02, idk_rate=0.001)
    known = [{"what": "baseline", "error": 0.3, "di": 0.12}]
    assert said_of([offer("fewest errors"), fair], known) == [
        "If people (decision-maker “standard”) can take on 30 % of cases, the fewest errors are those of "
        "defer (model gate, alpha 0.5, gamma 0.1), with error 0.243 and DI 0.121, 28 % of cases left to "
        "people; the fairest that errs no more than the baseline is reject (model gate, alpha 0.5, gamma "
        "0.1), with error 0.300 and DI 0.020, less than 1 % of cases left to people. For comparison: the "
        "baseline, trained for accuracy only, has error 0.300 and DI 0.120."
    ]


def test_one_setting_may_be_both() -> None:
    both = [offer("fewest errors", setting_id="s"), offer("fairest", setting_id="s")]
    (said,) = said_of(both, [{"what": "decision-maker", "error": 0.2, "di": 0.1}])
    assert "the fairest that errs no more than the decision-maker alone is the same." in said


def test_it_is_said_whom_settings_leave_to_people_and_who_is_better_at_it() -> None:
    rows = [("fewest errors", name, value) for name, value in (("idk_rate_a0", 0.3), ("idk_rate_a1", 0.1))]
    rows += [("fairest", "idk_rate_a0", 0.5), ("fairest", "idk_rate_a1", 0.0)]
    rows += [("fewest errors", "dm_error", 0.24), ("fewest errors", "model_error_on_left", 0.41)]
    rows += [("fewest errors", "model_error", 0.32), ("fewest errors", "dm_error_on_kept", 0.29)]
    frame = pd.DataFrame(rows, columns=["setting_id", "figure", "value"]).assign(decision_maker="standard")
    _, said = said_of([offer("fewest errors"), offer("fairest")], [], frame)
    assert said == (
        "The one with the fewest errors leaves people 30 % of those with A = 0 and 10 % of those with "
        "A = 1. The one that is fairest leaves people 50 % of those with A = 0 and 0 % of those with A = 1."
        " With the fewest errors, people decide 24 % of the cases left to them wrongly, where the model"
        " would 41 %; the model decides 32 % of those that it keeps wrongly, where people would 29 %."
    )


@pytest.mark.parametrize(
    ("seeds", "test", "which"),
    [
        ((0.1, 0.2), (0.1, 0.3), "better than that of rejecting by more than chance"),
        ((-0.2, -0.1), (-0.3, -0.1), "worse than that of rejecting by more than chance"),
        ((-0.1, 0.2), (0.1, 0.3), "not told apart from that of rejecting"),
        ((0.1, 0.2), (-0.1, 0.3), "not told apart from that of rejecting"),
        ((0.1, 0.2), (float("nan"),) * 2, "better than that of rejecting by more than chance"),
        # Without any interval nothing is told apart.
        ((float("nan"),) * 2, (float("nan"),) * 2, "not told apart from that of rejecting"),
    ],
)
def test_fronts_are_told_apart_only_by_all_intervals(
    seeds: tuple[float, float], test: tuple[float, float], which: str
) -> None:
    _, said = said_of([offer("fairest")], [], comparisons=pd.DataFrame([difference("gate", seeds, test)]))
    assert said == f"Over all settings, the front of deferring is {which} (model gate)."


def test_models_of_the_same_verdict_share_it() -> None:
    up, down = ((0.1, 0.2),) * 2, ((-0.2, -0.1),) * 2
    frame = pd.DataFrame([difference("a", *up), difference("b", *down), difference("c", *up)])
    assert said_of([offer("fairest")], [], comparisons=frame)[1] == (
        "Over all settings, the front of deferring is better than that of rejecting by more than chance "
        "(model a, c), and worse than that of rejecting by more than chance (model b)."
    )


def test_methods_that_were_not_run_are_not_mentioned() -> None:
    settings = medians_by_setting(ledger(100, methods=("reject",), decision_makers=("standard",)))
    makers = decision_makers(())
    menu = by_budget(settings, makers)
    said = sentences(menu, operating_points(settings, makers), NO_FIGURES, NO_COMPARISONS, {})
    text = " ".join(said["standard"])
    assert "reject" in text
    for absent in ("defer", "binary", "baseline", "alone"):
        assert absent not in text


def test_a_binary_study_needs_no_decision_maker() -> None:
    settings = medians_by_setting(ledger(100, methods=("binary",)))
    makers = decision_makers(())
    said = sentences(
        by_budget(settings, makers), operating_points(settings, makers), NO_FIGURES, NO_COMPARISONS, {}
    )
    assert said["none"][0].startswith("Of models that always decide themselves, the fewest errors")


def test_nothing_finished_says_nothing() -> None:
    settings = medians_by_setting(pd.DataFrame(columns=ledger(5).columns))
    menu = by_budget(settings, decision_makers())
    assert sentences(menu, settings, NO_FIGURES, NO_COMPARISONS, {}) == {}


def test_of_a_world_whose_people_are_better_where_they_are_asked_this_is_said() -> None:
    # Deferring leaves to people exactly whom they get right and the model wrong.
    given = world()
    reduced = reductions(given)
    weighed = weigh(given, reduced)
    tables = (reduced.menu, reduced.points, weighed.deciding.frame, weighed.comparisons.frame)
    _, said = sentences(*tables, {})["standard"]
    assert "people decide 0 % of the cases left to them wrongly, where the model would 100 %" in said
    assert "the front of deferring is better than that of rejecting by more than chance" in said
