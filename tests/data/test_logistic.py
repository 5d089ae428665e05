import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from study.data.logistic import RIDGE, auc, fit_logistic

SCORES = st.lists(st.tuples(st.integers(-3, 3), st.booleans()), max_size=30)


def test_weights_are_those_of_scikit_learn() -> None:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(300, 4))
    target = generator.random(300) < 1 / (1 + np.exp(-(x @ [1.0, -2.0, 0.5, 0.0] + 0.3)))
    inputs = np.column_stack([x, np.ones(300)])
    model = LogisticRegression(C=1 / (RIDGE * 300), fit_intercept=False, tol=1e-10).fit(inputs, target)
    np.testing.assert_allclose(fit_logistic(x, target), model.coef_[0], atol=2e-3)


def test_separable_and_constant_columns_give_finite_weights() -> None:
    x = np.column_stack([np.arange(20) - 9.5, np.zeros(20)])
    weights = fit_logistic(x, np.arange(20) > 9)
    assert np.isfinite(weights).all()
    assert weights[1] == 0
    assert auc(x @ weights[:-1], np.arange(20) > 9) == 1


@given(SCORES)
def test_auc_counts_pairs(rows: list[tuple[int, bool]]) -> None:
    ones = [score for score, positive in rows if positive]
    zeros = [score for score, positive in rows if not positive]
    found = auc(np.array([s for s, _ in rows], dtype=float), np.array([p for _, p in rows], dtype=bool))
    if not ones or not zeros:
        assert np.isnan(found)
    else:
        won = sum((one > zero) + 0.5 * (one == zero) for one in ones for zero in zeros)
        assert found == pytest.approx(won / (len(ones) * len(zeros)))
