import pandas as pd
import pytest

from reports.headline import operating_points, sentences
from reports.reduce import medians_by_setting
from tests.reports.synthetic import decision_makers, ledger


def test_each_method_is_chosen_on_validation_and_shown_on_test() -> None:
    settings = medians_by_setting(ledger(600))
    points = operating_points(settings, decision_makers())
    whats = ["defer", "reject", "binary", "baseline", "decision-maker"]
    assert list(points["what"]) == whats * 2
    assert list(points["decision_maker"].unique()) == ["standard", "biased"]
    for row in points[points["what"].isin(["defer", "reject"])].itertuples():
        own = settings[
            (settings["method"] == row.what) & (settings["decision_maker"] == row.decision_maker)
        ]
        best = own.loc[(own["validation_error"] + own["validation_di"]).idxmin()]
        assert row.setting_id == best["setting_id"]
        assert (row.error, row.di) == (best["test_error"], best["test_di"])
    base = points[points["what"] == "baseline"]
    assert set(base["alpha"]) == {0.0}


def test_sentences_say_the_figures_of_the_table_and_no_more() -> None:
    row = {"decision_maker": "standard", "model": "mlp", "alpha": 0.1, "gamma": 0.1}
    points = pd.DataFrame(
        [
            row | {"what": "defer", "error": 0.2431, "di": 0.0512, "idk_rate": 0.324},
            row | {"what": "reject", "error": float("nan"), "di": 0.1, "idk_rate": 0.3},
            row | {"what": "baseline", "error": 0.3, "di": 0.12, "idk_rate": 0.0},
        ]
    )
    assert sentences(points) == [
        "With the decision-maker “standard”, deferring reaches error 0.243 at DI 0.051 and leaves "
        "32 % of cases to the decision-maker. For comparison, the baseline, trained for accuracy "
        "only, has error 0.300 and DI 0.120."
    ]


@pytest.mark.parametrize(
    ("defer", "reject", "which"),
    [(0.1, 0.09, "more than"), (0.09, 0.1, "less than"), (0.10001, 0.1, "as much as")],
)
def test_sentences_say_whose_whole_front_dominates_more(defer: float, reject: float, which: str) -> None:
    given = {"decision_maker": "standard", "model": "mlp"}
    point = given | {"what": "defer", "error": 0.24, "di": 0.05, "idk_rate": 0.3}
    rows = [("defer", "honest", defer), ("reject", "honest", reject)]
    # What the paper's fronts say is another matter.
    rows += [("defer", "paper", 0.2), ("reject", "paper", 0.1)]
    areas = pd.DataFrame(rows, columns=["method", "front", "hypervolume"]).assign(points=3, **given)
    (said,) = sentences(pd.DataFrame([point]), areas)
    assert f"Over the whole honest front, deferring dominates {which} rejecting" in said


def test_methods_that_were_not_run_are_not_mentioned() -> None:
    settings = medians_by_setting(ledger(100, methods=("reject",)))
    said = " ".join(sentences(operating_points(settings, decision_makers(()))))
    assert "ejecting" in said
    for absent in ("deferring", "binary", "baseline", "decision-maker alone"):
        assert absent not in said


def test_a_binary_study_needs_no_decision_maker() -> None:
    settings = medians_by_setting(ledger(100, methods=("binary",)))
    (sentence,) = sentences(operating_points(settings, decision_makers(())))
    assert sentence.startswith("A binary model")


def test_nothing_finished_says_nothing() -> None:
    settings = medians_by_setting(pd.DataFrame(columns=ledger(5).columns))
    assert sentences(operating_points(settings, decision_makers())) == []


def test_the_decision_maker_alone_is_the_one_on_test() -> None:
    runs = ledger(300, decision_makers=("oracle",))
    tested = runs["decision_maker"].replace({"oracle": "standard"})
    settings = medians_by_setting(runs.assign(test_decision_maker=tested))
    points = operating_points(settings, decision_makers(("oracle", "standard")))
    (alone,) = points[points["what"] == "decision-maker"].itertuples()
    assert (alone.decision_maker, alone.error) == ("oracle", 0.242 + 0.002)
    (said,) = sentences(points, tested={"oracle": "standard"})
    assert said.startswith("Trained with the decision-maker “oracle” and tested with “standard”, deferring")


def test_several_models_are_compared_in_one_sentence() -> None:
    given = {"decision_maker": "standard", "front": "honest", "points": 3}
    areas = [("defer", "a", 0.1), ("reject", "a", 0.09), ("defer", "b", 0.1), ("reject", "b", 0.2)]
    areas += [("defer", "c", 0.12), ("reject", "c", 0.11)]
    frame = pd.DataFrame(areas, columns=["method", "model", "hypervolume"]).assign(**given)
    point = given | {"what": "defer", "error": 0.24, "di": 0.05, "idk_rate": 0.3}
    (said,) = sentences(pd.DataFrame([point]), frame)
    assert said.endswith(
        "Over the whole honest front, deferring dominates more than rejecting: hypervolume 0.1000 against "
        "0.0900 (model a), 0.1200 against 0.1100 (model c); less than rejecting: hypervolume 0.1000 "
        "against 0.2000 (model b)."
    )
