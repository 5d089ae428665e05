"""A logistic regression in numpy, quick enough to look at a table before anything is trained."""

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

STEPS = 200
RIDGE = 1e-3


def fit_logistic(x: npt.NDArray[np.floating], target: npt.NDArray[np.floating]) -> Float64:
    """Return weights (F+1,), the last one the bias, that minimise the mean cross entropy and a small ridge.

    x: (N, F) standardised; target: (N,) from 0 to 1. Accelerated gradient descent with a fixed number
    of steps of 1/L, so that equal inputs give equal weights.
    """
    inputs = _with_bias(x)
    rows = max(len(inputs), 1)
    curvature = _largest_eigenvalue(inputs) / (4 * rows) + RIDGE
    weights = np.zeros(inputs.shape[1])
    ahead = weights.copy()
    for step in range(STEPS):
        gradient = inputs.T @ (_sigmoid(inputs @ ahead) - target) / rows + RIDGE * ahead
        following = ahead - gradient / curvature
        ahead = following + step / (step + 3) * (following - weights)
        weights = following
    return weights


def predict_logistic(weights: Float64, x: npt.NDArray[np.floating]) -> Float64:
    """Return probabilities (N,) under ``weights`` (F+1,) for x (N, F)."""
    return _sigmoid(_with_bias(x) @ weights)


def auc(score: npt.NDArray[np.floating], positive: npt.NDArray[np.bool_]) -> float:
    """Return how often a positive row (N,) scores above a negative one, ties half; NaN without a pair."""
    positives = int(positive.sum())
    pairs = positives * (len(positive) - positives)
    if not pairs:
        return float("nan")
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]
    return float((rank[positive].sum() - positives * (positives + 1) / 2) / pairs)


def _with_bias(x: npt.NDArray[np.floating]) -> Float64:
    return np.column_stack([x, np.ones(len(x))])


def _sigmoid(score: Float64) -> Float64:
    return np.asarray(0.5 * (1 + np.tanh(score / 2)))


def _largest_eigenvalue(inputs: Float64) -> float:
    """Bound that of inputs' inputs: some power steps, and a little more than they find."""
    vector = np.ones(inputs.shape[1]) / np.sqrt(inputs.shape[1])
    size = 1.0
    for _ in range(30):
        vector = inputs.T @ (inputs @ vector)
        size = float(np.linalg.norm(vector)) or 1.0
        vector /= size
    return 1.2 * size
