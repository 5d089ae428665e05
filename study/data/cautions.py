"""What would make the metrics of a study mislead: one line each, with what to do, before any training.

``BOUNDS`` are ours: below them a line would be about nothing, so that those that are shown are read.
"""

import unicodedata
from collections.abc import Iterator

import numpy as np
import pandas as pd

from study.data.columns import MAX_LEVELS
from study.data.dataset import Dataset
from study.data.decisions import MOST_ERROR
from study.data.logistic import auc, fit_logistic
from study.data.raw_values import Bool, Float32, Int64, shown, spoilt_numbers, texts
from study.data.small_cells import small_cells
from study.data.splits import TEST, TRAIN, VALIDATION
from study.words import SPLITS

BOUNDS = {"label": 0.95, "group": 0.9, "same": 0.995}
"""AUC or share of rows above which there is a line."""

LEAST_NUMBERS = 10
"""From so many categories on, a column that is nearly one of numbers is named."""

MOST_VALUES = 2_000_000
"""So many values are looked at for what can be guessed: a sample of rows, evenly spaced."""


def cautions(dataset: Dataset) -> list[str]:
    """Return a line for everything about ``dataset`` that would make metrics mislead; most weighty first.

    Takes a second or two on 100,000 rows.
    """
    every = (
        *(small_cells, _decision_maker, _near_equal, _gives_label_away, _twins, _cases_apart),
        *(_group_guessed, _constant, _spoilt_numbers),
    )
    return [line for check in every for line in check(dataset)]


def _decision_maker(dataset: Dataset) -> Iterator[str]:
    if dataset.decisions is None:
        return
    known, recorded = dataset.decisions.known, dataset.decisions.recorded
    label, group = dataset.label == 1, dataset.sensitive == 1
    wrong = known & ((recorded >= 0.5) != label)
    people = dataset.section.decision_maker
    judges = "the decision-maker" + (f" {', '.join(map(shown, people.columns))}" if people else "")
    right = 1 - wrong.sum() / known.sum()
    if right >= BOUNDS["same"]:
        same = "equals the label" if right == 1 else f"equals the label in {100 * right:.1f} % of the rows"
        yield (f"{judges} {same}: is it the outcome itself? Name what was decided before it was known")
    elif 1 - right > MOST_ERROR:
        yield (
            f"{judges} is wrong in {100 * (1 - right):.0f} % of the rows: check the coding, "
            "its 1 may mean the label's 0"
        )
    else:
        for value in (0, 1):
            of_group = known & (group == value)
            if of_group.any() and not wrong[of_group].any():
                yield (
                    f"{judges} is never wrong where {shown(dataset.names.groups[value])} "
                    f"({of_group.sum():,} rows): check whether these decisions are the outcome; every such "
                    "case would be deferred"
                )
    if not known.all():
        validation, test = (int(known[dataset.split == split].sum()) for split in (VALIDATION, TEST))
        yield (
            f"{(~known).sum():,} of {len(known):,} rows have no decision: they teach the model outcomes, "
            f"and metrics are measured on the {validation:,} validation and {test:,} test rows that have "
            f"one; the label is 1 in {100 * label[known].mean():.0f} % of the rows with a decision and in "
            f"{100 * label[~known].mean():.0f} % of the others: metrics hold for cases like the former"
        )


def _gives_label_away(dataset: Dataset) -> Iterator[str]:
    rows, others = _sample(dataset, TRAIN), _sample(dataset, VALIDATION)
    label, checked = dataset.label == 1, dataset.label[others] == 1
    found = {}
    for title, kind, positions in _raw_features(dataset):
        values = dataset.features[:, positions]
        if kind == "number":
            scores = [auc(column, label[rows]) for column in values[rows].T]
        else:
            # On other rows: where levels are rare, their own rows would always be guessed.
            scores = [auc(_rate_by_level(values[rows], label[rows], values[others]), checked)]
        found[title] = max((abs(score - 0.5) + 0.5 for score in scores), default=0.5)
    for title, score in sorted(found.items(), key=lambda item: -item[1]):
        if score > BOUNDS["label"]:
            yield (
                f"column {shown(title)}: possible target leakage (AUC {score:.3f} alone): name it in drop, "
                "unless it is known before the outcome is"
            )


def _twins(dataset: Dataset) -> Iterator[str]:
    """Rows of a user's table that nothing tells apart, where it is not recorded who is the same person."""
    if not dataset.section.own or dataset.section.group is not None:
        return
    frame = dataset.raw.drop(columns=[name for name in (dataset.section.split,) if name])
    codes = []
    for name in frame:
        # An object may have no hash, such as a list.
        code = pd.factorize(texts(frame[name]) if frame[name].dtype == object else frame[name])[0]
        if code.max() + 1 < len(frame) or pd.api.types.is_float_dtype(frame[name]):
            codes.append(code)
        # Else it is an identifier, which a copy may have a new one of.
    digest = pd.util.hash_pandas_object(pd.DataFrame(dict(enumerate(codes))), index=False).to_numpy()
    test = dataset.split == TEST
    twins = int(np.isin(digest[test], digest[~test]).sum())
    if twins:
        yield (
            f"{twins:,} of {test.sum():,} test rows equal a training or validation row in all but "
            "identifiers: if these are the same people, name what tells people apart in group; test "
            "metrics are optimistic otherwise"
        )


def _cases_apart(dataset: Dataset) -> Iterator[str]:
    """Columns that are no feature and name a case of several rows, which are in training and in test."""
    if not dataset.section.own:
        return
    features = [column.name for column in dataset.preprocessing.columns]
    used = {
        *features,
        *(name for name, role in dataset.section.roles() if role not in ("drop", "features")),
    }
    alike = pd.util.hash_pandas_object(dataset.raw[features], index=False).to_numpy()
    known = pd.DataFrame({"alike": alike, "y": dataset.label, "split": dataset.split})
    for name in dataset.raw.columns.difference([*used], sort=False):
        codes, values = pd.factorize(texts(dataset.raw[name]))
        if not MAX_LEVELS < len(values) < len(codes):
            continue
        differ = known.groupby(codes).nunique()
        if (differ[["alike", "y"]] > 1).any(axis=None):
            continue  # It names people, say, whose cases differ.
        apart = int((differ["split"] > 1).sum())
        if apart:
            yield (
                f"{apart:,} of {len(values):,} values of column {shown(str(name))} are in more than one "
                "split, with the same outcome and features in each of their rows: if it names cases, name "
                "it in group; test metrics are optimistic otherwise"
            )


def _near_equal(dataset: Dataset) -> Iterator[str]:
    """Values that differ in case or blanks alone, where values are compared."""
    categories = [
        column.name
        for column in (*dataset.preprocessing.columns, *dataset.dm_only_columns)
        if column.kind == "category"
    ]
    compared = [
        name for name, role in dataset.section.roles() if role in ("label", "sensitive", "decision_maker")
    ]
    for name in dict.fromkeys([*compared, *categories]):
        if pd.api.types.is_numeric_dtype(dataset.raw[name]):
            continue
        spellings: dict[str, list[str]] = {}
        for value in sorted(set(texts(dataset.raw[name]).dropna())):
            plain = " ".join(unicodedata.normalize("NFKC", value).casefold().split())
            spellings.setdefault(plain, []).append(value)
        found = [", ".join(map(shown, same)) for same in spellings.values() if len(same) > 1]
        if found:
            more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            yield (
                f"column {shown(name)}: {found[0]} are near-equal spellings{more}, and count as different "
                "values: write one spelling if they mean the same"
            )


def _spoilt_numbers(dataset: Dataset) -> Iterator[str]:
    """Categories that would be numbers but for a few cells."""
    for column in dataset.preprocessing.columns:
        if column.kind != "category" or len(column.levels) < LEAST_NUMBERS:
            continue
        if words := spoilt_numbers(texts(dataset.raw[column.name])):
            yield f"column {shown(column.name)} is used as categories: it holds {words}"


def _group_guessed(dataset: Dataset) -> Iterator[str]:
    train, test = _sample(dataset, TRAIN), _sample(dataset, TEST)
    x, group = dataset.features[:, :-1], dataset.sensitive == 1
    if not x.shape[1]:
        return
    weights = fit_logistic(x[train], group[train])
    score = auc(x[test] @ weights[:-1], group[test])
    if score > BOUNDS["group"]:
        strongest = np.argsort(-np.abs(weights[:-1]), kind="stable")[:3]
        names = ", ".join(shown(dataset.feature_names[k]) for k in strongest if weights[k])
        yield (
            f"proxies: the sensitive attribute is predictable from the other columns (AUC {score:.2f}), "
            f"most of all from {names}; name them in drop if a model must not use them"
        )


def _constant(dataset: Dataset) -> Iterator[str]:
    rows = dataset.features[dataset.split == TRAIN]
    varies = np.ptp(rows, axis=0) > 0
    names = [title for title, _, positions in _raw_features(dataset) if not varies[positions].any()]
    if names:
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        plural = "columns" if len(names) > 1 else "column"
        listed = ", ".join(shown(name) for name in names[:5])
        yield f"{plural} {listed}{more}: the same in every training row, without effect; name it in drop"


def _raw_features(dataset: Dataset) -> list[tuple[str, str, list[int]]]:
    """Return each raw column, its kind, and its positions among the inputs."""
    found: list[tuple[str, str, list[int]]] = []
    start = 0
    for column in dataset.preprocessing.columns:
        found.append((column.name, column.kind, list(range(start, start + len(column.inputs)))))
        start += len(column.inputs)
    return found


def _rate_by_level(
    values: Float32, label: Bool, others: Float32
) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Return for each of ``others`` (m, K) the share of label 1 among equal ``values`` (n, K): (m,).

    Where there is none, the share among all of them.
    """
    _, pattern = np.unique(np.concatenate([values, others]), axis=0, return_inverse=True)
    seen, asked = np.split(pattern.reshape(-1), [len(values)])
    count = np.bincount(seen, minlength=pattern.max() + 1)
    ones = np.bincount(seen, weights=label, minlength=pattern.max() + 1)
    return np.where(count > 0, ones / np.maximum(count, 1), label.mean())[asked]


def _sample(dataset: Dataset, split: int) -> Int64:
    """Return rows of a split, evenly spaced, few enough to be quick."""
    rows = dataset.indices(SPLITS[split])
    wanted = min(len(rows), max(1000, MOST_VALUES // dataset.features.shape[1]))
    return rows[np.linspace(0, len(rows) - 1, wanted).astype(np.int64)]
