import pytest

from study.reports.page.configuration import options, search_spaces
from tests.reports.browser import section
from tests.reports.synthetic import ledger, results

GIVEN = results(ledger(100))


def test_every_method_has_a_row_with_its_own_ranges() -> None:
    assert search_spaces(GIVEN.study) == [
        ["binary", "ordinal", "0.01 to 1, log", "–", "–"],
        ["reject", "ordinal", "0 to 1", "0.5, 0.6", "–"],
        ["defer", "ordinal", "0.1 to 30, log", "0.03 to 0.15", "–"],
    ]


MANY = {
    "methods": ["binary", "defer", "reject"],
    "model": ["mlp", "posthoc", "gate"],
    "decision_maker": ["standard"],
    "search": {
        **{"sampler": "qmc", "settings": 64, "seed": 0},
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
    assert search_spaces(MANY) == [
        ["binary", "mlp", "0, 1", "–", "–"],
        ["reject", "posthoc", "0.3", "0.3", "0, 0.5"],
        ["reject", "gate", "0.1", "0.6", "–"],
        ["defer", "posthoc", "0.4", "0", "0.01 to 1"],
        ["defer", "gate", "0.2", "0.1", "–"],
    ]
    (asked_for, _) = section("configuration", results(ledger(5), study=MANY)).tables
    assert asked_for[0] == ["method", "model", "alpha", "gamma", "model alpha"]
    (asked_for, _) = section("configuration", GIVEN).tables
    assert asked_for[0] == ["method", "model", "alpha", "gamma"]


def test_thresholds_that_are_searched_leave_alpha_to_the_network() -> None:
    study = {**MANY, "thresholds": {**MANY["thresholds"], "sampler": "search"}}
    assert search_spaces(study)[1:3] == [
        ["reject", "posthoc", "0, 0.5", "–", "–"],
        ["reject", "gate", "0.1", "0.6", "–"],
    ]


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({}, "the best of 1,000 drawn at random from the training scores, for each group, chosen on the "
             "validation split"),
        ({"sampler": "exact", "per_group": False, "choose_on": "test-half"},
         "the exact optimum, the same for both groups, chosen on one half of the test split; every "
         "test metric is of the other half"),
    ],
)  # fmt: skip
def test_it_is_said_how_thresholds_are_chosen(changes: dict[str, object], shown: str) -> None:
    study = {**MANY, "thresholds": {**MANY["thresholds"], **changes}}
    key = "thresholds chosen after training"
    assert options(results(ledger(5), study=study))[key] == shown
    search = {name: given for name, given in MANY["search"].items() if name != "model_alpha"}
    learned = {**study, "model": ["mlp", "gate"], "search": {**search, "model_alpha": {}}}
    assert key not in options(results(ledger(5), study=learned))


def test_the_inconsistent_decision_maker_is_explained_where_there_is_one() -> None:
    assert "inconsistent" not in options(results(ledger(5), study=MANY))
    study = {**MANY, "test_decision_maker": "inconsistent"}
    facts = options(results(ledger(5), study=study))
    assert facts["tested with"] == "inconsistent"
    assert facts["inconsistent"] == "p turned into 1 − p with probability 0.3 where age <= 35"
    study["inconsistent"] = {"where": None, "flip": 0.25}
    facts = options(results(ledger(5), study=study))
    assert facts["inconsistent"].endswith("probability 0.25 where the data set’s own condition holds")


def test_facts_are_short_lines() -> None:
    assert options(GIVEN) == {
        "data": "compas, split with seed 3",
        "decision-makers": "biased, standard",
        "settings": "400 for each method, model and decision-maker, and the baseline (binary, alpha 0)",
        "sampler": "qmc, spread evenly (quasi-random), seed 7",
        "seeds": "0 to 4",
        "training": "5 hidden units, learning rate 0.003, at most 1,000 epochs, stopped after 50 "
        "without a better validation loss",
        "runs planned": "100 (20 settings, 5 seeds)",
    }


def test_a_grid_says_no_number_of_settings() -> None:
    search = {**GIVEN.study["search"], "sampler": "grid", "settings": None}
    lines = options(results(ledger(5), study={**GIVEN.study, "search": search}, planned=7))
    assert lines["sampler"] == "grid, every combination of the listed values"
    assert "settings" not in lines
    assert lines["runs planned"] == "7"


def test_the_whole_file_is_there_to_unfold() -> None:
    seen = section("configuration", GIVEN)
    assert "split_seed: 3" in seen.text[seen.text.index("The whole study file") :]


def test_what_the_pilot_found_is_shown_by_decision_maker() -> None:
    found = {"gamma": [-0.3, 0, 0.05], "deferral": [0.95, 0.5, 0.01]}
    search = {"alpha": {"defer-ordinal": [1]}, "gamma": {}, "pilot": {"defer-ordinal-column": found}}
    study = {"model": ["ordinal"], "decision_maker": ["column"], "search": search}
    assert search_spaces(study)[0][3] == "-0.3 to 0.05 (found by the pilot)"
    split = {**study, "dataset": {"splits": 3}}
    assert search_spaces(split)[0][3] == "-0.3 to 0.05 (found by the pilot on the first split)"
    both = {**study, "decision_maker": ["column", "oracle"]}
    search["pilot"]["defer-ordinal-oracle"] = {**found, "gamma": [0.0125, 0.05]}
    assert search_spaces(both)[0][3] == (
        "-0.3 to 0.05 (column, found by the pilot), 0.0125 to 0.05 (oracle, found by the pilot)"
    )
