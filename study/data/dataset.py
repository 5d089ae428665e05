"""What the models get: one frozen ``Dataset``, built from a ``Table`` of raw values."""

import hashlib
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from study.data.decisions import Decisions, with_confidence
from study.data.own.section import DatasetSection
from study.data.preprocessing import (
    Bool,
    Column,
    Given,
    Group,
    Preprocessing,
    shown,
    standardise,
    texts,
)
from study.data.splits import TRAIN, split_rows
from study.errors import DataError
from study.group_names import GroupNames, group_names
from study.words import SPLITS, Costs

Float64 = npt.NDArray[np.float64]
Float32 = npt.NDArray[np.float32]
Int8 = npt.NDArray[np.int8]
Int64 = npt.NDArray[np.int64]

Scalar = TypeVar("Scalar", bound=np.generic)

RESERVED = ("label", "sensitive", "split")


@dataclass(frozen=True, eq=False)
class Table:
    """Raw values of N people, before splitting and standardising.

    ``frame`` (N rows) has the columns ``feature_names``, then ``label`` and ``sensitive`` (integers
    0 or 1), then ``dm_only_names``: what the second decision-maker sees and the model does not.
    ``source`` is one line for a person: where it came from.
    """

    name: str
    frame: pd.DataFrame
    feature_names: tuple[str, ...]
    dm_only_names: tuple[str, ...]
    source: str


@dataclass(frozen=True, eq=False)
class OwnTable:
    """What a user's own table has beyond what every data set has.

    section: what its columns are for; group: who has A = 1; frame: the file's columns, as they are, of the
    data set's N rows; features, dm_only: how they are encoded.
    """

    section: DatasetSection
    group: Group
    frame: pd.DataFrame
    features: tuple[Column, ...]
    dm_only: tuple[Column, ...]


@dataclass(frozen=True, eq=False)
class Dataset:
    """N people as arrays, split and standardised; every array is read-only.

    features: float32 (N, F+1), F features standardised by mean and standard deviation of the
    training split, then A as 0/1. label: float32 (N,), 0/1. sensitive: int8 (N,), 0/1. dm_only:
    float32 (N, Z), standardised likewise. split: int8 (N,), TRAIN, VALIDATION or TEST.
    feature_names has F+1 entries, the last one "sensitive"; dm_only_names has Z. fingerprint:
    SHA-256 (hex) of raw values and split, so that two equal ones mean the same data. preprocessing turns
    raw rows (of a named data set: its table's columns) into ``features``. decisions: the decision-maker
    that a user's table has, if any; given: float64 (N,), the probabilities of 1 by a given model, if any;
    own: what else such a table has.
    """

    name: str
    source: str
    features: Float32
    feature_names: tuple[str, ...]
    label: Float32
    sensitive: Int8
    dm_only: Float32
    dm_only_names: tuple[str, ...]
    split: Int8
    fingerprint: str
    table: Table
    preprocessing: Preprocessing
    decisions: Decisions | None = None
    given: Float64 | None = None
    own: OwnTable | None = None

    @property
    def names(self) -> GroupNames:
        """What its groups, outcomes and people are called."""
        return group_names(self.own.section.model_dump() if self.own else {"name": self.name})

    @property
    def group_name(self) -> str | None:
        """The column whose value rows of one person or case share; None where rows are independent."""
        return self.own.section.group if self.own is not None else None

    @property
    def group_number(self) -> Int64 | None:
        """Which value of that column a row has, numbered from 0 on: (N,)."""
        if self.own is None or self.group_name is None:
            return None
        return pd.factorize(texts(self.own.frame[self.group_name]))[0].astype(np.int64)

    @property
    def row_id(self) -> "npt.NDArray[np.object_] | None":
        """The user's own name of each row, as text: (N,); None where the table has none."""
        if self.own is None or self.own.section.row_id is None:
            return None
        return texts(self.own.frame[self.own.section.row_id]).to_numpy(dtype=object)

    @property
    def measured(self) -> Bool:
        """The rows on which metrics are measured, (N,): those with a decision, if people decided any.

        They are the same for every method and decision-maker, so that all are compared on the same cases.
        """
        return np.ones(len(self.label), dtype=bool) if self.decisions is None else self.decisions.known

    def given_model(self, costs: Costs) -> Given | None:
        """Return where a given model's probabilities are and how errors weigh on them; None without one."""
        score = self.own.section.score if self.own is not None else None
        return None if score is None else Given(score, costs.false_negative / costs.false_positive)

    def indices(self, split: str) -> Int64:
        """Rows of one of SPLITS by name, ascending: int64 (n,). DataError for another name."""
        if split not in SPLITS:
            raise DataError(f"split: {split!r} is not allowed; {', '.join(SPLITS)} are")
        return np.flatnonzero(self.split == SPLITS.index(split)).astype(np.int64)


def make_dataset(table: Table, *, split_seed: int) -> Dataset:
    """Split and standardise ``table``; the same table and seed give the same Dataset.

    Raises DataError where a column is missing, doubled, not a finite number, or (label and
    sensitive) not 0/1, and where there are too few rows to split.
    """
    _check_columns(table)
    label, sensitive = _binary(table, "label"), _binary(table, "sensitive")
    return assemble(table, split_rows(label, sensitive, split_seed=split_seed))


def assemble(
    table: Table,
    split: Int8,
    *,
    own: OwnTable | None = None,
    recorded: Float64 | None = None,
    hard: bool = False,
    split_seed: int = 0,
) -> Dataset:
    """Standardise a table that is split already; raises DataError as ``make_dataset`` does.

    split: (N,). For a user's own table: ``own``, and what was ``recorded`` of its decision-maker (N,),
    decisions if ``hard``.
    """
    _check_columns(table)
    features = _numbers(table, table.feature_names)
    dm_only = _numbers(table, table.dm_only_names)
    label = _binary(table, "label")
    sensitive = _binary(table, "sensitive")
    training = split == TRAIN
    scaled, mean, factor = _standardise(table, features, table.feature_names, training)
    dm_scaled, _, _ = _standardise(table, dm_only, table.dm_only_names, training)
    if own is None:
        medians = np.median(features[training], axis=0).tolist()
        named = zip(table.feature_names, medians, strict=True)
        columns = tuple(Column(name, "number", median=median) for name, median in named)
    else:
        columns = own.features
    score = own.section.score if own is not None else None
    given = None if own is None or score is None else _frozen(Given(score).of(own.frame))
    decisions = None
    if recorded is not None:
        decisions = with_confidence(recorded, hard, label == 1, training)
    return Dataset(
        name=table.name,
        source=table.source,
        features=_frozen(np.column_stack([scaled, sensitive]).astype(np.float32)),
        feature_names=(*table.feature_names, "sensitive"),
        label=_frozen(label.astype(np.float32)),
        sensitive=_frozen(sensitive),
        dm_only=_frozen(dm_scaled.astype(np.float32)),
        dm_only_names=table.dm_only_names,
        split=_frozen(split),
        fingerprint=_fingerprint(
            table, features, label, sensitive, dm_only, split, recorded, given, split_seed if own else None
        ),
        table=table,
        preprocessing=Preprocessing(
            columns,
            own.group if own else Group("sensitive", kind="number", levels=("0", "1")),
            tuple(mean.tolist()),
            tuple(factor.tolist()),
        ),
        decisions=decisions,
        given=given,
        own=own,
    )


def scaling(values: Float64, training: npt.NDArray[np.bool_]) -> tuple[Float64, Float64]:
    """Mean and factor, each (K,), such that (values - mean) * factor is standardised.

    values: (N, K); training: (N,), the rows that count. The standard deviation is the population's
    (divided by n). A column that is constant on those rows gets factor 0: it becomes 0 everywhere.
    """
    seen = values[training]
    mean = seen.mean(axis=0)
    # By its range: rounding gives the standard deviation of a constant column as 1e-17, not as 0.
    varies = seen.max(axis=0) > seen.min(axis=0)
    deviation = np.where(varies, seen.std(axis=0), 1.0)
    return mean, np.where(varies, 1.0 / deviation, 0.0)


def _check_columns(table: Table) -> None:
    """Raise DataError unless the table's names are distinct, unreserved and in its frame."""
    names = [*table.feature_names, *table.dm_only_names]
    taken = [name for name in names if name in RESERVED]
    if taken:
        raise DataError(f"{table.name}: no feature may be named {taken[0]} ({table.source})")
    present = list(table.frame.columns)
    doubled = {name for name in names if names.count(name) > 1 or present.count(name) > 1}
    if doubled:
        raise DataError(f"{table.name}: column {min(doubled)} is named twice ({table.source})")
    missing = [name for name in (*names, "label", "sensitive") if name not in present]
    if missing:
        raise DataError(f"{table.name}: no column {', '.join(missing)} ({table.source})")


def _numbers(table: Table, names: tuple[str, ...]) -> Float64:
    """Columns ``names`` as float64 (N, K); raises DataError where one is not a finite number."""
    values = np.empty((len(table.frame), len(names)))
    for position, name in enumerate(names):
        column = pd.to_numeric(table.frame[name], errors="coerce").to_numpy(
            dtype=np.float64, na_value=np.nan
        )
        if not np.isfinite(column).all():
            raise DataError(
                f"{table.name}: column {name} has a missing or non-numeric value; "
                f"finite numbers are allowed ({table.source})"
            )
        values[:, position] = column + 0.0  # -0.0 becomes 0.0: equal values, equal fingerprint
    return values


def _binary(table: Table, name: str) -> Int8:
    """Column ``name`` as int8 (N,); raises DataError where a value is not 0 or 1."""
    column = _numbers(table, (name,))[:, 0]
    if not np.isin(column, (0.0, 1.0)).all():
        raise DataError(f"{table.name}: column {name}: only 0 and 1 are allowed ({table.source})")
    return column.astype(np.int8)


def _standardise(
    table: Table, values: Float64, names: tuple[str, ...], training: npt.NDArray[np.bool_]
) -> tuple[Float64, Float64, Float64]:
    """``values`` (N, K) scaled, mean and factor (K,); DataError where they leave the range of float32."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        mean, factor = scaling(values, training)
    scaled = standardise(values, mean, factor)
    seen = values[training]
    flattened = (factor == 0) & (seen.max(axis=0) > seen.min(axis=0))  # The deviation is infinite.
    usable = (np.abs(scaled) <= np.finfo(np.float32).max) & ~flattened  # NaN compares as False
    if not usable.all():
        name = names[int(np.flatnonzero(~usable.all(axis=0))[0])]
        raise DataError(
            f"{table.name}: column {shown(name)} cannot be standardised, its values are too large or "
            f"too close ({table.source})"
        )
    return scaled, mean, factor


def _fingerprint(
    table: Table,
    features: Float64,
    label: Int8,
    sensitive: Int8,
    dm_only: Float64,
    split: Int8,
    recorded: Float64 | None,
    given: Float64 | None,
    split_seed: int | None,
) -> str:
    """SHA-256 over raw values, split and decisions; not over standardised ones, whose last bits may differ.

    ``split_seed`` where the split does not tell it, though decision-makers depend on it.
    """
    digest = hashlib.sha256()
    arrays: dict[str, npt.NDArray[Any]] = {
        "features": features.astype("<f8"),
        "label": label,
        "sensitive": sensitive,
        "dm_only": dm_only.astype("<f8"),
        "split": split,
    }
    if recorded is not None:
        # Every NaN with the same bits.
        arrays["decisions"] = np.where(np.isnan(recorded), np.nan, recorded + 0.0).astype("<f8")
    if given is not None:
        arrays["given"] = given.astype("<f8")
    if split_seed is not None:
        digest.update(f"split_seed {split_seed}\n".encode())
    digest.update(repr((table.feature_names, table.dm_only_names)).encode())
    for name, array in arrays.items():
        digest.update(f"\n{name} {array.dtype.itemsize} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _frozen(array: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
    """Return ``array``, contiguous and read-only."""
    array = np.ascontiguousarray(array)
    array.setflags(write=False)
    return array
