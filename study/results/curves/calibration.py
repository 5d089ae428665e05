"""Whether probabilities mean what they say: reliability curves, and how far they are from the diagonal."""

import numpy as np
import numpy.typing as npt
import pandas as pd

BINS = 10


def reliability(
    probability: npt.NDArray[np.floating], happened: npt.NDArray[np.bool_], bins: int = BINS
) -> pd.DataFrame:
    """Return how often something happened where it was given about some probability.

    Bins hold equally many cases, but for ties: their edges are quantiles of the probabilities,
    interpolated, and a probability on an edge is in the lower bin (scikit-learn's strategy "quantile").

    Args:
        probability: (N,), in [0, 1].
        happened: (N,).
        bins: how many at most; empty ones are left out.

    Returns:
        Rows by ascending probability: `mean`, of the probabilities of a bin; `share`, of its cases in which
        it happened; `cases`, int64, how many these are.
    """
    if not len(probability):
        return pd.DataFrame({"mean": [], "share": [], "cases": np.zeros(0, np.int64)})
    edges = np.percentile(probability, np.linspace(0, 1, bins + 1) * 100)[1:-1]
    number = np.searchsorted(edges, probability)
    cases = np.bincount(number, minlength=bins)
    totals = (np.bincount(number, weights=of, minlength=bins) for of in (probability, happened))
    mean, share = (total[cases > 0] / cases[cases > 0] for total in totals)
    return pd.DataFrame({"mean": mean, "share": share, "cases": cases[cases > 0]})


def calibration_error(curve: pd.DataFrame) -> float:
    """Return the expected calibration error of a reliability curve, NaN without cases.

    The mean over cases of the absolute difference between their bin's mean probability and share.
    """
    gaps = (curve["mean"] - curve["share"]).abs() * curve["cases"]
    return float(gaps.sum() / curve["cases"].sum()) if len(curve) else float("nan")
