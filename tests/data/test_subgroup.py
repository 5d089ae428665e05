import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.data import default_subgroup, load_dataset
from study.data.dataset import Dataset, Table, make_dataset
from study.data.subgroup import OPERATORS, subgroup
from study.errors import DataError

ODD_NAMES = ("body height (cm)", "Charlson>0", "a<", "b=", "c!", "Größe, μ", " blank ", "5", "a <= 3")
TOYS = 40


def toy(names: tuple[str, ...] = ODD_NAMES) -> Dataset:
    generator = np.random.default_rng(0)
    frame = pd.DataFrame({name: generator.integers(-3, 4, TOYS) / 2 for name in names})
    frame["label"] = frame["sensitive"] = np.arange(TOYS) % 2
    frame["secret"] = np.arange(TOYS)
    return make_dataset(Table("toy", frame, names, ("secret",), "made up"), split_seed=0)


TOY = toy()


@given(
    name=st.sampled_from(ODD_NAMES),
    sign=st.sampled_from(list(OPERATORS)),
    number=st.sampled_from([-1.5, -1, 0.0, 0.5, 1e0, 1.25]),
    blank=st.sampled_from(["", " ", "  "]),
)
def test_rows_are_those_that_python_itself_selects(name: str, sign: str, number: float, blank: str) -> None:
    values = TOY.table.frame[name]
    expected = [eval(f"{value!r} {sign} {number!r}") for value in values.tolist()]
    where = f"{blank}{name}{blank}{sign}{blank}{number!r}{blank}"
    if len(set(expected)) == 1:
        with pytest.raises(DataError, match=r"selects (every|no) row; "):
            subgroup(TOY, where)
        return
    selected = subgroup(TOY, where)
    assert selected.dtype == np.bool_
    assert selected.tolist() == expected


def test_sensitive_and_what_only_the_dm_sees_can_be_named() -> None:
    assert subgroup(TOY, "sensitive == 1").tolist() == (TOY.sensitive == 1).tolist()
    assert subgroup(TOY, "secret < 1e1").tolist() == [True] * 10 + [False] * 30


def test_column_of_numbers_as_text_is_compared_as_numbers() -> None:
    table = TOY.table
    texts = table.frame.assign(secret=[str(value) for value in table.frame["secret"]])
    dataset = make_dataset(dataclasses.replace(table, frame=texts), split_seed=0)
    assert subgroup(dataset, "secret >= 9").sum() == 31


@pytest.mark.parametrize(
    "where",
    ["", "secret", "<= 3", "secret <=", "secret = 3", "secret <= x", "secret <= nan", "secret <= inf"],
)
def test_what_is_no_condition_is_refused_with_the_operators(where: str) -> None:
    with pytest.raises(DataError) as caught:
        subgroup(TOY, where)
    message = str(caught.value)
    assert repr(where) in message
    assert len(message.splitlines()) == 1
    assert "<=, <, >=, >, ==, !=" in message or "secret" in message


@pytest.mark.parametrize("where", ["label == 1", "split == 1", "secrets <= 3", "35 >= 3", "1 < secret < 3"])
def test_column_that_is_not_there_or_would_tell_the_answer_is_refused(where: str) -> None:
    with pytest.raises(DataError, match=r"is not allowed; allowed are .*Charlson>0.*, sensitive, secret$"):
        subgroup(TOY, where)


@pytest.mark.parametrize(("where", "whom"), [("secret < 0", "no row"), ("secret >= 0", "every row")])
def test_condition_that_does_not_divide_is_refused(where: str, whom: str) -> None:
    with pytest.raises(DataError, match=f"selects {whom}; secret is 0 to 39 here, and a part of the 40"):
        subgroup(TOY, where)


def test_two_columns_that_differ_in_blanks_alone_cannot_be_named() -> None:
    with pytest.raises(DataError, match="column 'a' is not allowed"):
        subgroup(toy(("a", "a ")), "a <= 0")


def test_default_of_compas_is_the_authors_subgroup() -> None:
    assert default_subgroup("compas") == default_subgroup("compas-two-year") == "age <= 35"
    dataset = load_dataset("compas-two-year")
    young = subgroup(dataset, "age <= 35")
    assert young.tolist() == (dataset.table.frame["age"] <= 35).tolist()


def test_a_users_own_table_has_no_default() -> None:
    assert default_subgroup("cases") is None
