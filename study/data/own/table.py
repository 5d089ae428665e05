"""A user's own table: named columns of a file -> ``Dataset``."""

from typing import Any

import numpy as np
import pandas as pd

from study.data.columns import Column, encode, learn
from study.data.dataset import Dataset, Table, assemble
from study.data.decisions import combine
from study.data.group import Group
from study.data.own.reading import naming
from study.data.own.section import DatasetSection
from study.data.raw_values import Bool, Int8, Value, binary, matches, refuse_missing, shown, some, texts
from study.data.splits import TRAIN, split_groups, split_rows
from study.errors import DataError
from study.storage.locations import shown_location
from study.words import SPLITS

_TOGETHER = (
    *({"sensitive", "features"}, {"score", "features"}),
    *({"group", "drop"}, {"row_id", "drop"}, {"row_id", "group"}),
)
"""Roles that one column may have at once."""


def table_dataset(frame: pd.DataFrame, section: DatasetSection) -> Dataset:
    """Make a Dataset of raw rows, whose columns' roles ``section`` names.

    Inputs come in the order of their names, whatever the file's. How they are encoded is learned on
    training rows. Raises DataError, naming the file and the column, for columns that are not there or not
    what their role needs.
    """
    path, target, sensitive, people = section.path, section.label, section.sensitive, section.decision_maker
    assert path is not None
    assert target is not None
    assert sensitive is not None
    with naming(path):
        features, dm_only = _check_roles(frame, section)
        label = _label(frame[target.column], target.positive)
        group = _group(frame, sensitive.group)
        split = _split(frame, section, label, group)
        decisions, hard = None, False
        if people is not None:
            decisions, hard = combine(
                frame,
                people.columns,
                people.combine,
                label=target.column,
                positive=target.positive,
                seed=section.split_seed,
            )
            _check_known(split, ~np.isnan(decisions), people.columns)
        if section.row_id is not None:
            _check_row_id(frame[section.row_id])
        rows = frame.reset_index(drop=True)
        training = split == TRAIN
        listed = section.features is not None
        model = tuple(learn(rows[column], training, listed=listed) for column in features)
        only = tuple(learn(rows[column], training, listed=True) for column in dm_only)
        table = Table(
            name=section.name,
            frame=_encoded(rows, (*model, *only), label, group, section.row_id),
            feature_names=tuple(name for column in model for name in column.inputs),
            dm_only_names=tuple(name for column in only for name in column.inputs),
            source=shown_location(path),
        )
        learned = sensitive.group.learned(frame)
        return assemble(
            table, split, model, learned, section, rows, dm_only_columns=only, recorded=decisions, hard=hard
        )


def _encoded(
    rows: pd.DataFrame, columns: tuple[Column, ...], label: Bool, group: Bool, row_id: str | None
) -> pd.DataFrame:
    """Return the frame of a ``Table``: numbers under the names of the encoded columns."""
    names = [name for column in columns for name in column.inputs]
    for name in ("label", "sensitive", "split", *(["row_id"] if row_id else [])):
        if name in names:
            raise DataError(f"column {name}: is reserved; rename the column, or drop it")
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise DataError(
            f"column {shown(doubled[0])} is named twice once categories are encoded; rename one"
        )
    encoded = pd.DataFrame(encode(rows, columns), columns=names)
    return encoded.assign(label=label.astype(np.int8), sensitive=group.astype(np.int8))


def _check_roles(frame: pd.DataFrame, section: DatasetSection) -> tuple[list[str], list[str]]:
    """Return names of features and of columns for the decision-maker only; DataError for wrong roles."""
    present = [str(name) for name in frame.columns]
    roles: dict[str, str] = {}
    for name, role in section.roles():
        if present.count(name) != 1:
            what = f"duplicate column {shown(name)}; rename one"
            if name not in present:
                what = f"column {shown(name)} not found; columns are {some(present)}"
            raise DataError(f"dataset.{role}: {what}")
        other = roles.setdefault(name, role)
        both = {role, other}
        if other != role and both not in _TOGETHER:
            raise DataError(
                f"dataset.{role}: column {shown(name)} is named in {other} as well; name it in one of them"
            )
    if section.features is not None:
        features = sorted(set(section.features))
    else:
        features = sorted(name for name in present if name not in roles)
    if not features:
        raise DataError("dataset.features: no column is left for the model; one at least is needed")
    return features, sorted(set(section.dm_only))


def _check_row_id(values: "pd.Series[Any]") -> None:
    """Raise DataError unless every row has an id of its own."""
    refuse_missing(values, "every row needs an id")
    ids = texts(values)
    if ids.duplicated().any():
        raise DataError(
            f"column {shown(str(values.name))}: {shown(str(ids[ids.duplicated()].iloc[0]))} names several "
            "rows; every row needs an id of its own"
        )


def _label(values: "pd.Series[Any]", positive: Value | None) -> Bool:
    """Return the label (N,); DataError for a missing value and anything but two values."""
    refuse_missing(values, "leave rows without an outcome out, a model cannot learn from them")
    text, name = texts(values), str(values.name)
    if positive is None:
        label = binary(text, name, "write label: {column: ..., positive: VALUE}")
    elif text.nunique() > 2:
        raise DataError(f"column {shown(name)}: holds {some(set(text))}; two values are allowed")
    else:
        label = matches(text, positive)
    return _both(label, values, "label", positive)


def _group(frame: pd.DataFrame, sensitive: Group) -> Bool:
    """Return A (N,); DataError as ``Group.of`` raises it, and where there is only one group."""
    wanted = sensitive.at_least if sensitive.equals is None else sensitive.equals
    return _both(sensitive.of(frame), frame[sensitive.column], "sensitive", wanted)


def _both(ones: Bool, values: "pd.Series[Any]", role: str, wanted: Value | None) -> Bool:
    if ones.all() or not ones.any():
        what = "every row" if ones.all() else "no row"
        asked = f" for {shown(str(wanted))}" if wanted is not None else ""
        raise DataError(
            f"dataset.{role}: column {shown(str(values.name))} is 1 in {what}{asked}; both 0 and 1 are "
            f"needed, its values are {some(set(texts(values).dropna()))}"
        )
    return ones


def _split(frame: pd.DataFrame, section: DatasetSection, label: Bool, group: Bool) -> Int8:
    """Return the split of each row: the table's own, else by seed; DataError for a group on two sides."""
    persons = None
    if section.group is not None:
        refuse_missing(frame[section.group], "the group of every row is needed")
        persons, names = pd.factorize(texts(frame[section.group]))
    if section.split is None:
        if persons is None:
            return split_rows(label, group, split_seed=section.split_seed)
        return split_groups(persons, label, group, split_seed=section.split_seed)
    words = texts(frame[section.split])
    if set(words) != set(SPLITS):
        raise DataError(
            f"column {shown(section.split)}: holds {some(words.fillna('a missing value').unique())}; each "
            f"row is allowed one of {', '.join(SPLITS)}, each of them some rows"
        )
    split: Int8 = np.array([SPLITS.index(word) for word in words], dtype=np.int8)
    if persons is not None:
        sides = pd.Series(split).groupby(persons).nunique()
        if (sides > 1).any():
            who = shown(str(names[int(sides.index[sides > 1][0])]))
            raise DataError(
                f"column {shown(section.split)}: {section.group} {who} is in more than one split; one is "
                "allowed"
            )
    return split


def _check_known(split: Int8, known: Bool, names: tuple[str, ...]) -> None:
    for code, word in enumerate(SPLITS):
        if not known[split == code].any():
            raise DataError(
                f"dataset.decision_maker: no row of the {word} split has a decision in {some(names)}; "
                "metrics need some there"
            )
