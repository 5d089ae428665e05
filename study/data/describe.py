"""A ``Dataset`` as text, for the terminal, and as a file."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from study.data.cautions import cautions
from study.data.columns import Column
from study.data.dataset import Dataset
from study.data.raw_values import Bool, numbers, shown, some, texts
from study.storage.tables import parquet_bytes
from study.storage.whole_files import write_whole
from study.words import SPLITS

WIDTH = 96


def describe(dataset: Dataset) -> str:
    """Return aligned text: source, columns, base rates by group, splits, (A, y) cells per split.

    Of a user's own table also how each column is understood, and how its decision-maker and given model
    decide; cautions come last. Percentages of an empty group are shown as "-".
    """
    label, group = dataset.label == 1, dataset.sensitive == 1
    everyone = np.ones(len(label), dtype=bool)
    splits = {name: dataset.split == code for code, name in enumerate(SPLITS)} | {"all": everyone}

    (a0, a1), (y0, y1) = (map(shown, pair) for pair in (dataset.names.groups, dataset.names.outcomes))
    by_group = [["", "rows", "share", y1]]
    for title, rows in (("everyone", everyone), (a0, ~group), (a1, group)):
        by_group.append([title, _count(rows), _rate(rows, everyone), _rate(label, rows)])

    by_split = [["", "rows", "share", y1, a1]]
    cells = [["rows with", *(f"{a}, {y}" for a in (a0, a1) for y in (y0, y1))]]
    for title, rows in splits.items():
        by_split.append(
            [title, _count(rows), _rate(rows, everyone), _rate(label, rows), _rate(group, rows)]
        )
        corners = (~group & ~label, ~group & label, group & ~label, group & label)
        cells.append([title, *(_count(rows & corner) for corner in corners)])

    found = cautions(dataset)
    head = [
        f"{dataset.name}: {len(label):,} rows, {len(dataset.feature_names)} inputs of the model",
        f"source       {dataset.source}",
        f"fingerprint  {dataset.fingerprint}",
    ]
    return "\n\n".join(
        [
            "\n".join(head),
            *_understood(dataset),
            _listed("The model sees (the last one is A)", dataset.feature_names),
            _listed("The decision-maker also sees", dataset.dm_only_names or ("nothing more",)),
            *map(_aligned, (by_group, by_split, cells)),
            *_decided(dataset, splits),
            *(["Warnings:\n" + "\n".join(f"  {line}" for line in found)] if found else []),
        ]
    )


def facts(dataset: Dataset) -> dict[str, Any]:
    """Return the numbers of ``describe`` as plain data; a share of no rows is None."""
    label, group = dataset.label == 1, dataset.sensitive == 1
    splits = {name: dataset.split == code for code, name in enumerate(SPLITS)}
    parts = {"all": np.ones(len(label), dtype=bool), "a0": ~group, "a1": group, **splits}
    shares = {"label": label, "sensitive": group}
    return {
        "name": dataset.name,
        "source": dataset.source,
        "fingerprint": dataset.fingerprint,
        "rows": len(label),
        "inputs": list(dataset.feature_names),
        "decision_maker_only": list(dataset.dm_only_names),
        "parts": {
            name: {"rows": int(rows.sum())}
            | {key: float(what[rows].mean()) if rows.any() else None for key, what in shares.items()}
            for name, rows in parts.items()
        },
        "warnings": cautions(dataset),
    }


def _understood(dataset: Dataset) -> list[str]:
    """What each column of a user's table was taken for, in file order, and what groups are called."""
    names = dataset.names
    pairs = (("A", names.groups), ("label", names.outcomes))
    called = "\n".join(f"{key} = {at}: {shown(words[at])}" for key, words in pairs for at in (0, 1))
    if not dataset.section.own:
        return [called]
    roles = {name: role for name, role in reversed(dataset.section.roles()) if role != "features"}
    encoded = {column.name: column for column in (*dataset.preprocessing.columns, *dataset.dm_only_columns)}
    table = [["column", "role", "kind", "missing", "values"]]
    for name in map(str, dataset.raw.columns):
        values, column = dataset.raw[name], encoded.get(name)
        role = roles.get(name, "feature" if column else "not used")
        if role in ("sensitive", "score") and column:
            role = f"{role}, feature"
        missing = f"{100 * values.isna().mean():.1f} %"
        table.append([shown(name), role, column.kind if column else "-", missing, _values(values, column)])
    return [_aligned(table, left=5), called]


def _values(values: "pd.Series[Any]", column: Column | None) -> str:
    """A number's range, a category's levels, else how many different values there are."""
    if column is None:
        there = set(texts(values).dropna().astype(str))
        return some(there) if len(there) <= 4 else f"{len(there):,} different"
    if column.kind == "number":
        known = numbers(values.dropna())
        return f"{known.min():g} to {known.max():g}" if len(known) else "none"
    levels = ", ".join([*map(shown, column.levels), *["others"] * column.other])
    return levels if len(levels) <= 40 else f"{len(column.levels)} levels" + ", and others" * column.other


def _decided(dataset: Dataset, splits: Mapping[str, Bool]) -> list[str]:
    """Error and odds difference of the decision-maker and the given model of a user's table."""
    section = dataset.section
    label, group = dataset.label == 1, dataset.sensitive == 1
    found = []
    if dataset.decisions is not None and (people := section.decision_maker):
        how = {"draw": ", one drawn for each case", "majority": ", their majority", None: ""}[
            people.combine
        ]
        what = "decisions" if dataset.decisions.hard else "probabilities"
        title = f"The decision-maker of column {', '.join(map(shown, people.columns))}{how}: {what}"
        found.append((title, "decision-maker", dataset.decisions.recorded))
    if dataset.given is not None:
        title = f"The given model of column {shown(str(section.score))}"
        found.append((title, "given model", dataset.given))
    blocks = []
    for title, who, probability in found:
        wrong, known = (probability >= 0.5) != label, ~np.isnan(probability)
        lines = [[who, "decided", "share", "error", "odds difference"]]
        for split, rows in splits.items():
            decided = rows & known
            di = disparate_impact(wrong[decided], label[decided], group[decided])
            rates = [_count(decided), _rate(known, rows), _rate(wrong, decided)]
            lines.append([split, *rates, "-" if np.isnan(di) else f"{di:.3f}"])
        blocks += [title, _aligned(lines)]
    return blocks


def disparate_impact(wrong: Bool, label: Bool, group: Bool) -> float:
    """Return DI (Eq. 11) of decisions that are ``wrong`` (N,): NaN where a cell (A, y) is empty."""
    rates = [[wrong[(group == a) & (label == y)] for a in (False, True)] for y in (False, True)]
    if not all(len(cell) for row in rates for cell in row):
        return float("nan")
    return float(np.mean([abs(row[0].mean() - row[1].mean()) for row in rates]))


def _count(rows: Bool) -> str:
    return f"{int(rows.sum()):,}"


def _rate(what: Bool, rows: Bool) -> str:
    """Percentage of ``rows`` that are ``what``."""
    return f"{100 * what[rows].mean():.1f} %" if rows.any() else "-"


def _listed(title: str, names: Sequence[str]) -> str:
    body = textwrap.wrap(", ".join(names), WIDTH - 2, break_long_words=False, break_on_hyphens=False)
    return "\n".join([f"{title}:", *(f"  {line}" for line in body)])


def _aligned(lines: Sequence[Sequence[str]], left: int = 1) -> str:
    """The first ``left`` columns to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if position < left else cell.rjust(width)
            for position, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def write_table(dataset: Dataset, path: Path | str) -> None:
    """Write the table as the models see it before standardising, as Parquet.

    Columns: the features by name, ``label``, ``sensitive``, one per value that only the decision-maker
    sees, ``split`` (train, validation, test); before them ``row_id``, where the table has one. Raises
    OutputError where ``path`` cannot be written.
    """
    table = dataset.table
    names = [*table.feature_names, "label", "sensitive", *table.dm_only_names]
    frame = table.frame[names].assign(split=[SPLITS[code] for code in dataset.split])
    if dataset.row_id is not None:
        frame.insert(0, "row_id", dataset.row_id)
    write_whole(Path(path), parquet_bytes(pa.Table.from_pandas(frame, preserve_index=False)))
