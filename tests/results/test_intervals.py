import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.results.intervals import (
    correlation_interval,
    percentile_interval,
    resampled_examples,
    resampled_t_interval,
    t_interval,
)

# Student's t at 0.975, from a table.
T = {2: 12.706, 3: 4.303, 5: 2.776, 10: 2.262}


@pytest.mark.parametrize("n", sorted(T))
def test_the_interval_over_seeds_is_students(n: int) -> None:
    values = np.random.default_rng(n).normal(3, 2, n)
    mean = sum(values) / n
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / (n - 1))
    half = T[n] * deviation / math.sqrt(n)
    found = t_interval([*values, math.nan])
    assert found is not None
    assert (found.low + found.high) / 2 == pytest.approx(mean)
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=1e-3)


def test_students_interval_covers_as_often_as_it_says() -> None:
    draws = np.random.default_rng(0).normal(1.0, 1.0, (2000, 5))
    intervals = [t_interval(row) for row in draws]
    covered = sum(i is not None and i.low <= 1.0 <= i.high for i in intervals)
    assert 0.935 < covered / 2000 < 0.965


def test_one_seed_has_no_interval_and_equal_ones_have_no_width() -> None:
    assert t_interval([0.3]) is None
    assert t_interval([]) is None
    assert t_interval([0.25, 0.25]) == (0.25, 0.25)


def test_the_interval_of_correlations_is_students_on_fishers_scale() -> None:
    """By hand: the odds (1 + r) / (1 - r) are exp(2 z), and dz/dr is taken as a difference quotient."""
    values = [-1.0, -0.9, -0.75, -0.95]
    mean = sum(values) / 4
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / 3)
    step = 1e-6
    slope = (math.log((1 + mean + step) / (1 - mean - step)) - math.log((1 + mean) / (1 - mean))) / 2 / step
    wide = 3.182446 * deviation / 2 * slope  # Student's t(0.975, 3), from a table.
    ends = [(1 + mean) / (1 - mean) * math.exp(2 * sign * wide) for sign in (-1, 1)]
    found = correlation_interval([*values, math.nan])
    assert found == pytest.approx([(odds - 1) / (odds + 1) for odds in ends], abs=1e-5)


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=10))
def test_the_interval_of_correlations_has_their_mean_and_no_impossible_ones(values: list[float]) -> None:
    found = correlation_interval(values)
    assert found is not None
    mean = sum(values) / len(values)
    assert -1 <= found.low <= mean + 1e-9
    assert mean - 1e-9 <= found.high <= 1


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_the_interval_of_correlations_covers_better_than_students_where_they_are_strong(
    seeds: int,
) -> None:
    """Correlations from -1 to 1 with mean -7/9, as many as there are seeds."""
    draws = 1 - 2 * np.random.default_rng(0).beta(8, 1, (2000, seeds))
    covered = {
        interval: np.mean([ends.low <= -7 / 9 <= ends.high for ends in map(interval, draws) if ends])
        for interval in (correlation_interval, t_interval)
    }
    assert 0.92 < covered[correlation_interval] < 0.97
    assert covered[correlation_interval] > covered[t_interval]


def test_equal_correlations_have_no_width_and_one_has_no_interval() -> None:
    assert correlation_interval([-1.0, -1.0]) == (-1.0, -1.0)
    assert correlation_interval([0.5, 0.5, math.nan]) == (0.5, 0.5)
    assert correlation_interval([-1.0]) is None
    almost = correlation_interval([1.0, math.nextafter(1.0, 0.0), math.nextafter(1.0, 2.0)])
    assert almost == pytest.approx((1.0, 1.0))
    assert max(almost or ()) <= 1


def test_the_percentiles_leave_out_what_is_undefined() -> None:
    assert percentile_interval([*range(101), math.nan]) == pytest.approx((2.5, 97.5))
    assert percentile_interval([1.0, math.nan]) is None
    assert percentile_interval([math.nan]) is None


def test_resamples_of_clusters_draw_whole_clusters() -> None:
    cluster = np.array([0, 2, 1, 0, 2, 2])
    drawn = resampled_examples(np.random.default_rng(3), 6, 4000, cluster)
    by_cluster = resampled_examples(np.random.default_rng(3), 3, 4000)
    assert np.array_equal(drawn, by_cluster[:, cluster])
    assert (drawn[:, [0, 1, 2]].sum(axis=1) == 3).all()


def test_resamples_are_multinomial_and_repeatable() -> None:
    drawn = resampled_examples(np.random.default_rng(3), 50, 4000)
    assert drawn.shape == (4000, 50)
    assert (drawn.sum(axis=1) == 50).all()
    # Of a multinomial with equal probabilities 1/N: mean 1, variance 1 - 1/N.
    assert drawn.mean(axis=0) == pytest.approx(np.ones(50), abs=0.08)
    assert drawn.var() == pytest.approx(1 - 1 / 50, abs=0.02)
    again = resampled_examples(np.random.default_rng(3), 50, 4000)
    assert np.array_equal(drawn, again)


def test_corrected_interval_over_splits_covers_the_expected_error_and_students_does_not() -> None:
    """A nearest-mean classifier on 200 rows split ten times; the truth is its expected error."""
    rng, rows, splits = np.random.default_rng(8), 200, 10

    def errors(x: np.ndarray, y: np.ndarray) -> list[float]:
        found = []
        for _ in range(splits):
            order = rng.permutation(len(y))
            train, test = order[: int(0.56 * rows)], order[-int(0.3 * rows) :]
            means = [x[train][y[train] == label].mean(axis=0) for label in (0, 1)]
            distance = [((x[test] - mean) ** 2).sum(axis=1) for mean in means]
            found.append(float(np.mean((distance[1] < distance[0]) != y[test])))
        return found

    tables = []
    for _ in range(400):
        y = rng.integers(0, 2, rows)
        tables.append(errors(rng.normal(size=(rows, 4)) + 0.35 * y[:, None], y))
    truth = np.mean(tables)
    covered = {
        interval: np.mean([low <= truth <= high for low, high in map(interval, tables)])  # type: ignore[misc]
        for interval in (resampled_t_interval, t_interval)
    }
    assert 0.92 <= covered[resampled_t_interval] <= 1
    assert covered[t_interval] < 0.8


def test_corrected_interval_is_wider_by_the_factor_of_nadeau_and_bengio() -> None:
    values = [0.30, 0.34, 0.28, 0.36, np.nan]
    low, high = resampled_t_interval(values) or (0, 0)
    half = 3.182446 * np.std(values[:4], ddof=1) * math.sqrt(1 / 4 + 0.3 / 0.56)
    assert (low, high) == pytest.approx((0.32 - half, 0.32 + half), abs=1e-6)
    assert resampled_t_interval([0.3]) is None
