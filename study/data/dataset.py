"""What the models get: one frozen ``Dataset``, built from a ``Table`` of raw values."""

import hashlib
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from study.data.columns import Column, learn
from study.data.decisions import Decisions, with_confidence
from study.data.group import Group
from study.data.own.section import DatasetSection
from study.data.preprocessing import Given, Preprocessing, scaling, standardise
from study.data.raw_values import Bool, Float32, Float64, Int8, Int64, texts
from study.data.splits import TRAIN, split_rows
from study.errors import DataError
from study.group_names import GroupNames, group_names
from study.words import SPLITS, Costs

Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True, eq=False)
class Table:
    """Raw values of N people, before splitting and standardising.

    ``frame`` (N rows of finite numbers) has the columns ``feature_names``, then ``label`` and ``sensitive``
    (0 or 1), then ``dm_only_names``: what the second decision-maker sees and the model does not.
    ``source`` is one line for a person: where it came from.
    """

    name: str
    frame: pd.DataFrame
    feature_names: tuple[str, ...]
    dm_only_names: tuple[str, ...]
    source: str


@dataclass(frozen=True, eq=False)
class Dataset:
    """N people as arrays, split and standardised; every array is read-only.

    features: float32 (N, F+1), F features standardised by mean and standard deviation of the
    training split, then A as 0/1. label: float32 (N,), 0/1. sensitive: int8 (N,), 0/1. dm_only:
    float32 (N, Z), standardised likewise. split: int8 (N,), TRAIN, VALIDATION or TEST.
    feature_names has F+1 entries, the last one "sensitive"; dm_only_names has Z. fingerprint:
    SHA-256 (hex) of raw values and split, so that two equal ones mean the same data. section: what a user's
    columns are for. raw: the columns (of a named data set: its table's) as they are, N rows, which
    preprocessing turns into ``features``. dm_only_columns: how the columns are encoded that only the
    decision-maker of a user's table sees. decisions: that decision-maker, if any; given: float64 (N,), the
    probabilities of 1 by a given model, if any.
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
    section: DatasetSection
    raw: pd.DataFrame
    preprocessing: Preprocessing
    dm_only_columns: tuple[Column, ...] = ()
    decisions: Decisions | None = None
    given: Float64 | None = None

    @property
    def names(self) -> GroupNames:
        """What its groups, outcomes and people are called."""
        return group_names(self.section.model_dump())

    @property
    def group_name(self) -> str | None:
        """The column whose value rows of one person or case share; None where rows are independent."""
        return self.section.group

    @property
    def group_number(self) -> Int64 | None:
        """Which value of that column a row has, numbered from 0 on: (N,)."""
        name = self.section.group
        return None if name is None else pd.factorize(texts(self.raw[name]))[0].astype(np.int64)

    @property
    def row_id(self) -> "npt.NDArray[np.object_] | None":
        """The user's own name of each row, as text: (N,); None where the table has none."""
        name = self.section.row_id
        return None if name is None else texts(self.raw[name]).to_numpy(dtype=object)

    @property
    def measured(self) -> Bool:
        """The rows on which metrics are measured, (N,): those with a decision, if people decided any.

        They are the same for every method and decision-maker, so that all are compared on the same cases.
        """
        return np.ones(len(self.label), dtype=bool) if self.decisions is None else self.decisions.known

    def given_model(self, costs: Costs) -> Given | None:
        """Return where a given model's probabilities are and how errors weigh on them; None without one."""
        score = self.section.score
        return None if score is None else Given(score, costs.false_negative / costs.false_positive)

    def indices(self, split: str) -> Int64:
        """Rows of one of SPLITS by name, ascending: int64 (n,). DataError for another name."""
        if split not in SPLITS:
            raise DataError(f"split: {split!r} is not allowed; {', '.join(SPLITS)} are")
        return np.flatnonzero(self.split == SPLITS.index(split)).astype(np.int64)


def make_dataset(table: Table, *, split_seed: int) -> Dataset:
    """Split and standardise ``table``; the same table and seed give the same Dataset.

    Raises DataError where there are too few rows to split.
    """
    label, sensitive = (table.frame[name].to_numpy(np.int8) for name in ("label", "sensitive"))
    split = split_rows(label, sensitive, split_seed=split_seed)
    columns = tuple(learn(table.frame[name], split == TRAIN, listed=True) for name in table.feature_names)
    group = Group("sensitive", kind="number", levels=("0", "1"))
    section = DatasetSection(name=table.name, split_seed=split_seed)
    return assemble(table, split, columns, group, section, table.frame)


def assemble(
    table: Table,
    split: Int8,
    columns: tuple[Column, ...],
    group: Group,
    section: DatasetSection,
    raw: pd.DataFrame,
    *,
    dm_only_columns: tuple[Column, ...] = (),
    recorded: Float64 | None = None,
    hard: bool = False,
) -> Dataset:
    """Standardise a table that is split already; raises DataError as ``standardise`` does.

    split: (N,). columns, group: how features are encoded, and who has A = 1; section, raw and
    dm_only_columns as in ``Dataset``. recorded: (N,), of the decision-maker of a user's table, if any,
    decisions if ``hard``.
    """
    # Adding 0 makes 0 of -0: equal values, equal fingerprint.
    features, dm_only = (
        table.frame[list(names)].to_numpy(np.float64) + 0.0
        for names in (table.feature_names, table.dm_only_names)
    )
    label, sensitive = (table.frame[name].to_numpy(np.int8) for name in ("label", "sensitive"))
    training = split == TRAIN
    preprocessing = Preprocessing.learned(columns, group, features, training)
    scaled = preprocessing.standardise(features)
    dm_scaled = standardise(dm_only, *scaling(dm_only, training), table.dm_only_names)
    known = {
        "features": features,
        "label": label,
        "sensitive": sensitive,
        "dm_only": dm_only,
        "split": split,
    }
    decisions = None
    if recorded is not None:
        decisions = with_confidence(recorded, hard, label == 1, training)
        # Every NaN with the same bits.
        known["decisions"] = np.where(np.isnan(recorded), np.nan, recorded + 0.0)
    given = None
    if section.score is not None:
        given = known["given"] = _frozen(Given(section.score).of(raw))
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
        fingerprint=_fingerprint(table, known, section.split_seed if section.own else None),
        table=table,
        section=section,
        raw=raw,
        preprocessing=preprocessing,
        dm_only_columns=dm_only_columns,
        decisions=decisions,
        given=given,
    )


def _fingerprint(table: Table, known: dict[str, npt.NDArray[Any]], split_seed: int | None) -> str:
    """SHA-256 over raw values, split and decisions; not over standardised ones, whose last bits may differ.

    ``split_seed`` where the split does not tell it, though decision-makers depend on it.
    """
    digest = hashlib.sha256()
    if split_seed is not None:
        digest.update(f"split_seed {split_seed}\n".encode())
    digest.update(repr((table.feature_names, table.dm_only_names)).encode())
    for name, array in known.items():
        digest.update(f"\n{name} {array.dtype.itemsize} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def _frozen(array: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
    """Return ``array``, contiguous and read-only."""
    array = np.ascontiguousarray(array)
    array.setflags(write=False)
    return array
