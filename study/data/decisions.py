"""What the people of a user's own table decided -> one decision-maker.

Two things are done to the raw columns, each so that a metric means what it says:

- Several people: each case's decision-maker is one of those who decided it, drawn by seed, or their
  majority (ties drawn).
- Hard decisions: the loss of deferring (Eq. 8) charges the cross entropy of the decision-maker's
  probability, which a 0 or 1 that is wrong makes infinite. So a hard decision counts with the confidence
  that the decision-maker earns on the training rows: 1 - e for what they recorded, e their share of errors.
  Metrics count decisions, and this leaves decisions as they are.

Where there is no decision, none is made up: see ``Dataset.measured`` and the losses.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from study.data.raw_values import Bool, Float32, Float64, Value, matches, numbers, shown, some, texts
from study.errors import DataError

LEAST_ERROR, MOST_ERROR = 1e-4, 0.49
_ZERO_ONE = {"0", "1"}
_DRAW = 1
"""A stream of random numbers, apart from the split's."""


@dataclass(frozen=True, eq=False)
class Decisions:
    """The decision-maker of a user's table.

    recorded: (N,) float64, the decision or probability as the table has it, NaN where there is no decision;
    hard: whether these are decisions; probability: (N,) float32, what training and metrics use, NaN where
    there is none.
    """

    recorded: Float64
    hard: bool
    probability: Float32

    @property
    def known(self) -> Bool:
        """Return where there is a decision: (N,)."""
        known: Bool = ~np.isnan(self.recorded)
        return known


def combine(
    frame: pd.DataFrame,
    names: Sequence[str],
    how: str | None,
    *,
    label: str,
    positive: Value | None,
    seed: int,
) -> tuple[Float64, bool]:
    """Return the decisions, (N,) with NaN where there is none, and whether these are hard decisions.

    Columns hold the ``label``'s two values, 0/1, booleans, or probabilities. They are read by the label's
    own coding where all of them allow it, so that someone who only ever gave one answer is no exception;
    else each column by itself. Raises DataError for other values.
    """
    outcomes = set(texts(frame[label]).dropna().unique())
    answers = [set(texts(frame[name]).dropna().unique()) for name in names]
    by_label = positive is not None and set().union(*answers) <= outcomes
    zero_one = all(levels <= _ZERO_ONE for levels in answers)
    each = []
    for name, levels in zip(names, answers, strict=True):
        coded = by_label or (positive is not None and not zero_one and levels <= outcomes)
        each.append(_one(frame[name], levels, outcomes, positive if coded else None))
    recorded = np.column_stack([column for column, _ in each])
    hard = all(is_hard for _, is_hard in each)
    if len(names) == 1:
        return recorded[:, 0], hard
    drawn = np.random.default_rng([seed, _DRAW]).random(len(recorded))
    known = ~np.isnan(recorded)
    count = known.sum(axis=1)
    if how == "majority":
        ones = (recorded >= 0.5).sum(axis=1)
        majority = np.where(2 * ones == count, drawn < 0.5, 2 * ones > count)
        return np.where(count > 0, majority, np.nan), True
    # The k-th of those who decided, k drawn evenly.
    wanted = np.minimum((drawn * count).astype(np.int64), count - 1)
    chosen = np.argmax((known.cumsum(axis=1) == wanted[:, None] + 1) & known, axis=1)
    return np.where(count > 0, recorded[np.arange(len(recorded)), chosen], np.nan), hard


def with_confidence(recorded: Float64, hard: bool, label: Bool, training: Bool) -> Decisions:
    """Give hard decisions the confidence that they earn; see the top of this file.

    recorded: (N,), NaN where there is none; label: (N,); training: (N,), the rows that are judged by.
    """
    probability = recorded
    if hard:
        judged = training & ~np.isnan(recorded)
        wrong = float(np.mean((recorded[judged] >= 0.5) != label[judged])) if judged.any() else 0.0
        error = float(np.clip(wrong, LEAST_ERROR, MOST_ERROR))
        of_decision = np.where(recorded >= 0.5, 1 - error, error)
        probability = np.where(np.isnan(recorded), np.nan, of_decision)
    return Decisions(recorded, hard, probability.astype(np.float32))


def _one(
    values: "pd.Series[Any]", levels: set[str], outcomes: set[str], positive: Value | None
) -> tuple[Float64, bool]:
    """Return one person's column as numbers with NaN, and whether they are decisions.

    levels: the column's values; by the label's coding, with 1 for ``positive``, unless that is None.
    """
    name = f"column {shown(str(values.name))}"
    if not levels:
        raise DataError(f"{name}: is empty; it must hold decisions or probabilities, in some rows at least")
    missing = values.isna().to_numpy()
    if positive is not None:
        return np.where(missing, np.nan, matches(texts(values), positive)), True
    if levels <= _ZERO_ONE or levels <= {"false", "true"}:
        return np.where(missing, np.nan, texts(values).isin(("1", "true")).to_numpy()), True
    two = f" or the label's {some(outcomes)}" if not outcomes <= _ZERO_ONE else ""
    allowed = f"must hold 0 and 1, booleans, probabilities{two}"
    try:
        number = numbers(values)
    except DataError:
        raise DataError(f"{name}: {allowed}, got {some(levels)}") from None
    if not ((number >= 0) & (number <= 1) | missing).all():
        raise DataError(f"{name}: {allowed}, got {np.nanmin(number):g} to {np.nanmax(number):g}")
    return number, False
