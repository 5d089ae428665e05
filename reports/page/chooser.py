"""What the part of the page needs in which a person chooses a setting."""

import math
from typing import Any, Final

import pandas as pd

from study.reports.measure.deferral_budgets import EXAMPLE
from study.reports.measure.measures import Measures
from study.reports.measure.panels import in_usual_order
from study.reports.page.tables import table, thinned
from study.results.limits import OBJECTIVES
from study.results.settings import GROUP, in_reading_order
from study.words import NO_DECISION_MAKER

COLUMNS: Final = [
    "setting_id",
    *GROUP,
    *("alpha", "gamma"),
    *(f"{split}_{metric}" for split in ("validation", "test") for metric in OBJECTIVES),
]


def chooser(measures: Measures) -> dict[str, Any] | None:
    """The candidates, as a table for a page without JavaScript and as data; None where there are none."""
    candidates, intervals, fronts = measures.candidates, measures.intervals, measures.fronts
    frame = candidates.frame
    if not len(frame):
        return None
    validation_selected = fronts.loc[fronts["front"] == "honest", "setting_id"]
    shown = frame[frame["setting_id"].isin(validation_selected)]
    shown = in_reading_order(shown if len(shown) else frame, [*GROUP, "validation_di", "setting_id"])
    return {
        "candidates": candidates,
        "missing": intervals.missing,
        "settings": table(thinned(shown)[COLUMNS]),
        "names": {name: _names(frame, name) for name in GROUP},
        "budget": f"{EXAMPLE:g}",
        "place": f"results/{measures.results.study.get('study') or ''}",
        "data": _data(frame, intervals.frame),
    }


def _names(frame: pd.DataFrame, name: str) -> list[str]:
    known = [str(value) for value in in_reading_order(frame, [name])[name].unique()]
    if name != "decision_maker":
        return known
    return in_usual_order(value for value in known if value != NO_DECISION_MAKER)


def _data(frame: pd.DataFrame, intervals: pd.DataFrame) -> dict[str, list[Any]]:
    """The settings for the script: a row each, names as numbers."""
    known = frame[["setting_id"]].merge(intervals, on="setting_id", how="left")
    codes, names = {}, {}
    for name in GROUP:
        codes[name], values = pd.factorize(frame[name].astype(str), sort=True)
        names[name] = list(values)
    columns = [
        frame["setting_id"].astype(str).tolist(),
        *(codes[name].tolist() for name in GROUP),
        *(_rounded(frame[name], 6) for name in ("alpha", "gamma")),
        # A limit with few digits must fall on the same side of a metric as in `study select`.
        *(_rounded(frame[f"validation_{metric}"], 7) for metric in OBJECTIVES),
        *(_rounded(frame[f"test_{metric}"], 4) for metric in OBJECTIVES),
        *(frame[f"run_{metric}"].astype(str).tolist() for metric in OBJECTIVES),
        *(_rounded(known[column], 4) for column in intervals.columns[1:]),
    ]
    return {**names, "rows": list(zip(*columns, strict=True))}


def _rounded(values: "pd.Series[float]", digits: int) -> list[float | None]:
    """To so many significant digits, which JSON writes in the fewest characters."""
    return [None if math.isnan(value) else float(f"{value:.{digits}g}") for value in values.astype(float)]
