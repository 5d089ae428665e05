"""Tables of decision-makers and of the points of every front."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

from study.group_names import GroupNames
from study.reports.measure.panels import in_usual_order
from study.reports.page.tables import HEADINGS, ROWS, Table, table, thinned
from study.results.fronts import COST_COLUMNS, KINDS, MORE_COLUMNS
from study.results.settings import GROUP
from study.words import SPLITS

FRONT_COLUMNS: Final = [
    *("cost", "error", "di", "idk_rate", "alpha", "gamma", *MORE_COLUMNS),
    *("validation_cost", "validation_error", "validation_di", "validation_idk_rate", "setting_id"),
]
DECISION_MAKER_COLUMNS: Final = [
    *("decision_maker", "split", "alpha", "error", "di", "di_y0", "di_y1", "error_a0", "error_a1"),
]


def decision_maker_table(frame: pd.DataFrame, names: GroupNames) -> Table | None:
    """Each decision-maker alone, on every split; further columns of the frame are not shown."""
    if not len(frame):
        return None
    named = {f"di_y{y}": f"difference, {outcome}" for y, outcome in enumerate(names.outcomes)}
    named |= {f"error_a{a}": f"error, {group}" for a, group in enumerate(names.groups)}
    shown = frame.reindex(columns=DECISION_MAKER_COLUMNS)
    shown = shown.sort_values(["decision_maker", "split"], key=_shown_first, kind="stable")
    return table(shown, by="decision_maker", headings={**HEADINGS, **named})


def front_tables(fronts: pd.DataFrame, labels: Mapping[str, str]) -> dict[str, list[dict[str, Any]]]:
    """The points of every front by kind, validation-selected ones first; a long one is thinned out."""
    result: dict[str, list[dict[str, Any]]] = {}
    for kind in reversed(KINDS):
        result[kind] = []
        for key, front in fronts[fronts["front"] == kind].groupby(GROUP, sort=False, dropna=False):
            method, model, name = key
            columns = [
                c for c in FRONT_COLUMNS if _has(front, c) or c not in (*MORE_COLUMNS, *COST_COLUMNS)
            ]
            result[kind].append(
                {
                    "title": f"{method} · {model} · {labels.get(str(name), name)}",
                    "points": len(front),
                    "shown": min(len(front), ROWS),
                    "table": table(thinned(front)[columns]),
                    "open": kind == "honest" and method == "defer",
                }
            )
    return result


def band_points(fronts: pd.DataFrame, models: Sequence[str]) -> dict[str, dict[str, str]] | None:
    """How many points the fronts of each model have in each band, in words by kind; None without fronts."""
    if fronts.empty:
        return None
    summaries: dict[str, dict[str, str]] = {}
    for model in models:
        summaries[model] = {}
        for kind in KINDS:
            own = fronts.loc[(fronts["model"] == model) & (fronts["front"] == kind), "band"]
            counts = own.value_counts(sort=False)
            summaries[model][kind] = ", ".join(f"{n} {band}" for band, n in counts.items()) or "none"
    return summaries


def _shown_first(column: pd.Series) -> pd.Series:
    known = column.unique()
    order = SPLITS if column.name == "split" else in_usual_order(map(str, known))
    ranks = {name: rank for rank, name in enumerate(order)}
    return column.map(lambda name: ranks.get(str(name), len(ranks)))


def _has(frame: pd.DataFrame, column: str) -> bool:
    return column in frame and bool(frame[column].notna().any())
