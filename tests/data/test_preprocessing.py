import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.data import Group
from study.data.columns import FEWEST_ROWS, MAX_LEVELS, Column, learn
from study.data.raw_values import matches, text_of, texts
from study.errors import DataError
from tests.worlds.own_tables import cases, own

EVERY = np.ones(4, dtype=bool)


def column(values: list[Any], training: list[bool] | None = None, *, listed: bool = True) -> Column:
    series = pd.Series(values, name="x")
    rows = np.ones(len(values), dtype=bool) if training is None else np.array(training)
    return learn(series, rows, listed=listed)


def encoded(learned: Column, values: list[Any]) -> list[list[float]]:
    return learned.encode(pd.Series(values, name="x")).tolist()


def test_number_keeps_its_value_and_gets_the_median_where_it_is_missing() -> None:
    learned = column([1.0, None, 3.0, 100.0, None], [True, True, True, False, False])
    assert learned.inputs == ("x", "x missing")
    assert encoded(learned, [None, 7, -0.5]) == [[2.0, 1.0], [7.0, 0.0], [-0.5, 0.0]]


def test_nothing_says_missing_where_no_training_row_misses_it() -> None:
    learned = column([1.0, 3.0, None], [True, True, False])
    assert learned.inputs == ("x",)
    assert encoded(learned, [None]) == [[2.0]]


def test_category_becomes_indicators_as_pandas_makes_them() -> None:
    values = ["b", "a", None, "b"]
    learned = column(values)
    assert learned.inputs == ("x=a", "x=b", "x missing")
    expected = pd.get_dummies(pd.Series(values), dummy_na=True).astype(float)
    assert encoded(learned, values) == expected.to_numpy().tolist()


def test_value_that_training_has_not_seen_is_zero_in_all() -> None:
    learned = column(["a", "b", "c"], [True, True, False])
    assert encoded(learned, ["c", "a"]) == [[0.0, 0.0], [1.0, 0.0]]


def test_booleans_are_a_category_and_an_empty_column_is_numbers() -> None:
    assert column([True, False, True, True]).inputs == ("x=false", "x=true")
    assert column([None, None, None]).inputs == ("x", "x missing")
    assert encoded(column([None, None]), [None, 5]) == [[0.0, 1.0], [5.0, 0.0]]


def test_stored_category_is_one_also_of_numbers() -> None:
    learned = learn(pd.Series([7, 8, 7, 8], name="x", dtype="category"), EVERY, listed=True)
    assert learned.inputs == ("x=7", "x=8")


def test_of_too_many_values_the_most_frequent_stay_if_the_column_is_asked_for() -> None:
    values = [f"v{i:03}" for i in range(MAX_LEVELS + 5) for _ in range(1 + (i >= 5))]
    with pytest.raises(
        DataError, match=r"55 different values in the training rows, at most 50 are allowed; name it"
    ):
        column(values, listed=False)
    learned = column(values)
    assert learned.levels == tuple(f"v{i:03}" for i in range(5, MAX_LEVELS + 5))
    assert learned.inputs[-1] == "x other"
    assert [row[-1] for row in encoded(learned, ["v000", "v007", "new", None])] == [1.0, 0.0, 1.0, 0.0]


def test_values_in_few_rows_are_one_if_the_column_is_asked_for() -> None:
    values = [*["a"] * FEWEST_ROWS, *["b"] * (FEWEST_ROWS + 1), *["c"] * (FEWEST_ROWS - 1)]
    # One such value alone stays itself.
    assert column(values).inputs == ("x=a", "x=b", "x=c")
    learned = column([*values, "d"])
    assert learned.inputs == ("x=a", "x=b", "x other")
    assert encoded(learned, ["c", "a", "new"]) == [[0, 0, 1], [1, 0, 0], [0, 0, 1]]
    assert column([*values, "d"], listed=False).inputs == ("x=a", "x=b", "x=c", "x=d")
    assert column(["c", "d"]).inputs == ("x=c", "x=d")


def test_words_that_spoil_a_column_of_numbers_are_named() -> None:
    with pytest.raises(DataError, match="numbers but for unknown: leave these cells empty"):
        column([*map(str, range(60)), "unknown"], listed=False)


@pytest.mark.parametrize(
    "value", [datetime.date(2020, 1, 2), pd.Timestamp("2020-01-02"), datetime.timedelta(1), [1], {"a": 1}]
)
def test_dates_and_structures_are_refused_with_a_way_out(value: object) -> None:
    with pytest.raises(DataError, match=r"column x: holds .* or name it in drop"):
        column([value] * 4)


@pytest.mark.parametrize(
    ("stored", "as_text"),
    [
        (3, "3"),
        (3.0, "3"),
        (np.float32(3), "3"),
        (2.5, "2.5"),
        (True, "true"),
        ("True", "True"),
        (-0.0, "0"),
    ],
)
def test_value_is_the_same_text_however_it_is_stored(stored: object, as_text: str) -> None:
    assert text_of(stored) == as_text


@given(st.lists(st.one_of(st.none(), st.integers(-5, 5)), min_size=1))
def test_numbers_as_text_do_not_depend_on_missing_neighbours(values: list[int | None]) -> None:
    """Beside a missing value pandas makes floats of whole numbers."""
    found = texts(pd.Series(values, dtype=float))
    assert [None if pd.isna(v) else v for v in found] == [None if v is None else str(v) for v in values]


def test_yes_in_a_study_file_is_true_and_means_yes() -> None:
    text = pd.Series(["yes", "Yes", "true", "no", "on", None])
    assert matches(text, True).tolist() == [True, True, True, False, True, False]
    assert matches(text, False).tolist() == [False, False, False, True, False, False]
    assert matches(pd.Series(["3", "3.5"]), 3.0).tolist() == [True, False]


# Groups

FRAME = pd.DataFrame(
    {"zero_one": [0, 1, 1], "truth": [True, False, True], "race": ["B", "A", "C"], "age": [20, 40, 60.5]}
)


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        (Group("zero_one"), [False, True, True]),
        (Group("truth"), [True, False, True]),
        (Group("race", equals="B"), [True, False, False]),
        (Group("age", equals=40), [False, True, False]),
        (Group("age", at_least=40), [False, True, True]),
    ],
)
def test_group_by_indicator_value_or_threshold(group: Group, expected: list[bool]) -> None:
    assert group.of(FRAME).tolist() == expected


def test_group_of_more_than_two_values_says_what_to_write() -> None:
    with pytest.raises(
        DataError, match=r"holds A, B, C; .* else write \{column: race, is: VALUE\} or at_le"
    ):
        Group("race").of(FRAME)
    with pytest.raises(DataError, match="column race: B is not a finite number"):
        Group("race", at_least=1).of(FRAME)
    with pytest.raises(DataError, match="column age: missing in 1 of 3 rows"):
        Group("age", at_least=1).of(FRAME.assign(age=[1, None, 3]))


# All of it


def test_new_rows_are_encoded_as_those_of_the_training() -> None:
    frame = cases()
    dataset = own(frame)
    learned = dataset.preprocessing
    assert learned.inputs == dataset.feature_names
    np.testing.assert_array_equal(learned.transform(frame), dataset.features)
    shuffled = frame.iloc[::-1, ::-1].assign(another="column")
    np.testing.assert_array_equal(learned.transform(shuffled), dataset.features[::-1])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"skill": "high"}, "column skill: high is not a finite number"),
        ({"skill": 1e300}, "column skill: a value is too large"),
        ({"race": None}, "column race: missing in 200 of 200 rows"),
    ],
)
def test_new_rows_that_do_not_fit_are_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        own(cases()).preprocessing.transform(cases().assign(**change))


def test_missing_column_is_named_with_those_there_are() -> None:
    with pytest.raises(DataError, match="column sex not found; columns are case, skill, income"):
        own(cases()).preprocessing.transform(cases().drop(columns="sex"))


def test_value_that_no_training_row_had_can_be_refused() -> None:
    learned = own(cases()).preprocessing
    learned.refuse_unseen(cases())
    with pytest.raises(DataError, match=r"column city: z in row 1 was in no training row; x, y are"):
        learned.refuse_unseen(cases().assign(city="z"))


@pytest.mark.parametrize("value", ["b", "B ", "D"])
def test_sensitive_value_that_the_study_never_had_is_refused(value: str) -> None:
    frame = cases()
    frame.loc[3, "race"] = value
    with pytest.raises(DataError, match=r"race: .* in row 4 was not in the study's table; A, B, C are"):
        own(cases()).preprocessing.refuse_unseen(frame)


@given(st.lists(st.integers(0, 199), min_size=1, max_size=5), st.booleans())
def test_row_of_text_is_encoded_alike_whatever_the_rows_next_to_it(rows: list[int], employed: bool) -> None:
    """As `study apply` reads CSV: every cell is text, and training has fixed what it means."""
    frame = cases()
    rule = "employed" if employed else {"column": "race", "is": "B"}
    dataset = own(frame, sensitive=rule)
    text = frame.astype(object).map(lambda v: None if pd.isna(v) else str(v)).iloc[rows]
    dataset.preprocessing.refuse_unseen(text)
    np.testing.assert_array_equal(dataset.preprocessing.transform(text), dataset.features[rows])


def test_decimals_of_a_database_are_the_numbers_they_say() -> None:
    assert [text_of(Decimal(word)) for word in ("1.00", "0.00", "1.50", "100")] == ["1", "0", "1.5", "100"]
