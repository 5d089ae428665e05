"""What is no better than a constant decision is not chosen, by simulation and by hand."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2_contingency

from study.errors import LedgerError
from study.results.choice.candidates import candidates, degenerate, marked, unstable
from study.results.choice.chosen_run import select
from study.results.guarantee.bounds import Limit
from study.results.guarantee.certificate import certify
from study.results.limits import Question
from study.results.metrics import LedgerCounts, metrics
from study.words import CELL_NAMES, cell_columns

FIFTH = np.array([400, 100, 400, 100])
"""Validation cases by group and outcome, of which one in five is positive."""


def ledger(wrong: Any, cases: Any = FIFTH) -> pd.DataFrame:
    """A run for each row of errors by cell (R, 4), its metrics those of the cells on every split."""
    wrong = np.atleast_2d(wrong)
    counts = pd.DataFrame(0, index=range(len(wrong)), columns=cell_columns("validation"), dtype=np.int32)
    for cell, name in enumerate(CELL_NAMES):
        counts[f"validation_cases_{name}"] = np.broadcast_to(cases, wrong.shape)[:, cell]
        counts[f"validation_model_errors_{name}"] = wrong[:, cell]
    measured = metrics(LedgerCounts.of(counts, "validation"))
    columns = {f"{split}_{name}": of for split in ("validation", "test") for name, of in measured.items()}
    number = np.arange(len(wrong))
    return counts.assign(
        **columns,
        run_id=[f"r{n}" for n in number],
        setting_id=[f"s{n}" for n in number],
        **{
            "seed": 0,
            "split": 0,
            "dataset": "d",
            "method": "defer",
            "model": "ordinal",
            "alpha": 0.1,
            "gamma": 0.1,
        },
        **{"decision_maker": "standard", "test_decision_maker": "standard"},
    )


NO = [0, 100, 0, 100]
YES = [400, 0, 400, 0]
USEFUL = [60, 40, 70, 35]


def test_a_model_that_says_no_to_everybody_is_not_chosen_where_positives_are_rare() -> None:
    """It has the lowest error and odds difference, and is useless."""
    runs = ledger([NO, YES, USEFUL])
    assert runs["validation_error"].idxmin() == 0
    assert runs["validation_di"].idxmin() == 0
    for minimise in ("di", "error", "idk"):
        chosen = select(runs, lambda _: None, Question.of(max_idk=0.3, minimise=minimise), planned=3)
        assert chosen.run_id == "r2"
        assert chosen.degenerate_left_out == chosen.to_json()["degenerate_left_out"] == 2
        assert "2 degenerate runs left out: no better on validation than a constant" in chosen.summary()
    asked = Question.of(minimise="di", include_degenerate=True)
    chosen = select(runs, lambda _: None, asked, planned=3)
    assert (chosen.run_id, chosen.degenerate, chosen.degenerate_left_out) == ("r0", True, 0)
    assert "degenerate: on validation it is no better than a constant decision" in chosen.summary()


def test_where_all_are_degenerate_nothing_is_chosen_and_nothing_certified() -> None:
    runs = ledger([NO, YES])
    for ask in (
        lambda: select(runs, lambda _: None, Question(), planned=2),
        lambda: certify(runs, lambda _: None, [Limit("error", 0.5)], Question(), confidence=0.9),
    ):
        with pytest.raises(LedgerError, match=r"no run decides better than a constant .*\(2 degenerate"):
            ask()


def test_a_run_that_is_never_right_about_an_outcome_of_a_group_is_degenerate() -> None:
    assert list(degenerate(ledger([[5, 100, 5, 5], [5, 99, 5, 5], [400, 5, 5, 5]]))) == [True, False, True]


def test_what_cannot_be_tested_is_not_called_degenerate() -> None:
    none_positive = ledger([[4, 0, 4, 0]], [400, 0, 400, 0])
    no_cells = ledger([USEFUL]).assign(**dict.fromkeys(cell_columns("validation"), np.nan))
    empty_cell = ledger([[4, 5, 4, 0]], [400, 100, 400, 0])
    for runs in (none_positive, no_cells, empty_cell):
        assert list(degenerate(runs)) == [False]


@pytest.mark.parametrize("positives", [0.5, 0.2, 0.05])
@pytest.mark.parametrize("decided", [0.5, 0.1])
def test_decisions_by_chance_pass_in_about_one_case_of_twenty(positives: float, decided: float) -> None:
    rng, number, cases = np.random.default_rng(0), 4000, 400
    of_1 = round(cases * positives)
    by_cell = np.array([cases - of_1, of_1, cases - of_1, of_1])
    ones = rng.binomial(by_cell, decided, (number, 4))
    runs = ledger(np.where([True, False, True, False], ones, by_cell - ones), by_cell)
    assert (~degenerate(runs)).mean() == pytest.approx(0.05, abs=0.025)


def test_better_than_chance_is_what_the_test_of_two_proportions_says() -> None:
    rng = np.random.default_rng(1)
    wrong = rng.binomial([30, 12, 20, 9], 0.45, (200, 4))
    cases = np.array([30, 12, 20, 9])
    runs = ledger(wrong, cases)
    for mine, errors in zip(degenerate(runs), wrong, strict=True):
        ones = [errors[0] + errors[2], 21 - errors[1] - errors[3]]
        table = [ones, [50 - ones[0], 21 - ones[1]]]
        p = chi2_contingency(table, correction=False).pvalue / 2
        better = ones[1] / 21 > ones[0] / 50 and p < 0.05
        assert mine == (not better or (errors == cases).any())


def test_marked_rows_say_which_are_degenerate_and_unstable() -> None:
    runs = ledger([NO, USEFUL, USEFUL, USEFUL]).assign(
        setting_id=["a", "b", "b", "c"], validation_idk_rate=[0.1, 0.1, 0.25, 0.3]
    )
    found = marked(runs)
    assert found["degenerate"].tolist() == [True, False, False, False]
    assert found["unstable"].tolist() == list(unstable(runs)) == [False, True, True, False]
    among, left_out = candidates(runs, Question.of(method="defer"))
    assert (among["run_id"].tolist(), left_out) == (["r1", "r2", "r3"], 1)
