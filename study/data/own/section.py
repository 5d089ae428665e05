"""The section ``dataset`` of a study file: which table, and what the columns of the user's own are for.

A key is written once, as a field of ``DatasetSection``: its description is the command line's help, the
comment in a file that `study init` writes, and the row of docs/study-file.md.
"""

import os
import re
import reprlib
from collections.abc import Mapping
from math import isfinite
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from study.data.group import Group
from study.storage.locations import holds_keys
from study.words import NAMES

KEYS_REFUSED = (
    "the URI holds a key, or an option that may be one, and a report shows the study file; region, scheme "
    "and endpoint_override are allowed, keys belong into the environment (AWS_SECRET_ACCESS_KEY)"
)


class Section(BaseModel):
    """A part of a study file: unknown keys, other types and infinite numbers are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def listed(value: object) -> object:
    """Take one for a list of one."""
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def shown(value: object) -> str:
    """Return a value as it stands in the file, cut to a length that fits a line."""
    brief = reprlib.Repr()
    brief.maxlevel = 3
    brief.maxstring = brief.maxother = brief.maxlong = 60
    try:
        text = brief.repr(value)
    except ValueError:  # Python does not print whole numbers of thousands of digits.
        return "a number of thousands of digits"
    return text if len(text) <= 60 else text[:57] + "..."


def _column_value(value: object) -> object:
    if not isinstance(value, str | bool | int | float) or (
        isinstance(value, float) and not isfinite(value)
    ):
        raise ValueError(
            f"{shown(value)} is not a value of a column; it must be text, a number or a boolean"
        )
    return value


ColumnValue = Annotated[str | bool | int | float, BeforeValidator(_column_value)]
ColumnNames = Annotated[tuple[str, ...], BeforeValidator(listed)]


class LabelSection(Section):
    """The outcome. `label: COLUMN` is short for `label: {column: COLUMN}`."""

    column: str = Field(description="a column of 0 and 1 or booleans, or of two values")
    positive: ColumnValue | None = Field(default=None, description="which of the two values counts as 1")


class SensitiveSection(Section):
    """Who has A = 1. `sensitive: COLUMN` is short for `sensitive: {column: COLUMN}`."""

    column: str = Field(description="a column of 0 and 1 or booleans, or any with one of the keys below")
    equals: ColumnValue | None = Field(default=None, alias="is", description="the value that means A = 1")
    at_least: float | None = Field(default=None, description="the number from which on A = 1")

    @model_validator(mode="after")
    def _one(self) -> "SensitiveSection":
        if self.equals is not None and self.at_least is not None:
            raise ValueError("is and at_least are both given; give one of them")
        return self

    @property
    def group(self) -> Group:
        """The rule by which a row has A = 1."""
        return Group(self.column, self.equals, self.at_least)


class PeopleSection(Section):
    """What people decided. `decision_maker: COLUMN`, or a list, is short for `{columns: ...}`."""

    columns: ColumnNames = Field(
        description="one column, or one for each person: 0 and 1, booleans, the label's two values, or "
        "probabilities of 1; empty where that person did not decide"
    )
    combine: Literal["draw", "majority"] | None = Field(
        default=None,
        description="with several: the decision-maker of a case is one of those who decided it, drawn by "
        "seed, or their majority (ties drawn)",
    )

    @model_validator(mode="after")
    def _combined(self) -> "PeopleSection":
        if len(set(self.columns)) < max(len(self.columns), 1):
            raise ValueError("columns: give at least one column, each once")
        if len(self.columns) > 1 and self.combine is None:
            raise ValueError("combine: is missing; with several columns give draw or majority")
        if len(self.columns) == 1 and self.combine is not None:
            raise ValueError("combine: there is one column only; leave it out")
        return self


def _column(value: object) -> object:
    return {"column": value} if isinstance(value, str) else value


def _columns(value: object) -> object:
    return {"columns": value} if isinstance(value, str | list | tuple) else value


class DatasetSection(Section):
    """Which table, and how it is split. `dataset: NAME` is short for `dataset: {name: NAME}`.

    From `label` on, the keys are for a table of your own, which needs `path`, `label` and `sensitive`.
    """

    name: str = Field(
        default="compas-two-year",
        description="a data set that `study data list` names; of a table of your own any other name, the "
        "file's unless given",
    )
    path: str | None = Field(
        default=None,
        description="the file, where it does not ship with the package: CSV or Parquet, a path or a URI "
        "such as `s3://bucket/cases.parquet`; a relative path starts where the command is given, and is "
        "stored as an absolute one",
    )
    split_seed: int = Field(
        default=0,
        ge=0,
        lt=2**63,
        description="seed of the split, and of what is drawn for a decision-maker",
    )
    splits: int = Field(
        default=1,
        ge=1,
        le=100,
        description="how often the rows are split anew, by `split_seed`, the next number and so on; every "
        "setting is trained and tested on each: for small tables",
    )
    label: Annotated[LabelSection | None, BeforeValidator(_column)] = Field(
        default=None,
        description="the outcome: a column of 0 and 1, or `{column: COLUMN, positive: VALUE}`",
    )
    sensitive: Annotated[SensitiveSection | None, BeforeValidator(_column)] = Field(
        default=None,
        description="who has A = 1: a column of 0 and 1, `{column: COLUMN, is: VALUE}` or "
        "`{column: COLUMN, at_least: NUMBER}`",
    )
    decision_maker: Annotated[PeopleSection | None, BeforeValidator(_columns)] = Field(
        default=None,
        description="what people decided, 0/1 or a probability, empty where unknown: a column, or "
        "`{columns: [a, b], combine: draw}` (or `majority`); used where the study's `decision_maker` is "
        "`column`",
    )
    score: str | None = Field(
        default=None,
        description="a column of probabilities of 1 by a model that you have, from 0 to 1; used where the "
        "study's `model` is `given`, and a feature only if it is listed there",
    )
    dm_only: ColumnNames = Field(default=(), description="columns that only the decision-maker sees")
    features: ColumnNames | None = Field(
        default=None, description="columns that the model sees; left out, every column without another role"
    )
    drop: ColumnNames = Field(
        default=(),
        description="columns that are not used: identifiers, and what is not known before the outcome is",
    )
    split: str | None = Field(
        default=None,
        description="a column of train, validation and test; left out, the split is drawn by seed",
    )
    group: str | None = Field(
        default=None,
        description="a column; rows with the same value are never on two sides of a split",
    )
    row_id: str | None = Field(
        default=None,
        description="a column that names each row, which no model sees; test rows and `study data write` "
        "keep it, so that they can be joined with the table",
    )

    @model_validator(mode="before")
    @classmethod
    def _named_after_its_file(cls, value: object) -> object:
        if not isinstance(value, Mapping) or "name" in value or not isinstance(value.get("path"), str):
            return value
        # Only the user's own table has no name; set here, where it is still known that none was given.
        named = {**value, "name": table_name(value["path"])}
        return named if set(value) - _ANY_DATA else {**named, "label": None}

    @model_validator(mode="after")
    def _whole(self) -> "DatasetSection":
        if self.model_fields_set <= _ANY_DATA:
            return self
        for key in ("path", "label", "sensitive"):
            if getattr(self, key) is None:
                raise ValueError(f"{key} is missing; a table of your own needs path, label and sensitive")
        if self.split is not None and self.splits > 1:
            raise ValueError("splits: the column split says whose rows are whose; leave one of the two out")
        if self.features == ():
            raise ValueError("features: the list is empty; name a column, or leave it out for all the rest")
        return self

    @field_validator("path")
    @classmethod
    def _path(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            usable = b"\0" not in os.fsencode(value)
        except UnicodeEncodeError:
            usable = False
        if not usable:
            raise ValueError(f"{value!r} is not the name of a file")
        if holds_keys(value):
            raise ValueError(KEYS_REFUSED)
        # Whoever resumes may be in another folder.
        return value if "://" in value else os.path.abspath(os.path.expanduser(value))

    @property
    def own(self) -> bool:
        """Whether this is a table of the user's own."""
        return self.label is not None and self.sensitive is not None

    def roles(self) -> list[tuple[str, str]]:
        """Return (column, key) for every column that a key names."""
        return [(name, key) for key in role_keys(type(self)) for name in _names(getattr(self, key))]

    @model_serializer(mode="wrap")
    def _without_what_is_not_there(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Write a table's roles only where there are any; a role's own keys only where they are given."""
        kept = {key: value for key, value in plain(self).items() if value not in (None, (), [])}
        for key in ("label", "sensitive", "decision_maker"):
            if key in kept:
                kept[key] = {inner: value for inner, value in kept[key].items() if value is not None}
        if "equals" in kept.get("sensitive", {}):
            kept["sensitive"]["is"] = kept["sensitive"].pop("equals")
        return {"name": self.name, "path": self.path, **kept}


_ANY_DATA = {"name", "path", "split_seed", "splits"}
"""Keys that do not make it a table of the user's own."""


def role_keys(section: type[DatasetSection] = DatasetSection) -> list[str]:
    """Return the keys that name columns."""
    return [key for key in section.model_fields if key not in _ANY_DATA]


def description(key: str) -> str:
    """Return what a key says, as plain text."""
    return (DatasetSection.model_fields[key].description or "").replace("`", "")


def table_name(path: str) -> str:
    """Return the name of a table at ``path`` unless it gets another: the file's, without its endings."""
    place = path.partition("?")[0] if "://" in path else path
    stem = PurePosixPath(place.replace("\\", "/")).name.split(".")[0]
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-_")[:90]
    return f"{name}-table" if name in NAMES else name or "table"


def _names(value: object) -> tuple[str, ...]:
    """Return the columns that a role names."""
    if isinstance(value, LabelSection | SensitiveSection):
        return (value.column,)
    if isinstance(value, PeopleSection):
        return value.columns
    return (value,) if isinstance(value, str) else value if isinstance(value, tuple) else ()
