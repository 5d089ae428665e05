"""Roles of a table's columns, inferred from their names and values, for the user to check."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from study.data.columns import MAX_LEVELS
from study.data.own.column_names import (
    CONCERNED,
    DECISION,
    LABEL,
    PEOPLE,
    POSITIVE,
    SENSITIVE,
    numbered,
    tokens,
    words_of,
)
from study.data.own.section import role_keys
from study.data.raw_values import kind_of, numbers, shown, some, spoilt_numbers, text_of, texts
from study.errors import DataError
from study.words import SPLITS


@dataclass(frozen=True)
class Guess:
    """Keys of a study file's section ``dataset``, and for each that was inferred a line that says so."""

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
    section = {key: found.section[key] for key in role_keys() if key in found.section}
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
        rule: object = name
        values, words = self.values[name], "inferred from its name"
        if not _is_zero_one(values):
            likely = [value for value in sorted(values) if value.lower() in POSITIVE]
            positive = likely[0] if likely else str(texts(self.frame[name]).value_counts().index[-1])
            rule = {"column": name, "positive": positive}
            words += f"; 1 where it is {shown(positive)}{'' if likely else ', the rarer value'}"
        self._take("label", rule, words)

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
        values, kind = self.values[name], self._kind(name)
        rule: object
        if _is_zero_one(values):
            rule, words = name, "where it is 1"
        elif len(values) == 2 and kind == "number":
            largest = _plain(numbers(self.frame[name]).max())
            rule, words = {"column": name, "is": largest}, f"where it is {largest}, the larger value"
        elif len(values) <= MAX_LEVELS and kind == "category":
            most = str(texts(self.frame[name]).value_counts().idxmax())
            rule = {"column": name, "is": most}
            words = f"where it is {shown(most)}, the most frequent value"
        else:
            least = _plain(numbers(self.frame[name]).mean().round())
            rule, words = {"column": name, "at_least": least}, f"from {least} on, about its mean"
        self._take("sensitive", rule, f"inferred from its name; A = 1 {words}")

    def decision_maker(self) -> None:
        if "decision_maker" in self.section:
            return
        answers = [name for name in self._free() if self._is_answer(name)]
        names = [name for name in answers if tokens(name) & set(DECISION)]
        alike = numbered(answers).values()
        series = [columns for columns in alike if len(columns) > 2 and not {*columns} & {*names}]
        people = [columns for columns in series if words_of(columns[0])[0] in PEOPLE]
        names += [name for columns in people for name in columns]
        if len(names) == 1:
            self._take("decision_maker", names[0], "inferred from its name")
        elif names:
            words = "inferred from their names; of those who decided a case one is drawn, or write majority"
            self._take("decision_maker", {"columns": names, "combine": "draw"}, words)
        for columns in series if not people else []:
            self.remarks.setdefault(
                "features",
                f"{columns[0]} to {columns[-1]} hold two values like the label: if these are people's "
                "answers, name them in decision_maker",
            )

    def split(self) -> None:
        for name in [] if "split" in self.section else self._free():
            if self.values[name] == set(SPLITS) and self.frame[name].notna().all():
                self._take("split", name, "inferred from its values")
                return

    def group(self) -> None:
        """Find what tells cases apart: an identifier that repeats, best one whose rows are one case."""
        if "group" in self.section:
            return
        keys = ("features", "split", "dm_only", "label", "sensitive")
        taken = _names_in([self.section.get(key) for key in keys])
        counts = {name: self.frame[name].nunique() for name in self.values if self._is_id(name)}
        # What tells people apart has many values, and some of them more than once.
        repeated = {
            name: n for name, n in counts.items() if MAX_LEVELS < n < len(self.frame) and name not in taken
        }
        if not repeated:
            return
        cases = [name for name in repeated if self._is_case(name)]
        name = max(cases or repeated, key=lambda name: repeated[name])
        words = f"inferred from its name: {repeated[name]:,} values in {len(self.frame):,} rows"
        others = [other for other in repeated if other != name]
        if others:
            words += f"; {some(others)} {'repeat' if len(others) > 1 else 'repeats'}, too"
        self._take("group", name, words)

    def drop(self) -> None:
        if "features" in self.section:
            return
        given = _names_in(self.section.get("drop"))
        names, reasons = [], []
        for name in self._free():
            reason = self._why_not_used(name)
            if reason is not None:
                names.append(name)
                reasons.append(f"{shown(name)} ({reason})")
        if names:
            more = f" and {len(names) - 6} more" if len(names) > 6 else ""
            self._take("drop", [*given, *names], f"not used: {', '.join(reasons[:6])}{more}")

    def _why_not_used(self, name: str) -> str | None:
        """Return why a column is no feature, if so."""
        kind = self._kind(name)
        if kind is None:
            return "neither numbers nor text"
        if self._is_id(name):
            distinct = self.frame[name].nunique()
            if distinct == len(self.frame):
                return "an identifier"
            if distinct > MAX_LEVELS:
                return "an identifier that repeats"
        if kind == "category" and len(self.values[name]) > MAX_LEVELS:
            return spoilt_numbers(texts(self.frame[name])) or f"more than {MAX_LEVELS} different values"
        if (
            kind == "category"
            and words_of(name)[0] in {*DECISION, *PEOPLE}
            and self._tells_people_apart(name)
        ):
            return "who decided, by the name"
        return None

    def _tells_people_apart(self, name: str) -> bool:
        """Return whether a column holds codes such as w001."""
        return all(re.fullmatch(r"[A-Za-z]+[-_ ]?\d+", value) for value in self.values[name])

    def _is_case(self, name: str) -> bool:
        """Return whether rows with the same value have the same label and sensitive attribute."""
        roles = _names_in([self.section["label"], self.section["sensitive"]])
        measured = [n for n in self._free() if not self._is_id(n) and self._kind(n) == "number"]
        columns = [n for n in (*roles, *measured) if n in self.values and n != name]
        by_case = self.frame.groupby(name)
        return all(bool((by_case[column].nunique(dropna=False) <= 1).all()) for column in columns)

    def _is_answer(self, name: str) -> bool:
        """Return whether a column may hold decisions: 0/1, the label's two values, or probabilities."""
        outcome = _names_in(self.section["label"])
        allowed = self.values.get(outcome[0], set()) if outcome else set()
        values = self.values[name]
        zero_one = values <= {"0", "1"} or values <= {"false", "true"}
        return bool(values) and (zero_one or values <= allowed or self._is_share(name))

    def _take(self, key: str, value: object, remark: str) -> None:
        self.section[key] = value
        self.remarks[key] = remark

    def _free(self) -> list[str]:
        taken = set(_names_in({key: value for key, value in self.section.items() if key != "path"}))
        return [name for name in self.values if name not in taken]

    def _named(self, words: tuple[str, ...], names: list[str]) -> str | None:
        free = [name for name in names if name in self._free()]
        return next((name for word in words for name in free if word in tokens(name)), None)

    def _kind(self, name: str) -> str | None:
        try:
            return kind_of(self.frame[name])
        except DataError:
            return None

    def _is_id(self, name: str) -> bool:
        """Say whether a column names a person in every row; "number of visits" does not."""
        words = words_of(name)
        named = words[0] == "id" or words[-1] in ("id", "ids", "uuid", "key", "number", "no")
        named = named or (words[-1] in CONCERNED and self._tells_people_apart(name))
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


def _plain(number: float) -> int | float:
    return int(number) if number == int(number) and abs(number) < 1e15 else float(number)


def _is_zero_one(values: set[str]) -> bool:
    return len(values) == 2 and (values == {"0", "1"} or values == {"false", "true"})


def _names_in(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        named = [value[key] for key in ("column", "columns") if key in value] or list(value.values())
        return [name for inner in named for name in _names_in(inner)]
    if isinstance(value, list | tuple):
        return [name for inner in value for name in _names_in(inner)]
    return []
