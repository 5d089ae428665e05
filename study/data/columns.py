"""How a raw column becomes inputs: learned on training rows, then frozen."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from study.data.raw_values import (
    Bool,
    Float64,
    Kind,
    as_trained,
    column_of,
    kind_of,
    numbers,
    shown,
    spoilt_numbers,
    texts,
)
from study.errors import DataError

MAX_LEVELS = 50
"""So many different values a category may have; of a column listed as a feature the most frequent stay."""
FEWEST_ROWS = 10
"""Of a column listed as a feature, values in fewer training rows are one together, "other": a network would
learn these rows by heart."""


@dataclass(frozen=True)
class Column:
    """How one raw column becomes inputs.

    A number stays one, its missing values the ``median`` of the training rows. A category becomes a 0/1
    column for each of its ``levels``; with ``other``, one more for every other value, else such a value is
    0 in all. With ``missing`` (values are missing in training rows) a 0/1 column says where.
    """

    name: str
    kind: Kind
    median: float = 0.0
    levels: tuple[str, ...] = ()
    other: bool = False
    missing: bool = False

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the columns it becomes: ``age``, ``sex=Male``, ``sex other``, ``sex missing``."""
        named = (self.name,) if self.kind == "number" else tuple(f"{self.name}={v}" for v in self.levels)
        more = ("other",) * self.other + ("missing",) * self.missing
        return named + tuple(f"{self.name} {word}" for word in more)

    def encode(self, values: "pd.Series[Any]") -> Float64:
        """Return ``values`` (N,) as (N, K), one column for each of ``inputs``; DataError as ``numbers``."""
        if self.kind == "number":
            number = numbers(values)
            absent = np.isnan(number)
            columns = [np.where(absent, self.median, number)]
        else:
            text = as_trained(values, self.kind, self.levels)
            absent = text.isna().to_numpy()
            columns = [(text == level).to_numpy(dtype=np.float64, na_value=0.0) for level in self.levels]
            if self.other:
                columns.append((~absent & ~text.isin(self.levels).to_numpy()).astype(np.float64))
        if self.missing:
            columns.append(absent.astype(np.float64))
        return np.column_stack(columns) if columns else np.empty((len(values), 0))


def learn(values: "pd.Series[Any]", training: Bool, *, listed: bool) -> Column:
    """Learn how to encode a raw column (N,) from its ``training`` rows (N,).

    Dates and other values that are neither number, text nor boolean raise DataError, as does a category of
    more than MAX_LEVELS values, unless it is ``listed``: then all but the most frequent, and several values
    in fewer than FEWEST_ROWS rows, are one, "other".
    """
    name = str(values.name)
    kind = kind_of(values)
    if kind == "number":
        known = numbers(values)[training]
        missing = np.isnan(known)
        median = float(np.median(known[~missing])) if not missing.all() else 0.0
        return Column(name, kind, median=median, missing=bool(missing.any()))
    text = texts(values)[training]
    counts = text.value_counts()
    if len(counts) > MAX_LEVELS and not listed:
        raise DataError(
            f"column {shown(name)}: {len(counts):,} different values in the training rows, at most "
            f"{MAX_LEVELS} are allowed; name it in drop, or list it in features to keep its {MAX_LEVELS} "
            "most frequent values" + (f"; {spoilt}" if (spoilt := spoilt_numbers(text)) else "")
        )
    # By count, then by name: ties must not depend on the order of rows in memory.
    frequent = sorted(counts.index, key=lambda level: (-counts[level], level))[:MAX_LEVELS]
    rare = [level for level in frequent if counts[level] < FEWEST_ROWS]
    if listed and 1 < len(rare) < len(frequent):
        frequent = frequent[: -len(rare)]
    other = len(frequent) < len(counts)
    return Column(name, kind, levels=tuple(sorted(frequent)), other=other, missing=bool(text.isna().any()))


def encode(frame: pd.DataFrame, columns: Sequence[Column]) -> Float64:
    """Return raw rows as the encoded columns of all ``columns`` side by side: (N, F)."""
    parts = [column.encode(column_of(frame, column.name)) for column in columns]
    return np.column_stack(parts) if parts else np.empty((len(frame), 0))
