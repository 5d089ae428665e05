"""Learn then Test: exact p-values, fixed-sequence testing, and how often certificates are false."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from study.errors import UserError
from study.results.guarantee.bounds import (
    LIMITED,
    CellCounts,
    Limit,
    certified,
    largest_p_value,
    odds_difference_bound,
    p_value,
    parse_limit,
    upper_bound,
)

CellCounts.__test__ = False  # type: ignore[attr-defined]


def counts(cases: list[int], deferred: list[int], wrong: list[int]) -> CellCounts:
    return CellCounts(*(np.array(cells, dtype=np.int64) for cells in (cases, deferred, wrong)))


SEEN = counts([400, 300, 200, 100], [100, 60, 50, 20], [80, 75, 50, 30])
BY_HAND = {
    "error": (235, 1000),
    "idk": (230, 1000),
    "fpr": (130, 600),
    "fnr": (105, 400),
    "error_a0": (155, 700),
    "error_a1": (80, 300),
    "idk_a0": (160, 700),
    "idk_a1": (70, 300),
}


@pytest.mark.parametrize("metric", BY_HAND)
@pytest.mark.parametrize("at_most", [0.05, 0.2, 0.24, 0.3, 0.9])
def test_p_value_of_a_rate_is_that_of_scipys_exact_test(metric: str, at_most: float) -> None:
    expected = binomtest(*BY_HAND[metric], at_most, alternative="less").pvalue
    assert p_value(SEEN, Limit(metric, at_most)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("metric", BY_HAND)
def test_bound_of_a_rate_is_scipys_and_passes_exactly_where_the_test_does(metric: str) -> None:
    interval = binomtest(*BY_HAND[metric], 0.5, alternative="less").proportion_ci(0.9, method="exact")
    bound = upper_bound(SEEN, metric, 0.1)
    assert bound == pytest.approx(interval.high, rel=1e-9)
    assert p_value(SEEN, Limit(metric, bound + 1e-9)) <= 0.1 < p_value(SEEN, Limit(metric, bound - 1e-9))


@pytest.mark.parametrize(("cases", "most"), [(2164, 0.287), (1000, 0.280), (300, 0.263)])
def test_published_examples_of_what_a_limit_of_30_percent_lets_pass(cases: int, most: float) -> None:
    wrong = max(
        k for k in range(cases) if p_value(counts([cases, 0, 0, 0], [0] * 4, [k, 0, 0, 0]), LIMIT) <= 0.1
    )
    assert wrong / cases == pytest.approx(most, abs=0.001)


LIMIT = Limit("error", 0.3)


def test_without_a_case_nothing_is_certified() -> None:
    nothing = counts([5, 0, 5, 0], [0] * 4, [0] * 4)
    assert p_value(nothing, Limit("fnr", 0.9)) == 1
    assert upper_bound(nothing, "fnr", 0.1) == 1
    assert p_value(nothing, Limit("di", 0.4)) == 1


def test_odds_difference_is_bounded_by_every_corner_of_the_cells_intervals() -> None:
    ends = [
        binomtest(int(k), int(n), 0.5).proportion_ci(1 - 0.1 / 4, method="exact")
        for k, n in zip(SEEN.wrong, SEEN.cases, strict=True)
    ]
    corners = product(*((end.low, end.high) for end in ends))
    expected = max((abs(r[0] - r[2]) + abs(r[1] - r[3])) / 2 for r in corners)
    assert odds_difference_bound(SEEN, 0.1) == pytest.approx(expected, rel=1e-9)


def test_p_value_of_the_odds_difference_inverts_its_bound() -> None:
    for delta in (0.01, 0.1, 0.4):
        bound = odds_difference_bound(SEEN, delta)
        assert p_value(SEEN, Limit("di", bound)) == pytest.approx(delta, rel=1e-5)
    assert p_value(SEEN, Limit("di", 0.01)) == 1


@given(st.lists(st.floats(0, 1), max_size=12), st.floats(0.01, 0.5))
def test_testing_stops_at_the_first_that_fails(p_values: list[float], delta: float) -> None:
    number = certified(p_values, delta)
    assert all(p <= delta for p in p_values[:number])
    assert number == len(p_values) or p_values[number] > delta


def test_several_limits_are_as_hard_as_the_hardest() -> None:
    limits = [Limit("error", 0.3), Limit("fnr", 0.35), Limit("di", 0.3)]
    assert largest_p_value(SEEN, limits) == max(p_value(SEEN, limit) for limit in limits)


def simulated_p_values(rng: np.random.Generator, true: float, candidates: int, cases: int) -> np.ndarray:
    """p-values of the limit 0.3 of candidates that share their test cases, each wrong with ``true``."""
    easy = rng.random((cases, 1)) < 0.5
    wrong = rng.random((cases, candidates)) < np.where(easy, true - 0.2, true + 0.2)
    cells = [cases, 0, 0, 0]
    return np.array([p_value(counts(cells, [0] * 4, [int(k), 0, 0, 0]), LIMIT) for k in wrong.sum(axis=0)])


def test_false_certificates_are_no_more_frequent_than_delta() -> None:
    rng, delta, trials = np.random.default_rng(4), 0.1, 600
    false = sum(certified(list(simulated_p_values(rng, 0.305, 30, 400)), delta) > 0 for _ in range(trials))
    assert false / trials <= delta + 3 * np.sqrt(delta * (1 - delta) / trials)


def test_ordering_by_the_rows_that_are_tested_breaks_the_guarantee() -> None:
    rng, delta, trials = np.random.default_rng(4), 0.1, 200
    false = sum(
        certified(sorted(simulated_p_values(rng, 0.305, 30, 400)), delta) > 0 for _ in range(trials)
    )
    assert false / trials > 3 * delta


def test_odds_difference_is_falsely_certified_no_more_often_than_delta() -> None:
    rng, delta, trials = np.random.default_rng(5), 0.1, 600
    cases, rates = np.array([300, 200, 150, 100]), np.array([0.2, 0.3, 0.35, 0.45])
    limit = Limit("di", 0.149)
    seen = (CellCounts(cases, 0 * cases, rng.binomial(cases, rates)) for _ in range(trials))
    assert sum(p_value(one, limit) <= delta for one in seen) / trials <= delta


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("error<=0.30", Limit("error", 0.3)),
        (" fnr <= 20% ", Limit("fnr", 0.2)),
        ("di<=.1", Limit("di", 0.1)),
    ],
)
def test_limits_are_read_as_people_write_them(text: str, expected: Limit) -> None:
    assert parse_limit(text) == expected
    assert parse_limit(str(expected)) == expected


@pytest.mark.parametrize(
    "text",
    ["", "error", "error<0.3", "error<=", "error<=0", "error<=1", "accuracy<=0.3", "di<=1.2.3", "di<=."],
)
def test_what_is_no_limit_is_refused_naming_what_is_allowed(text: str) -> None:
    with pytest.raises(UserError, match="METRIC<=NUMBER") as refused:
        parse_limit(text)
    assert all(metric in str(refused.value) for metric in LIMITED)
