"""Curves of a model: errors when other shares of cases are deferred, and whether its probabilities hold."""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from study.results.metrics import cost, odds_difference
from study.results.outcomes import CELLS, Outcomes

COVERAGES: Final = (0.8, 0.9)
"""Shares of cases that the model decides at which errors are quoted."""
BINS = 10


def risk_coverage(
    outcomes: Outcomes, run: int, benefit: npt.NDArray[np.float32], decision_maker: str
) -> pd.DataFrame:
    """Error, odds difference, cost and deferral rate of a run, at every coverage.

    Cases are deferred in the order of their benefit, of equal ones the first: none, one, ... all. A case
    that is not deferred gets the model's class, so the curve passes through the run's own error and
    deferral rate at as many cases as have a benefit above 0.

    Args:
        outcomes: of runs on N test cases, of which `run` is one by number.
        benefit: (N,), as `ResultsDirectory.read_benefits` yields it.
        decision_maker: whose decisions count, one of `outcomes.decisions`.

    Returns:
        N + 1 rows by ascending `idk_rate`, from the model alone to the decision-maker alone, float64:
        `coverage`, 1 - idk_rate; `error`, `di` (NaN where a cell is empty) and `cost`, whose mean is the
        ledger's `test_aurc`; `random_error`, the expected error where as many cases are deferred at random,
        a straight line; and `own`, bool, the row that is the run itself.
    """
    model = outcomes.positive[run] != outcomes.label
    person = outcomes.decisions[decision_maker] != outcomes.label
    order = np.argsort(-benefit, kind="stable")
    cell = 2 * outcomes.sensitive.astype(np.int8) + outcomes.label
    in_cell = cell == np.arange(CELLS)[:, None]
    gained = np.cumsum((person.astype(np.int64) - model)[order] * in_cell[:, order], axis=1)
    at_first = (model & in_cell).sum(axis=1)
    errors = at_first[:, None] + np.pad(gained, ((0, 0), (1, 0)))
    number = len(model)
    deferred = np.arange(number + 1)
    share, cases = deferred / number, in_cell.sum(axis=1, dtype=float)[:, None]
    return pd.DataFrame(
        {
            "idk_rate": share,
            "coverage": 1 - share,
            "error": errors.sum(axis=0) / number,
            "di": odds_difference(errors.astype(float), cases)["di"],
            "cost": cost(errors.astype(float), deferred[None].astype(float), cases, outcomes.costs),
            "random_error": model.mean() + share * (person.mean() - model.mean()),
            "own": deferred == (benefit > 0).sum(),
        }
    )


def at_coverage(curve: pd.DataFrame, coverage: float) -> "pd.Series[float]":
    """The row of a curve at which at least this share of the cases is left to the model."""
    deferred = int((1 - coverage) * (len(curve) - 1) + 1e-9)
    return curve.iloc[deferred]


def reliability(
    probability: npt.NDArray[np.floating], happened: npt.NDArray[np.bool_], bins: int = BINS
) -> pd.DataFrame:
    """Return how often something happened where it was given about some probability.

    Bins hold equally many cases, but for ties: their edges are quantiles of the probabilities,
    interpolated, and a probability on an edge is in the lower bin (scikit-learn's strategy "quantile").
    Empty bins are left out. Rows by ascending probability (N,): `mean`, of the probabilities of a bin;
    `share`, of its cases in which it ``happened`` (N,); `cases`, int64, how many these are.
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
    """Return the mean over cases of their bin's absolute gap of mean and share; NaN without cases."""
    gaps = (curve["mean"] - curve["share"]).abs() * curve["cases"]
    return float(gaps.sum() / curve["cases"].sum()) if len(curve) else float("nan")
