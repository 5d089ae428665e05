from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.data.decisions import LEAST_ERROR, MOST_ERROR, combine, with_confidence
from study.errors import DataError

SAID = st.lists(st.tuples(*[st.sampled_from([0.0, 1.0, None])] * 3), min_size=3, max_size=40).filter(
    lambda rows: all(any(row[k] is not None for row in rows) for k in range(3))
)


def people(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["ann", "bob", "cy"], dtype=float)
    return frame.assign(bad=[i % 2 for i in range(len(rows))])


def said(
    frame: pd.DataFrame, *names: str, how: str | None = None, seed: int = 0, positive: Any = None
) -> Any:
    return combine(frame, names, how, label="bad", positive=positive, seed=seed)


@given(SAID)
def test_drawn_decision_is_that_of_one_who_decided(rows: list[tuple[Any, ...]]) -> None:
    found, hard = said(people(rows), "ann", "bob", "cy", how="draw")
    assert hard
    for value, row in zip(found, rows, strict=True):
        decided = [v for v in row if v is not None]
        assert value in decided if decided else np.isnan(value)


@given(SAID)
def test_majority_is_what_most_of_those_who_decided_said(rows: list[tuple[Any, ...]]) -> None:
    found, hard = said(people(rows), "ann", "bob", "cy", how="majority")
    assert hard
    for value, row in zip(found, rows, strict=True):
        decided = [v for v in row if v is not None]
        share = float(np.mean(decided)) if decided else float("nan")
        assert value == (share > 0.5) if share != 0.5 and decided else np.isnan(value) or value in (0, 1)


def test_people_and_ties_are_drawn_evenly_and_by_seed() -> None:
    frame = pd.DataFrame({"ann": 0.0, "bob": 1.0, "bad": [0, 1] * 1000})
    for how in ("draw", "majority"):
        found, _ = said(frame, "ann", "bob", how=how)
        assert abs(found.mean() - 0.5) < 0.05
        assert np.array_equal(found, said(frame, "ann", "bob", how=how)[0])
        assert not np.array_equal(found, said(frame, "ann", "bob", how=how, seed=1)[0])


def test_probabilities_are_drawn_whole_and_voted_on_as_decisions() -> None:
    frame = pd.DataFrame({"ann": [0.9, 0.2], "bob": [0.6, 0.1], "cy": [0.1, 0.8], "bad": [0, 1]})
    drawn, hard = said(frame, "ann", "bob", "cy", how="draw")
    assert not hard
    assert all(value in frame.iloc[i].tolist() for i, value in enumerate(drawn))
    voted, hard = said(frame, "ann", "bob", "cy", how="majority")
    assert (voted.tolist(), hard) == ([1.0, 0.0], True)


@pytest.mark.parametrize(
    ("values", "expected", "hard"),
    [
        ([0, 1, None], [0, 1, None], True),
        ([True, False, None], [1, 0, None], True),
        (["yes", "no", None], [1, 0, None], True),
        ([0.25, 1.0, None], [0.25, 1, None], False),
    ],
)
def test_what_a_column_of_decisions_may_hold(values: list[Any], expected: list[Any], hard: bool) -> None:
    frame = pd.DataFrame({"ann": pd.Series(values, dtype=object), "bad": ["yes", "no", "no"]})
    found, is_hard = said(frame, "ann", positive="yes")
    assert [None if np.isnan(v) else v for v in found] == expected
    assert is_hard == hard


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([None, None], "column ann: is empty"),
        (
            ["guilty", "free"],
            "column ann: must hold 0 and 1, booleans, probabilities, got free, guilty",
        ),
        ([0, 2], "column ann: must hold .*, got 0 to 2"),
        ([-0.1, 0.5], "column ann: must hold .*, got -0.1 to 0.5"),
    ],
)
def test_what_it_may_not_hold(values: list[Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        said(pd.DataFrame({"ann": values, "bad": [0, 1]}), "ann")


def test_label_s_own_coding_comes_first_also_of_one_who_only_ever_gave_one_answer() -> None:
    """1 is the label's 0 here: a lone 1 counts as positive."""
    frame = pd.DataFrame({"ann": [1, 2, 2], "bob": [1, 1, None], "bad": [1, 2, 1]})
    for name, expected in (("ann", [0, 1, 1]), ("bob", [0, 0])):
        found, hard = said(frame, name, positive=2)
        assert (found[~np.isnan(found)].tolist(), hard) == (expected, True)
    turned = pd.DataFrame({"ann": [0, 1], "bad": [0, 1]})
    assert said(turned, "ann", positive=0)[0].tolist() == [1, 0]


def test_people_who_all_say_0_and_1_are_read_alike_whatever_the_label_s_coding() -> None:
    frame = pd.DataFrame({"ann": [0, 1], "bob": [1, 1], "bad": [1, 2]})
    assert said(frame, "ann", "bob", how="majority", positive=2)[0][1] == 1


# From what was said to a probability


def made(rows: int = 2000) -> dict[str, Any]:
    generator = np.random.default_rng(0)
    label = generator.random(rows) < 0.4
    right = generator.random(rows) < 0.8
    return {
        "recorded": np.where(right, label, ~label).astype(float),
        "label": label,
        "training": np.arange(rows) % 2 == 0,
    }


def completed(hard: bool = True, **changes: Any) -> Any:
    given_ = made() | changes
    return with_confidence(given_["recorded"], hard, given_["label"], given_["training"])


def test_hard_decisions_count_with_the_confidence_they_earn_in_training_rows() -> None:
    facts = made()
    decisions = completed()
    wrong = (facts["recorded"] != facts["label"])[facts["training"]].mean()
    expected = np.where(facts["recorded"] == 1, 1 - wrong, wrong)
    np.testing.assert_allclose(decisions.probability, expected, rtol=1e-6)
    assert decisions.known.all()


def test_confidence_stays_between_certain_and_undecided() -> None:
    label = made()["label"]
    for said_, error in ((label, LEAST_ERROR), (~label, MOST_ERROR)):
        decisions = completed(recorded=said_.astype(float))
        np.testing.assert_allclose(decisions.probability[said_ == 1], 1 - error, rtol=1e-6)
        assert np.array_equal(decisions.probability >= 0.5, said_ == 1)


def test_probabilities_are_taken_as_they_are() -> None:
    p = np.linspace(0, 1, 2000)
    np.testing.assert_array_equal(completed(hard=False, recorded=p).probability, p.astype(np.float32))


def test_what_was_not_decided_stays_unknown() -> None:
    facts = made()
    unknown = np.arange(2000) % 4 == 0
    decisions = completed(recorded=np.where(unknown, np.nan, facts["recorded"]))
    assert np.array_equal(decisions.known, ~unknown)
    assert np.array_equal(np.isnan(decisions.probability), unknown)
    judged = facts["training"] & ~unknown
    wrong = (facts["recorded"] != facts["label"])[judged].mean()
    said_ = facts["recorded"][~unknown] == 1
    np.testing.assert_allclose(
        decisions.probability[~unknown], np.where(said_, 1 - wrong, wrong), rtol=1e-6
    )


def test_decisions_outside_of_the_training_rows_do_not_count_for_it() -> None:
    facts = made()
    others = np.where(facts["training"], facts["recorded"], 1 - facts["recorded"])
    ours, theirs = completed(), completed(recorded=others)
    rows = facts["training"]
    np.testing.assert_array_equal(ours.probability[rows], theirs.probability[rows])
