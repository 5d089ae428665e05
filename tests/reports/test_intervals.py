import math

import numpy as np
import pytest

from reports.intervals import percentile_interval, resampled_people, t_interval

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


def test_the_percentiles_leave_out_what_is_undefined() -> None:
    assert percentile_interval([*range(101), math.nan]) == pytest.approx((2.5, 97.5))
    assert percentile_interval([1.0, math.nan]) is None
    assert percentile_interval([math.nan]) is None


def test_resamples_are_multinomial_and_repeatable() -> None:
    drawn = resampled_people(np.random.default_rng(3), 50, 4000)
    assert drawn.shape == (4000, 50)
    assert (drawn.sum(axis=1) == 50).all()
    # Of a multinomial with equal probabilities 1/N: mean 1, variance 1 - 1/N.
    assert drawn.mean(axis=0) == pytest.approx(np.ones(50), abs=0.08)
    assert drawn.var() == pytest.approx(1 - 1 / 50, abs=0.02)
    again = resampled_people(np.random.default_rng(3), 50, 4000)
    assert np.array_equal(drawn, again)
