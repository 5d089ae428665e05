"""How much better a choice looks on validation than it is: the optimism of choosing among many runs."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from study.results.group_metrics import resampled_cells
from study.results.limits import NAMES, Question
from study.results.metrics import Values, joint_metrics
from study.results.outcomes import OutcomeReader, decision_makers_wrong, outcomes_of
from study.words import cell_columns

RIVALS: Final = 100
"""How many runs, those nearest to being chosen, are looked at: others hardly ever are in a resample."""


def optimism(candidates: pd.DataFrame, question: Question, read: OutcomeReader) -> Mapping[str, float]:
    """Return by how much each metric is expected to be worse on new cases than on validation.

    The bootstrap's estimate: in each resample the choice is made anew, and what it then looks like is
    compared with what it looked like at first. Validation decisions are not kept, so the resamples are
    those of the test cases, the same for all runs: runs that err on the same cases move together, which
    resampling the counts of each would miss. A resample moves the validation metrics by as much as it moves
    those on test, times the root of the ratio of test to validation cases. Where runs are nearly alike the
    estimate is too small, by up to 30 %, since chance has spread the metrics that it starts from.

    Args:
        candidates: runs that were chosen from, rows of the ledger.
        question: what was asked.
        read: reads the outcomes of the `RIVALS` runs that come nearest to being chosen.

    Returns:
        By column of `NAMES`, the mean over the resamples; above 0 where the metric looks better than it is.
        Empty where there was nothing to choose from. NaN where a metric is undefined.

    Raises:
        MissingOutcomesError: outcomes are missing.
    """
    known = candidates.dropna(subset=[f"validation_{name}" for name in {question.minimise, "error"}])
    values = {name: known[f"validation_{name}"].to_numpy(np.float64) for name in NAMES}
    near = values[question.minimise] + sum(question.excess(values).values(), start=np.zeros(len(known)))
    rows = np.argsort(near, kind="stable")[:RIVALS]
    if len(rows) < 2:
        return {}
    rivals = known.iloc[rows]
    moved = _deviations(rivals, read)
    at_first = {name: values[name][rows, None] for name in NAMES}
    resampled = {name: at_first[name] + moved[name] for name in NAMES}
    over = question.excess(resampled)
    excess = sum(over.values(), start=np.zeros_like(resampled["error"]))
    least = np.nanmin(excess, axis=0)
    ranked = np.where(excess <= least, resampled[question.minimise], np.inf)
    defined = np.flatnonzero(~np.isnan(ranked).all(axis=0))
    chosen = np.nanargmin(ranked[:, defined], axis=0)
    drop = {name: -moved[name][chosen, defined] for name in NAMES}
    return {name: float(np.mean(of[~np.isnan(of)])) if len(of) else np.nan for name, of in drop.items()}


def _deviations(rivals: pd.DataFrame, read: OutcomeReader) -> dict[str, Values]:
    """Return by how much resamples of so many cases as validation has move each metric, (R, B)."""
    outcomes = outcomes_of(read, rivals)
    cells = resampled_cells(outcomes)
    wrong, code = decision_makers_wrong(outcomes, rivals["test_decision_maker"].tolist())
    joint = np.where(outcomes.deferred, wrong[code], outcomes.positive != outcomes.label)
    errors, deferred = (cells.count(of).astype(np.float64) for of in (joint, outcomes.deferred))
    examples = cells.examples[:, None].astype(np.float64)
    found = joint_metrics(errors, deferred, examples, outcomes.costs)
    cases = rivals[cell_columns("validation")[:4]].to_numpy(np.float64).sum(axis=1)
    scale = np.sqrt(len(outcomes.label) / cases)[:, None]
    return {name: scale * _centred(found[name][:, 1:]) for name in NAMES}


def _centred(values: Values) -> Values:
    """Return values (R, B) less the mean of each row, NaN left out.

    A mean of absolute differences is larger on a resample, whatever was chosen: that is no optimism.
    """
    known = ~np.isnan(values)
    mean = np.where(known, values, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return np.asarray(values - mean[:, None])
