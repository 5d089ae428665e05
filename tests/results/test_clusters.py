"""Test cases that belong together: what they do to intervals, on worlds whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest

from study.results.group_metrics import resampled_cells, spreads
from study.results.intervals import Interval
from study.results.outcomes import Clusters, Outcomes


def about_people(rng: np.random.Generator, people: int, rows: int, error: float, within: float) -> Outcomes:
    """One run on so many rows of each person; of a person's rows a share ``within`` is decided alike."""
    number = np.repeat(np.arange(people), rows)
    label, sensitive = rng.random((2, people)) < 0.5
    alike = rng.random(len(number)) < within
    wrong = np.where(alike, rng.random(people)[number], rng.random(len(number))) < error
    nothing = np.zeros((1, len(number)), dtype=bool)
    label, sensitive = label[number], sensitive[number]
    return Outcomes(["r"], nothing, (label ^ wrong)[None], label, sensitive, {}, Clusters("person", number))


def interval(outcomes: Outcomes, metric: str = "error") -> Interval:
    found = spreads(outcomes, "none", resampled_cells(outcomes))[metric].test_set
    assert found is not None
    return found


def test_intervals_over_groups_cover_the_truth_and_those_over_rows_do_not() -> None:
    rng, true = np.random.default_rng(5), 0.3
    of_groups = of_rows = 0
    for _ in range(200):
        outcomes = about_people(rng, people=80, rows=10, error=true, within=0.8)
        low, high = interval(outcomes)
        of_groups += low <= true <= high
        low, high = interval(replace(outcomes, clusters=None))
        of_rows += low <= true <= high
    # 200 trials of probability 0.95: between 178 and 198 in all but one of a thousand; 80 groups are few.
    assert 178 <= of_groups <= 198
    assert of_rows < 150


def test_twenty_rows_of_a_defendant_are_no_twenty_defendants() -> None:
    """20,000 rows about 1,000 defendants once had an interval of a quarter of its width."""
    outcomes = about_people(np.random.default_rng(1), people=1000, rows=20, error=0.325, within=1.0)
    low, high = interval(outcomes)
    rows = interval(replace(outcomes, clusters=None))
    # The standard error of a share of 1,000 people, and of one of 20,000.
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(0.325 * 0.675 / 1000), rel=0.15)
    assert rows.high - rows.low == pytest.approx(2 * 1.96 * np.sqrt(0.325 * 0.675 / 20_000), rel=0.15)
    assert outcomes.units == "1,000 groups by person"
    assert replace(outcomes, clusters=None).units == "test cases"


def test_a_group_of_one_row_each_changes_nothing() -> None:
    outcomes = about_people(np.random.default_rng(2), people=150, rows=1, error=0.3, within=0.0)
    assert interval(outcomes, "di") == interval(replace(outcomes, clusters=None), "di")


def test_groups_must_be_of_the_same_cases() -> None:
    outcomes = about_people(np.random.default_rng(2), people=5, rows=2, error=0.3, within=0.0)
    with pytest.raises(ValueError, match=r"clusters must be \(10,\), got \(4,\)"):
        replace(outcomes, clusters=Clusters("person", np.arange(4)))
