"""From raw columns to what a model sees: learned on training rows, frozen, stored with a trained model."""

import contextlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from study.errors import DataError

Float64 = npt.NDArray[np.float64]
Float32 = npt.NDArray[np.float32]
Bool = npt.NDArray[np.bool_]
Kind = Literal["number", "category"]
Value = str | bool | int | float

MAX_LEVELS = 50
"""So many different values a category may have; of a column listed as a feature the most frequent stay."""
FEWEST_ROWS = 10
"""Of a column listed as a feature, values in fewer training rows are one together, "other": a network would
learn these rows by heart."""

_NUMBERS = ("integer", "floating", "mixed-integer-float", "decimal", "empty")
_CATEGORIES = ("string", "boolean", "categorical", "mixed-integer")
_DATES = ("date", "datetime", "datetime64", "time", "timedelta", "timedelta64", "period")
_BOOLEANS = {word: said for said in ("true", "false") for word in (said, said.title(), said.upper())}
_BOOLEANS |= {"1": "true", "0": "false"}
_YES_NO = {True: ("true", "yes", "on"), False: ("false", "no", "off")}


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
        values = _column(frame, self.column)
        levels = None if self.at_least is not None else tuple(sorted(texts(values).dropna().unique()))
        try:
            kind = kind_of(values)
        except DataError:  # Dates, say: as text they can be compared all the same.
            kind = "category"
        return replace(self, kind=kind, levels=levels)

    def of(self, frame: pd.DataFrame) -> Bool:
        """Return A (N,); raises DataError for a missing column or value, and one that is not allowed."""
        values = _column(frame, self.column)
        _refuse_missing(values, self.column)
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
            values = self._texts(_column(frame, self.column))
            _refuse_unseen(values, self.column, self.levels, "not in the study's table", "")

    def _texts(self, values: "pd.Series[Any]") -> "pd.Series[Any]":
        return texts(values) if self.kind is None else as_trained(values, self.kind, self.levels or ())


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
        values = _column(frame, self.column)
        _refuse_missing(values, self.column)
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
                text = as_trained(_column(frame, column.name), column.kind, column.levels)
                empty = ", or an empty cell, which counts as none of them"
                _refuse_unseen(text, column.name, column.levels, "in no training row", empty)
        self.group.refuse_unseen(frame)

    def transform(self, frame: pd.DataFrame) -> Float32:
        """Return the inputs (N, F+1) of raw rows: F standardised, then A as 0/1; other columns are ignored.

        A given model's p comes first. Raises DataError for a column that is not there, text where a number
        was, a missing A, and what is no probability.
        """
        scaled = standardise(encode(frame, self.columns), np.array(self.mean), np.array(self.factor))
        usable = np.abs(scaled).max(axis=0, initial=0) <= np.finfo(np.float32).max
        if not usable.all():
            own = [name for column in self.columns for name in column.inputs]
            name = own[int(np.flatnonzero(~usable)[0])]
            raise DataError(f"column {shown(name)}: a value is too large; finite numbers are allowed")
        inputs = np.column_stack([scaled, self.group.of(frame)]).astype(np.float32)
        return inputs if self.given is None else with_given(self.given.input(self.given.of(frame)), inputs)


def with_given(p: Float32, inputs: Float32) -> Float32:
    """Return inputs (N, F) with a given model's p (N,) in front."""
    return np.column_stack([p, inputs])


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
    parts = []
    for column in columns:
        try:
            parts.append(column.encode(_column(frame, column.name)))
        except DataError as error:
            words = str(error)
            where = (
                "" if words.startswith(("column", "duplicate column")) else f"column {shown(column.name)}: "
            )
            raise DataError(f"{where}{words}") from None
    return np.column_stack(parts) if parts else np.empty((len(frame), 0))


def standardise(values: Float64, mean: Float64, factor: Float64) -> Float64:
    """Return (values - mean) * factor; infinite or NaN, without a warning, where float64 overflows."""
    with np.errstate(over="ignore", invalid="ignore"):
        scaled: Float64 = (values - mean) * factor
    return scaled


def kind_of(values: "pd.Series[Any]") -> Kind:
    """Say what a raw column holds; an empty one counts as numbers. DataError for dates and the like."""
    found = pd.api.types.infer_dtype(values, skipna=True)
    if found in _NUMBERS:
        return "number"
    if found in _CATEGORIES:
        return "category"
    what = "dates or times" if found in _DATES else f"values that are not allowed ({found})"
    if found == "bytes":
        what = "bytes that are not text in UTF-8"
    raise DataError(
        f"column {shown(str(values.name))}: holds {what}; numbers, text and booleans are allowed: make "
        "numbers of them (days since ...), or name it in drop"
    )


def numbers(values: "pd.Series[Any]") -> Float64:
    """Return a raw column as float64 (N,), missing as NaN; DataError for text and infinite values."""
    name = f"column {shown(str(values.name))}"
    missing = values.isna().to_numpy()
    try:
        column = values.astype(object) if isinstance(values.dtype, pd.CategoricalDtype) else values
        number = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError, OverflowError):
        raise DataError(f"{name}: not a column of numbers; finite numbers are allowed") from None
    wrong = ~missing & ~np.isfinite(number)
    if wrong.any():
        value = shown(str(values.iloc[int(np.flatnonzero(wrong)[0])]))
        raise DataError(f"{name}: {value} is not a finite number; numbers and missing values are allowed")
    return number + 0.0  # -0.0 becomes 0.0: equal values, equal fingerprint


def texts(values: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return a raw column as text, missing as NA: 3.0 is "3" and True is "true", however it was stored."""
    if values.dtype == object:  # There 1 and True are equal, and lists cannot be told apart by a hash.
        return values.map(text_of, na_action="ignore")
    code, levels = pd.factorize(values)
    words = np.array([*map(text_of, levels), None], dtype=object)
    return pd.Series(words[code], index=values.index, name=values.name, dtype=object)


def as_trained(values: "pd.Series[Any]", kind: Kind, levels: Sequence[str]) -> "pd.Series[Any]":
    """Return a raw column as ``texts`` does, text read as the ``kind`` that training had: 007 may be 7.

    Each value is read by itself, so that it does not depend on the rows next to it.
    """
    text = texts(values)
    if kind == "number":
        return text.map(_whole, na_action="ignore")
    if levels and {*levels} <= {"false", "true"}:
        return text.map(lambda word: _BOOLEANS.get(word.strip(), word), na_action="ignore")
    return text


def text_of(value: object) -> str:
    """Return one value as text."""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, Decimal) and value.is_finite():  # As databases store 1.00.
        return str(int(value)) if value == value.to_integral_value() else format(value.normalize(), "f")
    if isinstance(value, float | np.floating) and math.isfinite(value) and value == int(value):
        return str(int(value))
    return str(value)


def binary(text: "pd.Series[Any]", name: str, otherwise: str) -> Bool:
    """Return where ``text`` (N,), as of ``texts``, of 0/1 or booleans is 1; missing counts as no.

    Raises DataError for other values, saying what to do ``otherwise``.
    """
    levels = set(text.dropna().unique())
    if not (levels <= {"0", "1"} or levels <= {"false", "true"}):
        raise DataError(
            f"column {shown(name)}: holds {some(levels)}; 0 and 1 or booleans are allowed, else {otherwise}"
        )
    return text.isin(("1", "true")).to_numpy()


def matches(text: "pd.Series[Any]", wanted: Value) -> Bool:
    """Return where ``text``, as of ``texts``, is ``wanted``; yes is true in YAML, so true means both."""
    if isinstance(wanted, bool):
        return text.map(str.lower, na_action="ignore").isin(_YES_NO[wanted]).to_numpy()
    return text.isin([text_of(wanted)]).to_numpy()


def some(levels: Iterable[object]) -> str:
    """Return the first few of a column's values, sorted, for a message."""
    words = sorted(str(level) for level in levels)
    return ", ".join(shown(word) for word in words[:6]) + (", ..." if len(words) > 6 else "") or "nothing"


def shown(text: str) -> str:
    """Return a name or value from a table so that it fits into one line."""
    plain = text if text and text.isprintable() and text.strip() == text else repr(text)
    return plain if len(plain) <= 60 else f"{plain[:57]}..."


def _column(frame: pd.DataFrame, name: str) -> "pd.Series[Any]":
    """Return a column; raises DataError where there is none, or two."""
    count = list(frame.columns).count(name)
    if count != 1:
        if count:
            raise DataError(f"duplicate column {shown(name)}; rename one")
        listed = ", ".join(shown(str(other)) for other in frame.columns[:12])
        more = ", ..." if len(frame.columns) > 12 else ""
        raise DataError(f"column {shown(name)} not found; columns are {listed}{more}")
    column: pd.Series[Any] = frame[name]
    return column


def _refuse_missing(values: "pd.Series[Any]", name: str) -> None:
    missing = int(values.isna().sum())
    if missing:
        raise DataError(
            f"column {shown(name)}: missing in {missing:,} of {len(values):,} rows; a value in every row "
            "is allowed: fill it in, or leave these rows out"
        )


def _refuse_unseen(
    text: "pd.Series[Any]", name: str, levels: Sequence[str], where: str, besides: str
) -> None:
    unseen = ~text.isin(levels).to_numpy() & text.notna().to_numpy()
    if unseen.any():
        row = int(np.flatnonzero(unseen)[0])
        raise DataError(
            f"column {shown(name)}: {shown(text.iloc[row])} in row {row + 1:,} was {where}; "
            f"{some(levels)} are allowed{besides}"
        )


def _whole(word: str) -> str:
    """Return a number's text as ``text_of`` writes numbers; other text stays as it is."""
    for number in (int, float):
        with contextlib.suppress(ValueError):
            return text_of(number(word)) if "_" not in word else word
    return word


def spoilt_numbers(text: "pd.Series[Any]") -> str | None:
    """Return what keeps a column of text (N,) from being one of numbers, where most of its values are."""
    levels = pd.Series(text.dropna().unique(), dtype=object)
    numeric = pd.to_numeric(levels, errors="coerce").notna()
    if 0.5 < numeric.mean() < 1:
        words = some(levels[~numeric])
        return f"numbers but for {words}: leave these cells empty to use the column as numbers"
    comma = levels.str.fullmatch(r"\s*[-+]?\d+,\d+\s*")
    if comma.mean() > 0.5:
        return f"numbers with a decimal comma, such as {levels[comma].iloc[0]}: write them with a point"
    marked = pd.to_numeric(levels.str.replace(r"[$€£%,\s]", "", regex=True), errors="coerce").notna()
    if marked.mean() > 0.5:
        return f"numbers with other signs, such as {levels[marked].iloc[0]}: write the numbers alone"
    return None
