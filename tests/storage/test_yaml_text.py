"""YAML as people write it: numbers in scientific notation, and words that only look like them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.storage.yaml_text import dump_yaml, parse_yaml


@pytest.mark.parametrize(
    ("text", "number"),
    [("1e-3", 0.001), ("1E3", 1000.0), (".5e2", 50.0), ("5.e+2", 500.0), ("-1e2", -100.0), ("1.5e3", 1500)],
)
def test_scientific_notation_is_a_number(text: str, number: float) -> None:
    assert parse_yaml(f"x: {text}", "here") == {"x": number}


def test_text_that_only_looks_like_a_number_in_part_stays_text() -> None:
    assert parse_yaml("x: [1e, e3, 1e3x, '1e3']", "here") == {"x": ["1e", "e3", "1e3x", "1e3"]}


@pytest.mark.parametrize("text", ["2020-01-01", "2020-01-01 10:00:00", "2020-01-01T10:00:00Z"])
def test_date_stays_text(text: str) -> None:
    assert parse_yaml(f"x: {text}", "here") == {"x": text}
    assert parse_yaml(dump_yaml({"x": text}), "here") == {"x": text}


@given(st.dictionaries(st.text("ae1.-+: ", max_size=6), st.text("e1.-+ ~", max_size=6) | st.floats()))
def test_what_is_written_is_read_back(data: dict[str, object]) -> None:
    assert str(parse_yaml(dump_yaml(data), "here")) == str(data)
