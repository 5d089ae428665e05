"""From raw rows to what a model sees: learned on training rows, frozen, stored with a trained model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from study.data.columns import Column, encode
from study.data.group import Group
from study.data.raw_values import (
    Bool,
    Float32,
    Float64,
    as_trained,
    column_of,
    numbers,
    refuse_missing,
    refuse_unseen,
    shown,
)
from study.errors import DataError


@dataclass(frozen=True)
class Given:
    """The column in which a model that the user has already says the probability of 1.

    odds: what a wrong 0 costs, in wrong 1s. Where it is not 1, a model decides by p with its odds times
    this, which is above one half exactly where deciding 1 costs less.
    """

    column: str
    odds: float = 1.0

    def of(self, frame: pd.DataFrame) -> Float64:
        """Return the probabilities (N,); raises DataError for a missing column or value, and no such."""
        values = column_of(frame, self.column)
        refuse_missing(values)
        given = numbers(values)
        wrong = (given < 0) | (given > 1)
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise DataError(
                f"column {shown(self.column)}: {given[row]:g} in row {row + 1:,} is not a probability; the "
                "scores of a given model must be probabilities of 1, from 0 to 1: map another scale onto "
                "them first"
            )
        return given

    def input(self, given: Float64) -> Float32:
        """Return what a model gets for probabilities (N,); their class stays what it is."""
        priced = given if self.odds == 1 else self.odds * given / (self.odds * given + (1 - given))
        rounded = priced.astype(np.float32)
        below = np.nextafter(np.float32(0.5), np.float32(0))
        return np.where((priced < 0.5) & (rounded >= 0.5), below, rounded)

    def probability(self, p: Float64 | float) -> Any:
        """Return the probabilities for which a model got p, of any shape, up to rounding."""
        return p if self.odds == 1 else p / (p + self.odds * (1 - p))


@dataclass(frozen=True)
class Preprocessing:
    """Turns a raw table into a model's inputs, with exactly the values used in training.

    mean, factor: one for each encoded input: (value - mean) * factor is standardised. given: for a given
    model, whose p is the first input and is not standardised.
    """

    columns: tuple[Column, ...]
    group: Group
    mean: tuple[float, ...]
    factor: tuple[float, ...]
    given: Given | None = None

    @staticmethod
    def learned(
        columns: tuple[Column, ...], group: Group, encoded: Float64, training: Bool
    ) -> "Preprocessing":
        """Standardise by the ``training`` rows (N,) of what ``columns`` make of raw rows, (N, K)."""
        mean, factor = scaling(encoded, training)
        return Preprocessing(columns, group, tuple(mean.tolist()), tuple(factor.tolist()))

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the F + 1 inputs, the last one ``sensitive``; a given model's p is one more."""
        own = (name for column in self.columns for name in column.inputs)
        return (*((self.given.column,) if self.given else ()), *own, "sensitive")

    def refuse_unseen(self, frame: pd.DataFrame) -> None:
        """Raise DataError for a value that training never had, in a category or the sensitive column.

        Levels that are not listed singly count as "other".
        """
        for column in self.columns:
            if column.kind == "category" and not column.other:
                text = as_trained(column_of(frame, column.name), column.kind, column.levels)
                empty = ", or an empty cell, which counts as none of them"
                refuse_unseen(text, column.name, column.levels, "in no training row", empty)
        self.group.refuse_unseen(frame)

    def transform(self, frame: pd.DataFrame) -> Float32:
        """Return the inputs (N, F+1) of raw rows: F standardised, then A as 0/1; other columns are ignored.

        A given model's p comes first. Raises DataError for a column that is not there, text where a number
        was, a missing A, what is no probability, and values as ``standardise`` does.
        """
        scaled = self.standardise(encode(frame, self.columns))
        inputs = np.column_stack([scaled, self.group.of(frame)]).astype(np.float32)
        return inputs if self.given is None else with_given(self.given.input(self.given.of(frame)), inputs)

    def standardise(self, encoded: Float64) -> Float64:
        """Return encoded columns (N, K) standardised; raises DataError as the function ``standardise``."""
        names = [name for column in self.columns for name in column.inputs]
        return standardise(encoded, np.array(self.mean), np.array(self.factor), names)


def with_given(p: Float32, inputs: Float32) -> Float32:
    """Return inputs (N, F) with a given model's p (N,) in front."""
    return np.column_stack([p, inputs])


def scaling(values: Float64, training: Bool) -> tuple[Float64, Float64]:
    """Mean and factor, each (K,), such that (values - mean) * factor is standardised.

    values: (N, K); training: (N,), the rows that count. The standard deviation is the population's
    (divided by n). A column that is constant on those rows gets factor 0: it becomes 0 everywhere.
    """
    seen = values[training]
    # What overflows here is refused by ``standardise``.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        mean = seen.mean(axis=0)
        # By its range: rounding gives the standard deviation of a constant column as 1e-17, not as 0.
        varies = seen.max(axis=0) > seen.min(axis=0)
        deviation = np.where(varies, seen.std(axis=0), 1.0)
        factor = np.where(varies, 1.0 / deviation, 0.0)
    return mean, np.where(np.isfinite(deviation), factor, np.nan)


def standardise(values: Float64, mean: Float64, factor: Float64, names: Sequence[str]) -> Float64:
    """Return (values - mean) * factor; DataError names a column that leaves the range of float32."""
    with np.errstate(over="ignore", invalid="ignore"):
        scaled: Float64 = (values - mean) * factor
    usable = (np.abs(scaled) <= np.finfo(np.float32).max).all(axis=0)  # NaN compares as False.
    if not usable.all():
        name = names[int(np.flatnonzero(~usable)[0])]
        raise DataError(f"column {shown(name)}: a value is too large, or too far from the others")
    return scaled
