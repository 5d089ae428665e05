"""A logistic regression, quick enough to look at a table before anything is trained."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit  # type: ignore[import-untyped]

from study.data.raw_values import Bool, Float64

RIDGE = 1e-3


def fit_logistic(x: npt.NDArray[np.floating], target: Bool) -> Float64:
    """Return weights (F+1,), the last one the bias, that minimise the mean cross entropy and a small ridge.

    x: (N, F) standardised; target: (N,). Equal inputs give equal weights.
    """
    # Imported where it is wanted: it takes as long as all else of scipy.
    from scipy.optimize import minimize  # type: ignore[import-untyped]

    inputs = np.column_stack([x, np.ones(len(x))])

    def loss(weights: Float64) -> tuple[float, Float64]:
        score = inputs @ weights
        gradient = inputs.T @ (expit(score) - target) / len(inputs) + RIDGE * weights
        cross_entropy = np.logaddexp(0, score) - target * score
        return float(cross_entropy.mean() + RIDGE / 2 * weights @ weights), gradient

    weights: Float64 = minimize(loss, np.zeros(inputs.shape[1]), jac=True, method="L-BFGS-B").x
    return weights


def auc(score: npt.NDArray[np.floating], positive: Bool) -> float:
    """Return how often a positive row (N,) scores above a negative one, ties half; NaN without a pair."""
    positives = int(positive.sum())
    pairs = positives * (len(positive) - positives)
    if not pairs:
        return float("nan")
    rank = pd.Series(score).rank().to_numpy()
    return float((rank[positive].sum() - positives * (positives + 1) / 2) / pairs)
