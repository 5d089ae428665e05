"""Reliability curves against scikit-learn's, and expected calibration errors against a loop."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from study.results.curves import calibration_error, reliability


@given(
    st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=80),
    st.integers(2, 12),
)
def test_curve_is_that_of_scikit_learn(cases: list[tuple[int, bool]], bins: int) -> None:
    probability, happened = np.array([p / 20 for p, _ in cases]), np.array([h for _, h in cases])
    curve = reliability(probability, happened, bins)
    share, mean = calibration_curve(happened, probability, n_bins=bins, strategy="quantile", pos_label=True)
    np.testing.assert_allclose(curve["mean"], mean, atol=1e-12)
    np.testing.assert_allclose(curve["share"], share, atol=1e-12)
    assert curve["cases"].sum() == len(cases)


def test_bins_of_distinct_probabilities_hold_equally_many_cases() -> None:
    probability = np.random.default_rng(1).random(1003)
    curve = reliability(probability, probability > 0.5)
    assert len(curve) == 10
    assert set(curve["cases"]) <= {100, 101}


def test_calibration_error_is_the_mean_distance_over_cases() -> None:
    rng = np.random.default_rng(2)
    probability = rng.random(20_000)
    happened = rng.random(20_000) < probability
    assert calibration_error(reliability(probability, happened)) < 0.01
    for shift in (0.1, 0.25):
        far = reliability(probability * (1 - shift), happened)
        assert calibration_error(far) == pytest.approx(shift * happened.mean(), abs=0.01)
    curve = reliability(probability[:7], happened[:7], 3)
    plain = sum(
        abs(r.mean - r.share) * r.cases for r in curve.rename(columns={"mean": "mean"}).itertuples()
    )
    assert calibration_error(curve) == pytest.approx(plain / 7)
    assert np.isnan(calibration_error(reliability(np.zeros(0), np.zeros(0, bool))))
