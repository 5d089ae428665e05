"""A ``Dataset`` in words and figures, for a person at a terminal."""

import textwrap
from collections.abc import Sequence

import numpy as np

from study.data.dataset import Dataset
from study.data.splits import SPLITS

WIDTH = 96


def describe(dataset: Dataset) -> str:
    """Return aligned text: source, columns, base rates by group, splits, (A, y) cells per split.

    Percentages of an empty group are shown as "-".
    """
    everyone = np.ones(len(dataset.label), dtype=bool)
    label, group = dataset.label == 1, dataset.sensitive == 1
    splits = {name: dataset.split == code for code, name in enumerate(SPLITS)}

    by_group = [["", "rows", "share", "label = 1"]]
    for title, rows in (("everyone", everyone), ("A = 0", ~group), ("A = 1", group)):
        by_group.append([title, _count(rows), _rate(rows, everyone), _rate(label, rows)])

    by_split = [["", "rows", "share", "label = 1", "A = 1"]]
    cells = [["rows with", "A = 0, y = 0", "A = 0, y = 1", "A = 1, y = 0", "A = 1, y = 1"]]
    for title, rows in {**splits, "all": everyone}.items():
        by_split.append(
            [title, _count(rows), _rate(rows, everyone), _rate(label, rows), _rate(group, rows)]
        )
        corners = (~group & ~label, ~group & label, group & ~label, group & label)
        cells.append([title, *(_count(rows & corner) for corner in corners)])

    head = [
        f"{dataset.name}: {len(label):,} rows, {len(dataset.feature_names)} inputs of the model",
        f"source       {dataset.source}",
        f"fingerprint  {dataset.fingerprint}",
    ]
    return "\n\n".join(
        [
            "\n".join(head),
            _listed("The model sees (the last one is A)", dataset.feature_names),
            _listed("The DM sees that, and", dataset.dm_only_names or ("nothing more",)),
            _aligned(by_group),
            _aligned(by_split),
            _aligned(cells),
        ]
    )


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


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    """First column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            [line[0].ljust(widths[0])]
            + [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        )
        for line in lines
    )
