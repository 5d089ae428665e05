"""The arithmetic of the comparison on real people's decisions; what it finds is in docs/methods.md."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from tests.benchmarks.crowd import (
    BUDGETS,
    FOLDS,
    REPEATS,
    Decided,
    asking,
    cases_of,
    folds_of,
    markdown,
    measured,
    table,
)


def test_cases_are_one_row_each_with_the_majority_of_their_answers(tmp_path: Path) -> None:
    facts = {"race": "black", "sex": "male", "charge": "theft", "degree": "felony", "recid": 1}
    facts |= dict.fromkeys(["age", "juv_fel", "juv_misd", "priors"], 3)
    says = {"c1": [1, 1, 0], "c2": [0, 0, 1], "c3": [0, 1]}
    rows = [{"case_id": case, **facts, "says": say} for case, answers in says.items() for say in answers]
    pd.DataFrame(rows).to_csv(tmp_path / "answers.csv", index=False)
    cases = cases_of(tmp_path / "answers.csv")
    assert cases["people"].tolist() == [1, 0, 1]
    assert cases["black"].tolist() == [1, 1, 1]


def test_every_case_is_tested_once_in_each_repeat() -> None:
    splits = list(folds_of(100))
    assert len(splits) == REPEATS * FOLDS
    for repeat in range(REPEATS):
        tested = sum((split == "test").astype(int) for split in splits[repeat * FOLDS :][:FOLDS])
        assert (tested == 1).all()
    for split in splits:
        assert (split == "validation").sum() == (split != "test").sum() // 5
    assert not (splits[0] == splits[FOLDS]).all()


def test_a_rule_defers_the_cases_of_the_largest_benefit_up_to_the_budget() -> None:
    test = pd.DataFrame({"people": [1, 0, 1, 0], "recid": [1, 1, 0, 0]})
    decided = asking(test, [0, 1, 1, 1], [0.3, 0.1, 0.1, 0.2], 0.5)
    assert decided.deferred.tolist() == [True, False, False, True]
    assert decided.wrong.tolist() == [False, False, True, False]
    assert asking(test, [0, 1, 1, 1], [0.3, 0.1, 0.1, 0.2], 0.0).wrong.tolist() == [True, False, True, True]


def test_error_and_odds_difference_are_means_over_repeats() -> None:
    label, group = (np.array(bits, bool) for bits in ([0, 0, 1, 1, 0, 1], [0, 1, 0, 1, 1, 1]))
    wrong = np.array([[0, 1, 0, 0, 0, 1], [0, 0, 1, 0, 0, 0]], bool)
    found = measured(wrong, label, group, np.array([[1, 1, 1, 1, 1, 1], [1, 2, 1, 1, 1, 1]], float))
    assert found["error"] == pytest.approx([(2 / 6 + 1 / 6) / 2, (3 / 7 + 1 / 7) / 2])
    # Of y = 0: 0 against 1/2 and 0 against 0. Of y = 1: 0 against 1/2 and 1 against 0.
    assert found["odds difference"][0] == pytest.approx(((0.5 + 0.5) / 2 + (0 + 1) / 2) / 2)


def test_a_rule_does_not_differ_from_itself_and_intervals_are_paired() -> None:
    generator = np.random.default_rng(1)
    cases = pd.DataFrame({"recid": generator.integers(0, 2, 400), "black": generator.integers(0, 2, 400)})
    wrong = generator.random((REPEATS, 400)) < 0.3
    better = wrong & (np.arange(400) % 10 > 0)
    made = {
        (name, budget): Decided(np.zeros_like(wrong), who)
        for name, who in (("rival", wrong), ("better", better))
        for budget in BUDGETS
    }
    rows = table(made, cases, "rival").set_index(["rule", "budget"])
    assert (rows.loc["rival", ["error less", "error low", "error high"]] == 0).all(axis=None)
    own = rows.loc[("better", 0.1)]
    assert own["error less"] == pytest.approx(better.mean() - wrong.mean())
    assert own["error low"] < own["error less"] < own["error high"] < 0
    # Paired: as wide as the differences make it, not as two errors do.
    each = (better.astype(float) - wrong).mean(axis=0)
    assert own["error high"] - own["error low"] == pytest.approx(
        2 * 1.96 * each.std() / np.sqrt(400), rel=0.15
    )
    text = markdown(rows.reset_index(), "error").splitlines()
    assert text[0] == "| | 0 % | 10 % | 20 % | 30 % | 50 % |"
    assert text[2].startswith(f"| rival | {rows.loc[('rival', 0.0), 'error']:.3f} | ")
    assert "(-0." in text[3]
