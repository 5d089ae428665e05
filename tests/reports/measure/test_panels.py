import pandas as pd

from study.reports.measure.measures import Measures
from study.reports.measure.panels import (
    deciding_on_test,
    decision_makers_shown,
    models_shown,
    panel_baselines,
    panel_rows,
)
from tests.reports.synthetic import ledger, results

SETTINGS = pd.DataFrame(
    [
        ("binary", "mlp", "none", 0.0),
        ("binary", "mlp", "none", 1.0),
        ("defer", "mlp", "standard", 0.0),
        ("defer", "mlp", "biased", 0.0),
        ("defer", "gate", "standard", 0.0),
        ("reject", "gate", "column", 0.0),
    ],
    columns=["method", "model", "decision_maker", "alpha"],
)


def test_binary_rows_stand_in_every_panel_of_their_model() -> None:
    rows = panel_rows(SETTINGS, ("mlp",), "biased")
    assert list(rows["method"]) == ["binary", "binary", "defer"]
    assert set(rows["decision_maker"]) == {"none", "biased"}


def test_a_model_without_binary_rows_borrows_those_of_another() -> None:
    assert list(panel_rows(SETTINGS, ("gate",), "standard").index) == [0, 1, 4]
    assert list(panel_baselines(SETTINGS, ("gate",)).index) == [0]


def test_the_papers_decision_makers_come_first() -> None:
    assert decision_makers_shown(SETTINGS) == ["standard", "biased", "column"]
    assert models_shown(SETTINGS) == [("gate",), ("mlp",)]


def test_a_binary_study_has_one_panel() -> None:
    binary = SETTINGS[SETTINGS["method"] == "binary"]
    assert decision_makers_shown(binary) == ["none"]
    assert models_shown(binary) == [("mlp",)]
    assert decision_makers_shown(SETTINGS[:0]) == models_shown(SETTINGS[:0]) == []


def test_a_model_with_binary_rows_of_its_own_takes_them_and_others_take_the_plain_ones() -> None:
    bayes = SETTINGS[:3].assign(model="bayes")
    both = pd.concat([bayes, SETTINGS], ignore_index=True)
    assert set(panel_rows(both, ("bayes",), "standard")["model"]) == {"bayes"}
    assert list(panel_baselines(both, ("bayes",))["model"]) == ["bayes"]
    rows = panel_rows(both, ("gate",), "standard")
    assert set(rows.loc[rows["method"] == "binary", "model"]) == {"mlp"}
    alone = pd.concat([bayes, SETTINGS[4:]], ignore_index=True)
    assert set(panel_rows(alone, ("gate",), "standard")["model"]) == {"bayes", "gate"}


def test_a_model_that_is_only_the_baseline_has_no_panel_unless_it_is_all_there_is() -> None:
    baseline = SETTINGS[:1]
    assert models_shown(pd.concat([baseline, SETTINGS[1:2].assign(model="bayes")])) == [("bayes",)]
    assert models_shown(pd.concat([SETTINGS[:2], SETTINGS[1:2].assign(model="bayes")])) == [
        ("bayes",),
        ("mlp",),
    ]
    assert models_shown(baseline) == [("mlp",)]


def test_models_share_a_figure_where_every_method_has_one() -> None:
    one_each = SETTINGS.drop(index=4)
    assert models_shown(one_each) == [("gate", "mlp")]
    assert list(panel_rows(one_each, ("gate", "mlp"), "column").index) == [0, 1, 5]
    assert list(panel_rows(one_each, ("gate", "mlp"), "standard").index) == [0, 1, 2]
    own = pd.concat([one_each, SETTINGS[:2].assign(model="gate")], ignore_index=True)
    assert set(panel_rows(own, ("gate", "mlp"), "column")["model"]) == {"mlp", "gate"}
    assert set(panel_baselines(own, ("gate", "mlp"))["model"]) == {"mlp"}


def test_models_may_be_tested_with_another_decision_maker() -> None:
    names = ["none", "oracle", "biased"]
    settings = pd.DataFrame(
        {"decision_maker": names, "test_decision_maker": ["none", "standard", "biased"]}
    )
    assert deciding_on_test(settings) == {"none": "none", "oracle": "standard", "biased": "biased"}
    measures = Measures(results(ledger(10)))
    measures.settings = settings
    assert measures.labels == {"none": "none", "oracle": "oracle, tested with standard", "biased": "biased"}
    assert deciding_on_test(settings[:0]) == {}
