"""A ``Dataset`` as text, for the terminal, and as a file."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from study.data.cautions import cautions, disparate_impact
from study.data.dataset import Dataset, OwnTable
from study.data.preprocessing import Column, numbers, shown, some, text_of, texts
from study.storage.whole_files import write_whole
from study.words import NAMES, SPLITS

WIDTH = 96


def describe(dataset: Dataset) -> str:
    """Return aligned text: source, columns, base rates by group, splits, (A, y) cells per split.

    Of a user's own table also how each column is understood, and how its decision-maker decides;
    cautions come last.
    Percentages of an empty group are shown as "-".
    """
    everyone = np.ones(len(dataset.label), dtype=bool)
    label, group = dataset.label == 1, dataset.sensitive == 1
    splits = {name: dataset.split == code for code, name in enumerate(SPLITS)}

    (a0, a1), (y0, y1) = (map(shown, pair) for pair in (dataset.names.groups, dataset.names.outcomes))
    by_group = [["", "rows", "share", y1]]
    for title, rows in (("everyone", everyone), (a0, ~group), (a1, group)):
        by_group.append([title, _count(rows), _rate(rows, everyone), _rate(label, rows)])

    by_split = [["", "rows", "share", y1, a1]]
    cells = [["rows with", *(f"{a}, {y}" for a in (a0, a1) for y in (y0, y1))]]
    for title, rows in {**splits, "all": everyone}.items():
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
            *(_understood(dataset.own) if dataset.own else _named(dataset.name)),
            _listed("The model sees (the last one is A)", dataset.feature_names),
            _listed("The decision-maker also sees", dataset.dm_only_names or ("nothing more",)),
            _aligned(by_group),
            _aligned(by_split),
            _aligned(cells),
            *_decided(dataset, splits | {"all": everyone}),
            *_scored(dataset, splits | {"all": everyone}),
            *(["Warnings:\n" + "\n".join(f"  {line}" for line in found)] if found else []),
        ]
    )


def facts(dataset: Dataset) -> dict[str, Any]:
    """Return the numbers of ``describe`` as plain data; a share of no rows is None."""

    def share(what: np.ndarray, rows: np.ndarray) -> float | None:
        return float(what[rows].mean()) if rows.any() else None

    everyone = np.ones(len(dataset.label), dtype=bool)
    label, group = dataset.label == 1, dataset.sensitive == 1
    splits = {name: dataset.split == code for code, name in enumerate(SPLITS)}
    parts = {"all": everyone, "a0": ~group, "a1": group, **splits}
    return {
        "name": dataset.name,
        "source": dataset.source,
        "fingerprint": dataset.fingerprint,
        "rows": len(label),
        "inputs": list(dataset.feature_names),
        "decision_maker_only": list(dataset.dm_only_names),
        "parts": {
            name: {"rows": int(rows.sum()), "label": share(label, rows), "sensitive": share(group, rows)}
            for name, rows in parts.items()
        },
        "warnings": cautions(dataset),
    }


def _understood(own: OwnTable) -> list[str]:
    """What each column of a user's table was taken for, in the order of the file."""
    roles = {name: role for name, role in reversed(own.section.roles()) if role != "features"}
    encoded = {column.name: column for column in (*own.features, *own.dm_only)}
    lines = [["column", "role", "kind", "missing", "values"]]
    for name in map(str, own.frame.columns):
        column = encoded.get(name)
        role = roles.get(name, "feature" if column else "not used")
        if role in ("sensitive", "score") and column:
            role = f"{role}, feature"
        missing = f"{100 * own.frame[name].isna().mean():.1f} %"
        kind = column.kind if column else "-"
        lines.append([shown(name), role, kind, missing, _values(own, name, column)])
    of_rule, label = own.group, own.section.label
    rule = "it is 1"
    if of_rule.equals is not None:
        rule = f"it is {shown(text_of(of_rule.equals))}"
    elif of_rule.at_least is not None:
        rule = f"it is {of_rule.at_least:g} or more"
    rules = [f"A = 1 where {shown(of_rule.column)}: {rule}"]
    if label is not None and label.positive is not None:
        rules.append(f"label = 1 where {shown(label.column)}: it is {shown(text_of(label.positive))}")
    return [_aligned(lines, left=5), "\n".join(rules)]


def _named(name: str) -> list[str]:
    """What the groups and outcomes of a data set are called that the project knows."""
    pairs = zip(("A", "label"), NAMES[name], strict=True) if name in NAMES else ()
    lines = [f"{key} = {at}: {words[at]}" for key, words in pairs for at in (0, 1)]
    return ["\n".join(lines)] if lines else []


def _values(own: OwnTable, name: str, column: Column | None) -> str:
    """A number's range, a category's levels, else how many different values there are."""
    values = own.frame[name]
    if column is None:
        there = set(texts(values).dropna().astype(str))
        return some(there) if len(there) <= 4 else f"{len(there):,} different"
    if column.kind == "number":
        known = numbers(values.dropna())
        return f"{known.min():g} to {known.max():g}" if len(known) else "none"
    levels = ", ".join(map(shown, column.levels)) + (", others" if column.other else "")
    return (
        levels
        if len(levels) <= 40
        else f"{len(column.levels)} levels{', and others' if column.other else ''}"
    )


def _decided(dataset: Dataset, splits: Mapping[str, np.ndarray]) -> list[str]:
    """Error and odds difference of the decision-maker of a user's table, where decisions are known."""
    people = dataset.own.section.decision_maker if dataset.own else None
    if dataset.decisions is None or people is None:
        return []
    known = dataset.decisions.known
    wrong = (dataset.decisions.recorded >= 0.5) != (dataset.label == 1)
    lines = [["decision-maker", "decided", "share", "error", "odds difference"]]
    for title, rows in splits.items():
        decided = rows & known
        di = disparate_impact(wrong[decided], dataset.label[decided] == 1, dataset.sensitive[decided] == 1)
        figures = [_count(decided), _rate(known, rows), _rate(wrong, decided)]
        lines.append([title, *figures, "-" if np.isnan(di) else f"{di:.3f}"])
    names = ", ".join(map(shown, people.columns))
    how = {"draw": ", one drawn for each case", "majority": ", their majority"}.get(
        people.combine or "", ""
    )
    what = "decisions" if dataset.decisions.hard else "probabilities"
    return [f"The decision-maker of column {names}{how}: {what}", _aligned(lines)]


def _scored(dataset: Dataset, splits: Mapping[str, np.ndarray]) -> list[str]:
    """Error and odds difference of the given model of a user's table, which decides 1 from 0.5 on."""
    if dataset.given is None or dataset.own is None:
        return []
    wrong = (dataset.given >= 0.5) != (dataset.label == 1)
    lines = [["given model", "error", "odds difference"]]
    for title, rows in splits.items():
        di = disparate_impact(wrong[rows], dataset.label[rows] == 1, dataset.sensitive[rows] == 1)
        lines.append([title, _rate(wrong, rows), "-" if np.isnan(di) else f"{di:.3f}"])
    return [f"The given model of column {shown(str(dataset.own.section.score))}", _aligned(lines)]


def _count(rows: np.ndarray) -> str:
    return f"{int(rows.sum()):,}"


def _rate(what: np.ndarray, rows: np.ndarray) -> str:
    """Percentage of ``rows`` that are ``what``."""
    return f"{100 * what[rows].mean():.1f} %" if rows.any() else "-"


def _listed(title: str, names: Sequence[str]) -> str:
    body = textwrap.fill(
        ", ".join(names),
        WIDTH,
        initial_indent="  ",
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return f"{title}:\n{body}"


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
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), sink, compression="zstd")
    write_whole(Path(path), sink.getvalue().to_pybytes())
