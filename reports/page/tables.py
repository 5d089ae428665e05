"""Tables of a page: which columns, how numbers are written, how many rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

import numpy as np
import pandas as pd

from study.results.wording import NOTHING, decimals, percent, significant, whole

ROWS: Final = 40
FORMATS: Final[dict[str, Callable[[object], str]]] = {
    **dict.fromkeys(("error", "di", "validation_error", "validation_di"), decimals(3)),
    **dict.fromkeys(("test_error", "test_di", "cost", "validation_cost", "test_cost"), decimals(3)),
    **dict.fromkeys(("di_y0", "di_y1", "error_a0", "error_a1"), decimals(3)),
    **dict.fromkeys(("idk_rate", "validation_idk_rate", "test_idk_rate"), percent),
    **dict.fromkeys(("on_front", "near_front", "overlap"), percent),
    **dict.fromkeys(("alpha", "gamma", "model_alpha"), significant),
    **dict.fromkeys(("hypervolume_honest", "hypervolume_paper"), decimals(4)),
    **dict.fromkeys(("points_honest", "points_paper"), whole),
}
HEADINGS: Final = {
    "what": "method",
    "decision_maker": "decision-maker",
    "di": "odds difference",
    "idk_rate": "deferral rate",
    "cost": "cost per case",
    "validation_cost": "validation cost",
    "test_cost": "test cost",
    "validation_error": "validation error",
    "validation_di": "validation odds difference",
    "validation_idk_rate": "validation deferral rate",
    "test_error": "test error",
    "test_di": "test odds difference",
    "test_idk_rate": "test deferral rate",
    "on_front": "on the seed’s front",
    "near_front": "on it or within 0.01",
    "overlap": "overlap of two seeds’ fronts",
    "setting_id": "setting",
    "points_honest": "points, validation-selected",
    "hypervolume_honest": "hypervolume, validation-selected",
    "points_paper": "points, test-selected",
    "hypervolume_paper": "hypervolume, test-selected",
}


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        text: what it says.
        below: in smaller letters below that, such as an interval.
        kind: its class: `number`, `id` or none.
        scope: `row` or `rowgroup` of a cell that is a heading.
        rows: how many rows it stands for.
        share: drawn as a bar next to the text, if given.
    """

    text: str
    below: str = ""
    kind: str = ""
    scope: str = ""
    rows: int = 1
    share: float | None = None


@dataclass(frozen=True)
class Table:
    """Headings with their classes, and the rows in groups."""

    head: Sequence[tuple[str, str]]
    bodies: Sequence[Sequence[Sequence[Cell]]]


def table(frame: pd.DataFrame, *, by: str = "", headings: Mapping[str, str] = HEADINGS) -> Table:
    """A table with a heading per column; missing values are a dash, numbers are right-aligned.

    Args:
        frame: the rows, in order.
        by: the first column, if its equal neighbours are to be one heading over their rows.
        headings: of columns whose names would not do.
    """
    columns = list(frame.columns)
    kinds = ["" if _is_text(frame[column]) else "number" for column in columns]
    heads = [headings.get(column, column.replace("_", " ")) for column in columns]
    rows = [
        [_cell(c, v, k) for c, v, k in zip(columns, row, kinds, strict=True)]
        for row in frame.itertuples(index=False, name=None)
    ]
    return Table(list(zip(heads, kinds, strict=True)), _grouped(rows) if by else [rows])


def text_table(headings: Sequence[str], rows: Sequence[Sequence[str | Cell]]) -> Table:
    """A table of texts; the first cell of a row, unless it is empty, is its heading."""
    cells = [[cell if isinstance(cell, Cell) else Cell(cell) for cell in row] for row in rows]
    lead = [[replace(first, scope="row" if first.text else ""), *others] for first, *others in cells]
    return Table([(heading, "") for heading in headings], [lead])


def with_interval(value: float, low: float, high: float, write: Callable[[object], str]) -> Cell:
    """A metric with its interval below; without an interval the metric alone, and a dash without that."""
    if value != value:
        return Cell(NOTHING)
    return Cell(write(value), "" if low != low else ends(low, high, write))


def ends(low: float, high: float, write: Callable[[object], str]) -> str:
    """Both ends of an interval; NaN is a dash."""
    return NOTHING if low != low else f"{write(low).removesuffix(' %')} to {write(high)}"


def thinned(frame: pd.DataFrame, rows: int = ROWS) -> pd.DataFrame:
    """At most so many rows, evenly spread from the first to the last."""
    if len(frame) <= rows:
        return frame
    return frame.iloc[np.linspace(0, len(frame) - 1, rows).round().astype(int)]


def _grouped(rows: list[list[Cell]]) -> list[list[list[Cell]]]:
    bodies = []
    for _, equal in groupby(rows, key=lambda row: row[0].text):
        first, *others = equal
        head = replace(first[0], kind="", scope="rowgroup", rows=1 + len(others))
        bodies.append([[head, *first[1:]], *(row[1:] for row in others)])
    return bodies


def _is_text(column: pd.Series) -> bool:
    return not pd.api.types.is_numeric_dtype(column) and len(column) > 0


def _cell(column: str, value: object, kind: str) -> Cell:
    if value is None or value is pd.NaT or value != value:
        return Cell(NOTHING, kind=kind)
    text = FORMATS[column](value) if kind and column in FORMATS else str(value)
    return Cell(text, kind="id" if column == "setting_id" else kind)
