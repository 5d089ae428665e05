"""The section ``dataset`` of a study file: which table, and what the columns of one's own are for."""

import os
from collections.abc import Mapping
from math import isfinite
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from study.config.spaces import Section, listed, shown

if TYPE_CHECKING:
    from study.data import Dataset, TableColumns


def _column_value(value: object) -> object:
    if not isinstance(value, str | bool | int | float) or (
        isinstance(value, float) and not isfinite(value)
    ):
        raise ValueError(
            f"{shown(value)} is not a value of a column; text, a number or a boolean is allowed"
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
            raise ValueError("is and at_least are both given; one of them is allowed")
        return self


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
            raise ValueError("combine: is missing; with several columns draw or majority is allowed")
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
        description="the file, where it does not ship with the package: CSV or Parquet, here or a URI that "
        "pyarrow opens",
    )
    split_seed: int = Field(
        default=0, ge=0, lt=2**63, description="of the split, and of what is drawn for a decision-maker"
    )
    label: Annotated[LabelSection | None, BeforeValidator(_column)] = Field(
        default=None, description="the outcome"
    )
    sensitive: Annotated[SensitiveSection | None, BeforeValidator(_column)] = Field(
        default=None, description="who has A = 1"
    )
    decision_maker: Annotated[PeopleSection | None, BeforeValidator(_columns)] = Field(
        default=None, description="what people decided; used where the study's `decision_maker` is `column`"
    )
    features: ColumnNames | None = Field(
        default=None, description="what the model sees; left out, every column without another role"
    )
    drop: ColumnNames = Field(
        default=(), description="what nobody sees: identifiers, and what is not known before the outcome is"
    )
    dm_only: ColumnNames = Field(default=(), description="what only the decision-maker sees")
    split: str | None = Field(
        default=None, description="a column of train, validation and test; left out, drawn by seed"
    )
    group: str | None = Field(
        default=None,
        description="a column; rows with the same value are never on two sides of a split",
    )

    @model_validator(mode="before")
    @classmethod
    def _named_after_its_file(cls, value: object) -> object:
        if not isinstance(value, Mapping) or "name" in value or not isinstance(value.get("path"), str):
            return value
        from study.data import table_name

        # Only a table of one's own has no name; said here, where it is still known that none was given.
        named = {**value, "name": table_name(value["path"])}
        return named if set(value) - {"path", "split_seed"} else {**named, "label": None}

    @model_validator(mode="after")
    def _whole(self) -> "DatasetSection":
        if self.model_fields_set <= {"name", "path", "split_seed"}:
            return self
        for key in ("path", "label", "sensitive"):
            if getattr(self, key) is None:
                raise ValueError(f"{key} is missing; a table of your own needs path, label and sensitive")
        if self.features == ():
            raise ValueError("features: the list is empty; name a column, or leave it out for all the rest")
        return self

    @property
    def columns(self) -> "TableColumns | None":
        """The roles of columns in a table of the user's own; None for a data set that the project knows."""
        if self.path is None or self.label is None or self.sensitive is None:
            return None
        from study.data import Group, TableColumns

        people = self.decision_maker
        return TableColumns(
            path=self.path,
            label=self.label.column,
            sensitive=Group(self.sensitive.column, self.sensitive.equals, self.sensitive.at_least),
            positive=self.label.positive,
            decision_maker=people.columns if people else (),
            combine=people.combine if people else None,
            features=self.features,
            drop=self.drop,
            dm_only=self.dm_only,
            split=self.split,
            group=self.group,
        )

    def load(self) -> "Dataset":
        """Return the data set; raises DataError where it cannot be had."""
        from study.data import load_dataset

        return load_dataset(self.name, path=self.path, columns=self.columns, split_seed=self.split_seed)

    @model_serializer(mode="wrap")
    def _without_what_is_not_there(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Write a table's roles only where there are any; a role's own keys only where they are given."""
        kept = {key: value for key, value in plain(self).items() if value is not None and value != ()}
        for key in ("label", "sensitive", "decision_maker"):
            if key in kept:
                kept[key] = {inner: value for inner, value in kept[key].items() if value is not None}
        if "equals" in kept.get("sensitive", {}):
            kept["sensitive"]["is"] = kept["sensitive"].pop("equals")
        return {"name": self.name, "path": self.path, **kept}

    @field_validator("path")
    @classmethod
    def _path(cls, value: str | None) -> str | None:
        try:
            usable = value is None or b"\0" not in os.fsencode(value)
        except UnicodeEncodeError:
            usable = False
        if not usable:
            raise ValueError(f"{value!r} is not the name of a file")
        from study.data.own.reading import has_keys

        if value is not None and has_keys(value):
            raise ValueError(
                "the URI holds a key, or an option that may be one, and a report shows the study file; "
                "region, scheme and endpoint_override are allowed, keys belong into the environment "
                "(AWS_SECRET_ACCESS_KEY)"
            )
        return value
