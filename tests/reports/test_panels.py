import pandas as pd

from reports.panels import decision_makers_shown, models_shown, panel_baselines, panel_rows

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
    rows = panel_rows(SETTINGS, "mlp", "biased")
    assert list(rows["method"]) == ["binary", "binary", "defer"]
    assert set(rows["decision_maker"]) == {"none", "biased"}


def test_a_model_without_binary_rows_borrows_those_of_another() -> None:
    assert list(panel_rows(SETTINGS, "gate", "standard").index) == [0, 1, 4]
    assert list(panel_baselines(SETTINGS, "gate").index) == [0]


def test_the_papers_decision_makers_come_first() -> None:
    assert decision_makers_shown(SETTINGS) == ["standard", "biased", "column"]
    assert models_shown(SETTINGS) == ["gate", "mlp"]


def test_a_binary_study_has_one_panel() -> None:
    binary = SETTINGS[SETTINGS["method"] == "binary"]
    assert decision_makers_shown(binary) == ["none"]
    assert models_shown(binary) == ["mlp"]
    assert decision_makers_shown(SETTINGS[:0]) == models_shown(SETTINGS[:0]) == []
