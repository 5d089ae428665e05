"""Raw values of a table's columns: as numbers, as text, and as words in a message."""

import contextlib
import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from study.errors import DataError

Float64 = npt.NDArray[np.float64]
Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]
Int8 = npt.NDArray[np.int8]
Bool = npt.NDArray[np.bool_]
Kind = Literal["number", "category"]
Value = str | bool | int | float

_NUMBERS = ("integer", "floating", "mixed-integer-float", "decimal", "empty")
_CATEGORIES = ("string", "boolean", "categorical", "mixed-integer")
_DATES = ("date", "datetime", "datetime64", "time", "timedelta", "timedelta64", "period")
_BOOLEANS = {word: said for said in ("true", "false") for word in (said, said.title(), said.upper())}
_BOOLEANS |= {"1": "true", "0": "false"}
_YES_NO = {True: ("true", "yes", "on"), False: ("false", "no", "off")}


def column_of(frame: pd.DataFrame, name: str) -> "pd.Series[Any]":
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


def refuse_missing(
    values: "pd.Series[Any]",
    advice: str = "a value in every row is allowed: fill it in, or leave these rows out",
) -> None:
    """Raise DataError, with ``advice``, for a column (N,) that lacks a value."""
    missing = int(values.isna().sum())
    if missing:
        raise DataError(
            f"column {shown(str(values.name))}: missing in {missing:,} of {len(values):,} rows; {advice}"
        )


def refuse_unseen(
    text: "pd.Series[Any]", name: str, levels: Sequence[str], where: str, besides: str
) -> None:
    """Raise DataError for a value of ``text`` (N,), as of ``texts``, that is not one of ``levels``."""
    unseen = ~text.isin(levels).to_numpy() & text.notna().to_numpy()
    if unseen.any():
        row = int(np.flatnonzero(unseen)[0])
        raise DataError(
            f"column {shown(name)}: {shown(text.iloc[row])} in row {row + 1:,} was {where}; "
            f"{some(levels)} are allowed{besides}"
        )
