"""Tables of a page: which columns, how numbers are written, how many rows."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import pandas as pd

from reports.markup import Html, join, tag

ROWS: Final = 40
NOTHING: Final = "–"


def decimals(digits: int) -> Callable[[object], str]:
    """Writes a number with so many digits after the point."""
    return lambda value: f"{value:.{digits}f}"


def percent(value: object) -> str:
    """0.1234 as 12.3 %."""
    return f"{float(str(value)):.1%}".replace("%", " %")


def significant(value: object) -> str:
    """With up to four significant digits."""
    return f"{value:.4g}"


def whole(value: object) -> str:
    """With thousands apart."""
    return f"{int(float(str(value))):,}"


def counted(number: int, thing: str) -> str:
    """Such as 1 point or 1,200 points."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


FORMATS: Final[dict[str, Callable[[object], str]]] = {
    **dict.fromkeys(("error", "di", "validation_error", "validation_di"), decimals(3)),
    **dict.fromkeys(("di_y0", "di_y1", "error_a0", "error_a1"), decimals(3)),
    **dict.fromkeys(("idk_rate", "validation_idk_rate"), percent),
    **dict.fromkeys(("alpha", "gamma"), significant),
    **dict.fromkeys(("hypervolume_honest", "hypervolume_paper"), decimals(4)),
    **dict.fromkeys(("points_honest", "points_paper"), whole),
    "runs": whole,
    "settings": whole,
}
HEADINGS: Final = {
    "what": "",
    "decision_maker": "decision-maker",
    "di": "DI",
    "idk_rate": "IDK rate",
    "validation_error": "validation error",
    "validation_di": "validation DI",
    "validation_idk_rate": "validation IDK rate",
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


def table(frame: pd.DataFrame, caption: str | None = None) -> Html:
    """A table with a heading per column; missing values are a dash, numbers are right-aligned."""
    kinds = [None if _is_text(frame[column]) else "number" for column in frame.columns]
    heads = [
        tag("th", HEADINGS.get(column, column.replace("_", " ")), scope="col", class_=kind)
        for column, kind in zip(frame.columns, kinds, strict=True)
    ]
    rows = [
        tag("tr", *(_cell(c, v, k) for c, v, k in zip(frame.columns, row, kinds, strict=True)))
        for row in frame.itertuples(index=False, name=None)
    ]
    content = join(
        tag("caption", caption) if caption else None,
        tag("thead", tag("tr", *heads)),
        tag("tbody", *rows),
    )
    return tag("div", tag("table", content), class_="scroll")


def key_values(pairs: Mapping[str, object]) -> Html:
    """A table of two columns; an empty mapping gives an empty table."""
    rows = [tag("tr", tag("th", key, scope="row"), tag("td", value)) for key, value in pairs.items()]
    return tag("div", tag("table", tag("tbody", *rows), class_="keys"), class_="scroll")


def flattened(tree: Mapping[str, object], prefix: str = "") -> dict[str, str]:
    """A nested mapping as `{"a.b": text}`; lists are joined by commas, None is a dash."""
    flat: dict[str, str] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            flat |= flattened(value, f"{prefix}{key}.")
        elif isinstance(value, list | tuple):
            flat[f"{prefix}{key}"] = ", ".join(map(str, value))
        else:
            flat[f"{prefix}{key}"] = NOTHING if value is None else str(value)
    return flat


def thinned(frame: pd.DataFrame, rows: int = ROWS) -> pd.DataFrame:
    """At most so many rows, evenly spread from the first to the last."""
    if len(frame) <= rows:
        return frame
    return frame.iloc[np.linspace(0, len(frame) - 1, rows).round().astype(int)]


def _is_text(column: pd.Series) -> bool:
    return not pd.api.types.is_numeric_dtype(column) and len(column) > 0


def _cell(column: str, value: object, kind: str | None) -> Html:
    if value is None or value is pd.NaT or value != value:
        return tag("td", NOTHING, class_=kind)
    text = FORMATS[column](value) if kind and column in FORMATS else str(value)
    return tag("td", text, class_="id" if column == "setting_id" else kind)
