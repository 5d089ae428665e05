import pandas as pd
import pytest

from study.reports.page.asked import arms_asked, asked, facts_asked
from study.results.settings import medians_by_setting
from tests.reports.browser import Page
from tests.reports.synthetic import ledger, results

GIVEN = results(ledger(100))
SETTINGS = medians_by_setting(GIVEN.runs)


def test_every_method_has_a_row_with_its_own_ranges() -> None:
    assert arms_asked(GIVEN.study, SETTINGS) == [
        ["binary", "ordinal", "0.01 to 1, log", "–", "–"],
        ["reject", "ordinal", "0 to 1", "0.5, 0.6", "–"],
        ["defer", "ordinal", "0.1 to 30, log", "0.03 to 0.15", "–"],
    ]


MANY = {
    "methods": ["binary", "defer", "reject"],
    "model": ["mlp", "posthoc", "gate"],
    "decision_maker": ["standard"],
    "search": {
        "alpha": {
            **{"binary-mlp": [0.0, 1.0], "reject-gate": [0.1], "defer-gate": [0.2]},
            **{"reject-posthoc": [0.3], "defer-posthoc": [0.4]},
        },
        "gamma": {
            "reject-gate": [0.6],
            "defer-gate": [0.1],
            "reject-posthoc": [0.3],
            "defer-posthoc": [0.0],
        },
        "model_alpha": {"reject-posthoc": [0.0, 0.5], "defer-posthoc": {"low": 0.01, "high": 1.0}},
    },
    "thresholds": {"sampler": "random", "candidates": 1000, "per_group": True, "choose_on": "validation"},
    "inconsistent": {"where": "age <= 35", "flip": 0.3},
}


def test_every_method_and_model_has_a_row_with_its_own_ranges() -> None:
    assert arms_asked(MANY, SETTINGS[:0]) == [
        ["binary", "mlp", "0, 1", "–", "–"],
        ["reject", "posthoc", "0.3", "0.3", "0, 0.5"],
        ["reject", "gate", "0.1", "0.6", "–"],
        ["defer", "posthoc", "0.4", "0", "0.01 to 1"],
        ["defer", "gate", "0.2", "0.1", "–"],
    ]
    (asked_for, _) = Page(asked(results(ledger(5), study=MANY), SETTINGS[:0])).tables
    assert asked_for[0] == ["method", "model", "alpha", "gamma", "model alpha"]
    (asked_for, _) = Page(asked(GIVEN, SETTINGS)).tables
    assert asked_for[0] == ["method", "model", "alpha", "gamma"]


def test_thresholds_that_are_searched_leave_alpha_to_the_network() -> None:
    study = {**MANY, "thresholds": {**MANY["thresholds"], "sampler": "search"}}
    assert arms_asked(study, SETTINGS[:0])[1:3] == [
        ["reject", "posthoc", "0, 0.5", "–", "–"],
        ["reject", "gate", "0.1", "0.6", "–"],
    ]


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({}, "the best of 1,000 drawn at random from the training scores, for each group, chosen on the "
             "validation split"),
        ({"sampler": "exact", "per_group": False, "choose_on": "test-half"},
         "the best there are, the same for both groups, chosen on one half of the test split; every "
         "figure called test is of the other half"),
    ],
)  # fmt: skip
def test_it_is_said_how_thresholds_are_chosen(changes: dict[str, object], shown: str) -> None:
    study = {**MANY, "thresholds": {**MANY["thresholds"], **changes}}
    key = "thresholds chosen after training"
    assert facts_asked(results(ledger(5), study=study), SETTINGS)[key] == shown
    search = {name: given for name, given in MANY["search"].items() if name != "model_alpha"}
    learned = {**study, "model": ["mlp", "gate"], "search": {**search, "model_alpha": {}}}
    assert key not in facts_asked(results(ledger(5), study=learned), SETTINGS)


def test_the_inconsistent_decision_maker_is_explained_where_there_is_one() -> None:
    assert "inconsistent" not in facts_asked(results(ledger(5), study=MANY), SETTINGS)
    study = {**MANY, "test_decision_maker": "inconsistent"}
    facts = facts_asked(results(ledger(5), study=study), SETTINGS)
    assert facts["tested with"] == "inconsistent"
    assert facts["inconsistent"] == "p turned into 1 − p with probability 0.3 where age <= 35"
    study["inconsistent"] = {"where": None, "flip": 0.25}
    facts = facts_asked(results(ledger(5), study=study), SETTINGS)
    assert facts["inconsistent"].endswith("probability 0.25 where the data set’s own condition holds")


def test_a_method_with_nothing_finished_may_have_any_model_of_the_study() -> None:
    study = {**GIVEN.study, "model": ["mlp", "ordinal"]}
    study["search"] = {"alpha": [0.0, 1.0]}
    assert [row[1] for row in arms_asked(study, SETTINGS[:0])] == ["mlp or ordinal"] * 3


@pytest.mark.parametrize(
    ("alpha", "shown"),
    [
        ([0.1, 1.0], "0.1, 1"),
        ([i / 10 for i in range(20)], "20 values, 0 to 1.9"),
        (0.5, "0.5"),
        ({"low": 0.0, "high": 1.0}, "0 to 1"),
        (None, "–"),
        ({"defer": [0.5]}, "0.5"),
        ({"defer-ordinal": [0.5]}, "0.5"),
        ({"reject": [0.5]}, "–"),
    ],
)
def test_a_space_may_be_given_in_any_way(alpha: object, shown: str) -> None:
    study = {"methods": "defer", "search": {"alpha": alpha}}
    assert arms_asked(study, SETTINGS) == [["defer", "ordinal", shown, "–", "–"]]


def test_facts_are_short_lines() -> None:
    assert facts_asked(GIVEN, SETTINGS) == {
        "data": "compas, split with seed 3",
        "decision-makers": "biased, standard",
        "settings": "400 for each method, model and decision-maker, and the baseline (binary, alpha 0)",
        "sampler": "qmc, spread evenly (quasi-random), seed 7",
        "seeds": "0 to 4",
        "training": "5 hidden units, learning rate 0.003, at most 1,000 epochs, stopped after 50 "
        "without a better validation loss",
        "runs planned": "100 (20 settings, 5 seeds)",
    }


def test_a_bare_study_file_gives_the_facts_that_there_are() -> None:
    empty = results(pd.DataFrame(columns=GIVEN.runs.columns), study={"seeds": [3, 5]}, planned=7)
    facts = facts_asked(empty, medians_by_setting(empty.runs))
    assert facts == {"seeds": "3, 5", "runs planned": "7"}


def test_the_whole_file_is_there_to_unfold() -> None:
    seen = Page(asked(GIVEN, SETTINGS))
    assert "split_seed: 3" in seen.text[seen.text.index("The whole study file") :]
