import pandas as pd
import pytest

from reports.asked import asked, facts_asked, methods_asked
from reports.reduce import medians_by_setting
from tests.reports.browser import Page
from tests.reports.synthetic import ledger, results

GIVEN = results(ledger(100))
SETTINGS = medians_by_setting(GIVEN.runs)


def test_every_method_has_a_row_with_its_own_ranges() -> None:
    assert methods_asked(GIVEN.study, SETTINGS) == [
        ["binary", "ordinal", "0.01 to 1, log", "–"],
        ["reject", "ordinal", "0 to 1", "0.5, 0.6"],
        ["defer", "ordinal", "0.1 to 30, log", "0.03 to 0.15"],
    ]


def test_a_method_with_nothing_finished_may_have_any_model_of_the_study() -> None:
    study = {**GIVEN.study, "model": ["mlp", "ordinal"]}
    assert [row[1] for row in methods_asked(study, SETTINGS[:0])] == ["mlp or ordinal"] * 3


@pytest.mark.parametrize(
    ("alpha", "shown"),
    [
        ([0.1, 1.0], "0.1, 1"),
        ([i / 10 for i in range(20)], "20 values, 0 to 1.9"),
        (0.5, "0.5"),
        ({"low": 0.0, "high": 1.0}, "0 to 1"),
        (None, "–"),
        ({"defer": [0.5]}, "0.5"),
        ({"reject": [0.5]}, "–"),
    ],
)
def test_a_space_may_be_given_in_any_way(alpha: object, shown: str) -> None:
    study = {"methods": "defer", "search": {"alpha": alpha}}
    assert methods_asked(study, SETTINGS) == [["defer", "ordinal", shown, "–"]]


def test_facts_are_short_lines() -> None:
    assert facts_asked(GIVEN, SETTINGS) == {
        "data": "compas, split with seed 3",
        "decision-makers": "biased, standard",
        "settings": "400 for each method, model and decision-maker, and the baseline (binary, alpha 0)",
        "sampler": "qmc, spread evenly (quasi-random), seed 7",
        "thresholds": "learned",
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
