"""The runs that a page offers for choosing: all of them, or of very many those worth showing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from study.results.fronts import pareto_by_group
from study.results.settings import GROUP

MOST: Final = 2500
RATES: Final = ["validation_fpr", "validation_fnr", "validation_di", "validation_idk_rate"]
"""What is no worse in all of these is so in error, balanced error and cost, which follow from them."""
# Over splits, the same rates are not the same errors.
BY: Final = [*GROUP, "split"]
# Metrics are rounded up to multiples of these, until few enough runs are left.
STEPS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)


@dataclass(frozen=True, eq=False)
class ShownRuns:
    """Runs to choose from.

    Attributes:
        frame: rows and columns of the ledger, in its order, with `degenerate` and `unstable` (bool).
        known: how many runs have metrics.
        step: 0 where the best run under any limits is among them; else, under limits that are multiples of
            it, one that is worse by less than this in any of the metrics is.
    """

    frame: pd.DataFrame
    known: int
    step: float


def shown_runs(runs: pd.DataFrame, named: Sequence[str] = (), most: int = MOST) -> ShownRuns:
    """All runs, where there are few enough; else those that can be the best under some limits, and others.

    Whatever is minimised under whatever upper limits on validation metrics, and whichever methods, models
    and decision-makers are allowed: the best is on the Pareto front over `RATES` of its own split, method,
    model and decision-maker. The room that is left goes to other runs, evenly spread over the ledger, so
    that the picture stays that of the study. Runs that are ``named`` by id are there in any case, next to
    ``most`` others. ``runs`` are as `Measures.marked` has them.
    """
    if len(runs) <= most:
        return ShownRuns(runs.reset_index(drop=True), len(runs), 0.0)
    # Of runs with equal metrics, the one that a choice takes comes first.
    runs = runs.sort_values(["setting_id", "seed"], kind="stable")
    points = runs[RATES].to_numpy(np.float64)
    # One that is no better than a constant decision does not take the place of one that is.
    rows = np.flatnonzero(~runs["degenerate"])
    step, rows = 0.0, rows[pareto_by_group(runs.iloc[rows], points[rows], BY)]
    for step_ in STEPS:
        if len(rows) <= most:
            break
        # Ceilings a hair below a multiple are that multiple.
        rows = rows[pareto_by_group(runs.iloc[rows], np.ceil(points[rows] / step_ - 1e-9), BY)]
        step = step_
    mask = runs["run_id"].isin(list(named)).to_numpy(copy=True)
    mask[rows] = True
    others = np.flatnonzero(~mask)
    room = max(0, most - int(mask.sum()))
    mask[others[np.linspace(0, len(others) - 1, min(room, len(others))).round().astype(int)]] = True
    return ShownRuns(runs[mask].sort_index(ignore_index=True), len(runs), step)
