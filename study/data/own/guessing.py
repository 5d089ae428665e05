"""What the columns of a table may be, told by their names and values, for a person to check."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from study.data.preprocessing import MAX_LEVELS, kind_of, numbers, shown, some, text_of, texts
from study.errors import DataError
from study.words import SPLITS

LABEL = (
    *("label", "target", "outcome", "y", "class", "recid", "recidivism", "recidivated", "default"),
    *("defaulted", "readmitted", "readmission", "died", "death", "mortality", "churn", "fraud"),
    *("approved", "repaid", "diagnosis"),
)
SENSITIVE = (
    *("sensitive", "protected", "race", "ethnicity", "ethnic", "sex", "gender", "nationality"),
    *("disability", "age"),
)
DECISION = (
    *("decision", "decisions", "decided", "dm", "judge", "judgement", "judgment", "doctor", "physician"),
    *("clinician", "human", "expert", "reviewer", "annotator", "rater", "officer", "nurse", "adjuster"),
)
POSITIVE = ("1", "true", "yes", "y", "positive", "pos", "bad", "high", "t", "2")


@dataclass(frozen=True)
class Guess:
    """Keys of a study file's section ``dataset``, and for each that was guessed a line that says so."""

    section: Mapping[str, Any]
    remarks: Mapping[str, str]


def guess(frame: pd.DataFrame, given: Mapping[str, Any]) -> Guess:
    """Complete the section ``dataset``, of which ``given`` is told, from the columns' names and values.

    Raises DataError where label or sensitive column cannot be told from any name.
    """
    found = _Guessing(frame, dict(given))
    found.label()
    found.sensitive()
    found.decision_maker()
    found.split()
    found.group()
    found.drop()
    order = ("label", "sensitive", "decision_maker", "dm_only", "features", "drop", "split", "group")
    section = {key: found.section[key] for key in order if key in found.section}
    return Guess({**given, **section}, found.remarks)


class _Guessing:
    """The section so far, key by key: what an earlier key has taken, a later one leaves alone."""

    def __init__(self, frame: pd.DataFrame, given: dict[str, Any]) -> None:
        self.frame = frame
        self.section = given
        self.remarks: dict[str, str] = {}
        self.values = {str(name): _some_values(frame[name]) for name in frame.columns}

    def label(self) -> None:
        if "label" in self.section:
            return
        two = [name for name, values in self.values.items() if len(values) == 2]
        name = self._named(LABEL, [name for name in two if self.frame[name].notna().all()])
        if name is None:
            raise DataError(
                "dataset.label: no column is named like an outcome; give --label COLUMN, one that holds "
                "two values" + (f", such as {some(two)}" if two else "; there is none yet")
            )
        self._take("label", *self._positive(name))

    def sensitive(self) -> None:
        if "sensitive" in self.section:
            return
        free = [name for name in self._free() if self.frame[name].notna().all() and self._kind(name)]
        name = self._named(SENSITIVE, free)
        if name is None:
            raise DataError(
                "dataset.sensitive: no column is named like a sensitive attribute; give --sensitive "
                "COLUMN, or --sensitive '{column: COLUMN, is: VALUE}', the value of those with A = 1"
            )
        if _is_zero_one(self.values[name]):
            self._take("sensitive", name, "guessed from its name; A = 1 where it is 1")
        elif len(self.values[name]) <= MAX_LEVELS and self._kind(name) == "category":
            most = str(texts(self.frame[name]).value_counts().idxmax())
            words = f"guessed from its name; A = 1 where it is {shown(most)}, the most frequent value"
            self._take("sensitive", {"column": name, "is": most}, words)
        else:
            from_ = float(numbers(self.frame[name]).mean().round())
            least = int(from_) if abs(from_) < 1e15 else from_
            words = f"guessed from its name; A = 1 from {least} on, about its mean"
            self._take("sensitive", {"column": name, "at_least": least}, words)

    def decision_maker(self) -> None:
        if "decision_maker" in self.section:
            return
        outcome = _names_in(self.section["label"])
        allowed = self.values.get(outcome[0], set()) if outcome else set()
        names = [
            name
            for name in self._free()
            if _tokens(name) & set(DECISION)
            and self.values[name]
            and (_is_zero_one(self.values[name]) or self.values[name] <= allowed or self._is_share(name))
        ]
        if len(names) == 1:
            self._take("decision_maker", names[0], "guessed from its name")
        elif names:
            words = "guessed from their names; of those who decided a case one is drawn, or write majority"
            self._take("decision_maker", {"columns": names, "combine": "draw"}, words)

    def split(self) -> None:
        for name in [] if "split" in self.section else self._free():
            if self.values[name] == set(SPLITS) and self.frame[name].notna().all():
                self._take("split", name, "its values say so")
                return

    def group(self) -> None:
        if "group" in self.section:
            return
        counts = {name: self.frame[name].nunique() for name in self._free() if self._is_id(name)}
        # What tells people apart has many values, and some of them more than once.
        repeated = {name: count for name, count in counts.items() if MAX_LEVELS < count < len(self.frame)}
        if repeated:
            name = max(repeated, key=lambda name: repeated[name])
            words = f"guessed from its name: {repeated[name]:,} values in {len(self.frame):,} rows"
            self._take("group", name, words)

    def drop(self) -> None:
        if {"drop", "features"} & set(self.section):
            return
        names, reasons = [], []
        for name in self._free():
            kind = self._kind(name)
            if kind is None:
                reason = "neither numbers nor text"
            elif kind == "category" and len(self.values[name]) > MAX_LEVELS:
                reason = f"more than {MAX_LEVELS} different values"
            elif self._is_id(name) and self.frame[name].nunique() == len(self.frame):
                reason = "an identifier"
            else:
                continue
            names.append(name)
            reasons.append(f"{shown(name)} ({reason})")
        if names:
            more = f" and {len(names) - 6} more" if len(names) > 6 else ""
            self._take("drop", names, f"left out: {', '.join(reasons[:6])}{more}")

    def _take(self, key: str, value: object, remark: str) -> None:
        self.section[key] = value
        self.remarks[key] = remark

    def _free(self) -> list[str]:
        taken = set(_names_in({key: value for key, value in self.section.items() if key != "path"}))
        return [name for name in self.values if name not in taken]

    def _named(self, words: tuple[str, ...], names: list[str]) -> str | None:
        free = [name for name in names if name in self._free()]
        fitting = [name for word in words for name in free if word in _tokens(name)]
        return fitting[0] if fitting else None

    def _positive(self, name: str) -> tuple[object, str]:
        values = self.values[name]
        if _is_zero_one(values):
            return name, "guessed from its name"
        likely = [value for value in sorted(values) if value.lower() in POSITIVE]
        rarer = str(texts(self.frame[name]).value_counts().index[-1])
        positive = likely[0] if likely else rarer
        why = "" if likely else ", the rarer value"
        words = f"guessed from its name; 1 where it is {shown(positive)}{why}"
        return {"column": name, "positive": positive}, words

    def _kind(self, name: str) -> str | None:
        try:
            return kind_of(self.frame[name])
        except DataError:
            return None

    def _is_id(self, name: str) -> bool:
        """Say whether a column names somebody in every row; "number of visits" does not."""
        words = _words(name)
        named = words[0] == "id" or words[-1] in ("id", "ids", "uuid", "key", "number", "no")
        values = self.frame[name]
        return (
            named
            and bool(self.values[name])
            and bool(values.notna().all())
            and not pd.api.types.is_float_dtype(values)
        )

    def _is_share(self, name: str) -> bool:
        if self._kind(name) != "number":
            return False
        try:
            known = numbers(self.frame[name].dropna())
        except DataError:
            return False
        return bool(len(known) and ((known >= 0) & (known <= 1)).all())


def _some_values(column: "pd.Series[Any]") -> set[str]:
    """Return a column's values as text, no more than show that there are too many for a category."""
    try:
        return set(map(text_of, column.dropna().unique()[: MAX_LEVELS + 1]))
    except TypeError:  # Lists and the like, which have no hash.
        return set()


def _is_zero_one(values: set[str]) -> bool:
    return len(values) == 2 and (values == {"0", "1"} or values == {"false", "true"})


def _words(name: str) -> list[str]:
    """Return the words of a name: ``isRecid2`` has is and recid."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)
    return [word for word in re.split(r"[^a-z]+", parted.lower()) if word] or [name.lower()]


def _tokens(name: str) -> set[str]:
    """Return the words of a name, and the whole."""
    return {*_words(name), name.lower()}


def _names_in(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        named = [value[key] for key in ("column", "columns") if key in value] or list(value.values())
        return [name for inner in named for name in _names_in(inner)]
    if isinstance(value, list | tuple):
        return [name for inner in value for name in _names_in(inner)]
    return []
