import numpy as np
import pandas as pd
import pytest

from study.results.wording import duration, listed, moment, share, signed, space, whole_numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("2026-11-23T18:55:14+00:00", "2026-11-23 18:55:14"),
        ("2026-11-23T18:55:14.987654", "2026-11-23 18:55:14"),
        (pd.Timestamp("2026-11-23 01:00", tz="Europe/Berlin"), "2026-11-23 00:00:00"),
        (np.datetime64("2026-11-23T18:55:14.9"), "2026-11-23 18:55:14"),
        (None, "–"),
        (pd.NaT, "–"),
        ("yesterday evening", "yesterday evening"),
    ],
)
def test_moments_are_in_utc_to_the_second(value: object, text: str) -> None:
    assert moment(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0 %"), (0.001, "less than 1 %"), (0.123, "12 %"), (0.999, "more than 99 %"), (1.0, "100 %")],
)
def test_a_share_is_never_rounded_to_none_or_all(value: float, text: str) -> None:
    assert share(value) == text


def test_differences_have_a_sign_unless_they_vanish() -> None:
    assert [signed(2)(value) for value in (0.126, -0.126, 0.001, -0.001)] == [
        "+0.13",
        "−0.13",
        "0.00",
        "0.00",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        ([], "–"),
        (["a", None], "a, –"),
        ({"batch_size": 64, "on": True}, "batch size 64, on yes"),
        (0.003, "0.003"),
    ],
)
def test_nothing_is_listed_as_python_writes_it(value: object, text: str) -> None:
    assert listed(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([0, 1, 2, 3, 4], "0 to 4"),
        ([0, 1], "0, 1"),
        ([7, 3, 5], "7, 3, 5"),
        (list(range(0, 100, 2)), "50 values, 0 to 98"),
        (5, "5"),
    ],
)
def test_seeds_in_a_row_are_a_range(value: object, text: str) -> None:
    assert whole_numbers(value) == text


def test_ranges_and_durations() -> None:
    assert space({"low": 0.1, "high": 30.0, "log": True}) == "0.1 to 30, log"
    assert [duration(s) for s in (45, 720, 12240)] == ["45 s", "12 min", "3.4 h"]
