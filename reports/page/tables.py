"""Tables of a page: which columns, how numbers are written, how many rows."""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Final

import numpy as np
import pandas as pd

from study.reports.page.markup import Html, join, tag
from study.results.wording import NOTHING, decimals, listed, percent, significant, whole

ROWS: Final = 40
FORMATS: Final[dict[str, Callable[[object], str]]] = {
    **dict.fromkeys(("error", "di", "validation_error", "validation_di"), decimals(3)),
    **dict.fromkeys(("test_error", "test_di"), decimals(3)),
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
    "di": "DI",
    "idk_rate": "IDK rate",
    "validation_error": "validation error",
    "validation_di": "validation DI",
    "validation_idk_rate": "validation IDK rate",
    "test_error": "test error",
    "test_di": "test DI",
    "test_idk_rate": "test IDK rate",
    "on_front": "on the seed’s front",
    "near_front": "on it or within 0.01",
    "overlap": "overlap of two seeds’ fronts",
    "di_y0": "DI, Y = 0",
    "di_y1": "DI, Y = 1",
    "error_a0": "error, A = 0",
    "error_a1": "error, A = 1",
    "setting_id": "setting",
    "points_honest": "points, honest",
    "hypervolume_honest": "hypervolume, honest",
    "points_paper": "points, paper’s",
    "hypervolume_paper": "hypervolume, paper’s",
}


def table(
    frame: pd.DataFrame,
    caption: str | None = None,
    *,
    by: str | None = None,
    **attributes: str,
) -> Html:
    """A table with a heading per column; missing values are a dash, numbers are right-aligned.

    Args:
        frame: the rows, in order.
        caption: above it.
        by: the first column, if its equal neighbours are to be one heading over their rows.
        attributes: of the element, as `tag` takes them.
    """
    columns = list(frame.columns)
    kinds = [None if _is_text(frame[column]) else "number" for column in columns]
    heads = [
        tag("th", HEADINGS.get(column, column.replace("_", " ")), scope="col", class_=kind)
        for column, kind in zip(columns, kinds, strict=True)
    ]
    rows = [
        [_cell(c, v, k) for c, v, k in zip(columns, row, kinds, strict=True)]
        for row in frame.itertuples(index=False, name=None)
    ]
    return _table(heads, _grouped(rows, frame[by]) if by else [rows], caption, attributes)


def text_table(
    headings: Sequence[str], rows: Sequence[Sequence[object]], *, caption: object, **attributes: str
) -> Html:
    """A table of texts; the first cell of a row is its heading. `attributes` as those of `table`."""
    heads = [tag("th", heading, scope="col") for heading in headings]
    cells = [[tag("th", row[0], scope="row"), *(tag("td", text) for text in row[1:])] for row in rows]
    return _table(heads, [cells], caption, attributes)


def with_interval(value: object, low: object, high: object, write: Callable[[object], str]) -> Html:
    """A figure with its interval below; without an interval the figure alone, and a dash without that."""
    if value != value:
        return join(NOTHING)
    below = None if low != low else tag("div", ends(low, high, write), class_="interval")
    return join(write(value), below)


def ends(low: object, high: object, write: Callable[[object], str]) -> str:
    """Both ends of an interval; NaN is a dash."""
    return NOTHING if low != low else f"{write(low).removesuffix(' %')} to {write(high)}"


def key_values(pairs: Mapping[str, object]) -> Html:
    """A table of two columns; an empty mapping gives an empty table."""
    rows = [tag("tr", tag("th", key, scope="row"), tag("td", value)) for key, value in pairs.items()]
    return tag("div", tag("table", tag("tbody", *rows), class_="keys"), class_="scroll")


def flattened(tree: Mapping[str, object], prefix: str = "") -> dict[str, str]:
    """A nested mapping as `{"a.b": text}`, mappings in lists by number; plain lists with commas."""
    flat: dict[str, str] = {}
    for key, value in tree.items():
        if isinstance(value, list | tuple) and any(isinstance(item, Mapping) for item in value):
            value = {str(number): item for number, item in enumerate(value, start=1)}
        if isinstance(value, Mapping):
            flat |= flattened(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = listed(value)
    return flat


def thinned(frame: pd.DataFrame, rows: int = ROWS) -> pd.DataFrame:
    """At most so many rows, evenly spread from the first to the last."""
    if len(frame) <= rows:
        return frame
    return frame.iloc[np.linspace(0, len(frame) - 1, rows).round().astype(int)]


def _table(
    heads: list[Html],
    bodies: list[list[list[Html]]],
    caption: object,
    attributes: Mapping[str, str],
) -> Html:
    content = join(
        tag("caption", caption) if caption else None,
        tag("thead", tag("tr", *heads)),
        *(tag("tbody", *(tag("tr", *row) for row in rows)) for rows in bodies),
    )
    return tag("div", tag("table", content, **attributes), class_="scroll")


def _grouped(rows: list[list[Html]], names: pd.Series) -> list[list[list[Html]]]:
    texts = [NOTHING if name is None or name != name else str(name) for name in names]
    bodies = []
    for text, group in groupby(range(len(rows)), key=texts.__getitem__):
        first, *others = group
        head = tag("th", text, scope="rowgroup", rowspan=1 + len(others))
        bodies.append([[head, *rows[first][1:]], *(rows[other][1:] for other in others)])
    return bodies


def _is_text(column: pd.Series) -> bool:
    return not pd.api.types.is_numeric_dtype(column) and len(column) > 0


def _cell(column: str, value: object, kind: str | None) -> Html:
    if value is None or value is pd.NaT or value != value:
        return tag("td", NOTHING, class_=kind)
    text = FORMATS[column](value) if kind and column in FORMATS else str(value)
    return tag("td", text, class_="id" if column == "setting_id" else kind)
