"""The rule by which a row has A = 1."""

from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from study.data.raw_values import (
    Bool,
    Kind,
    Value,
    as_trained,
    binary,
    column_of,
    kind_of,
    matches,
    numbers,
    refuse_missing,
    refuse_unseen,
    shown,
    texts,
)
from study.errors import DataError


@dataclass(frozen=True)
class Group:
    """Who has A = 1: where ``column`` is 1 or true, or holds ``equals``, or from ``at_least`` on.

    kind, levels: what the study's table held there, as ``learned`` notes it; None where nothing is known.
    """

    column: str
    equals: Value | None = None
    at_least: float | None = None
    kind: Kind | None = None
    levels: tuple[str, ...] | None = None

    def learned(self, frame: pd.DataFrame) -> "Group":
        """Note what the column holds in a study's table: another table is read in the same way."""
        values = column_of(frame, self.column)
        levels = None if self.at_least is not None else tuple(sorted(texts(values).dropna().unique()))
        try:
            kind = kind_of(values)
        except DataError:  # Dates, say: as text they can be compared all the same.
            kind = "category"
        return replace(self, kind=kind, levels=levels)

    def of(self, frame: pd.DataFrame) -> Bool:
        """Return A (N,); raises DataError for a missing column or value, and one that is not allowed."""
        values = column_of(frame, self.column)
        refuse_missing(values)
        if self.at_least is not None:
            return numbers(values) >= self.at_least
        text = self._texts(values)
        if self.equals is not None:
            return matches(text, self.equals)
        words = "write {column: " + shown(self.column) + ", is: VALUE} or at_least: NUMBER"
        return binary(text, self.column, words)

    def refuse_unseen(self, frame: pd.DataFrame) -> None:
        """Raise DataError for a value that the study's table did not have: it would count as A = 0."""
        if self.levels is not None:
            values = self._texts(column_of(frame, self.column))
            refuse_unseen(values, self.column, self.levels, "not in the study's table", "")

    def _texts(self, values: "pd.Series[Any]") -> "pd.Series[Any]":
        return texts(values) if self.kind is None else as_trained(values, self.kind, self.levels or ())
