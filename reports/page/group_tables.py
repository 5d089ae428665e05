"""Deferral and error rates of the operating points by group and outcome, as tables."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import pandas as pd

from study.group_names import GroupNames
from study.reports.measure.deferral_budgets import ALONE, EXAMPLE
from study.reports.measure.measures import Measures
from study.reports.page.tables import Cell, Table, table, text_table, with_interval
from study.results.fronts import MORE_COLUMNS
from study.results.wording import decimals, percent

# Where so many of one outcome are decided wrongly, nearly all cases get the same decision.
ONE_SIDED: Final = 0.8
Points = Mapping[str, pd.DataFrame]


def group_tables(measures: Measures) -> dict[str, Any] | None:
    """For every decision-maker: its tables, and points that decide nearly always the same."""
    metrics, named = measures.by_group, measures.group_names
    if not len(metrics.frame):
        return None
    parts = []
    for name, frame in metrics.frame.groupby("decision_maker", sort=False):
        own = {str(what): rows.set_index("metric") for what, rows in frame.groupby("what", sort=False)}
        points = measures.points
        chosen = points[(points["decision_maker"] == name) & points["run_id"].notna()]
        splits = ["split"] if chosen["split"].nunique() > 1 else []
        columns = ["what", *splits, "model", "alpha", "gamma", *MORE_COLUMNS, "seed", "run_id"]
        parts.append(
            {
                "name": measures.labels.get(str(name), str(name)),
                "one_sided": _one_sided(own, named),
                "errors": _errors(own, named),
                "costs": _costs(own, named) if measures.metric == "cost" else None,
                "selections": _selections(own, named),
                "deferrals": _deferrals(own, named),
                "deciders": _deciders(own, named),
                "runs": table(chosen[columns].dropna(axis=1, how="all")),
            }
        )
    return {"missing": metrics.missing, "parts": parts, "example": EXAMPLE}


def _one_sided(points: Points, named: GroupNames) -> list[dict[str, str]]:
    result = []
    for what, metrics in points.items():
        for y in (1, 0):
            wrong = [float(metrics["value"].get(f"error_a{a}_y{y}", 0.0)) for a in (0, 1)]
            if min(wrong) >= ONE_SIDED:
                low, high = (percent(rate) for rate in sorted(wrong))
                result.append({"what": what, "low": low, "high": high, "outcome": named.outcomes[y]})
    return result


def _errors(points: Points, named: GroupNames) -> Table:
    (a0, a1), (y0, y1) = named.groups, named.outcomes
    head = ["", "error", "odds difference", f"false positives ({y0}), {a0}", a1, "difference"]
    head += [f"false negatives ({y1}), {a0}", a1, "difference"]
    names = ["error", "di", "error_a0_y0", "error_a1_y0", "di_y0", "error_a0_y1", "error_a1_y1", "di_y1"]
    return _table(points, head, names, decimals(3))


def _costs(points: Points, named: GroupNames) -> Table:
    names = ["cost", "cost_a0", "cost_a1"]
    return _table(points, ["", "cost per case, all cases", *named.groups], names, decimals(3))


def _selections(points: Points, named: GroupNames) -> Table:
    head = ["", f"decided as {named.outcomes[1]}, all cases", *named.groups, "ratio (80 % rule)"]
    names = ["selection_rate", "selection_rate_a0", "selection_rate_a1", "selection_ratio"]
    return _table(points, head, names, percent)


def _deferrals(points: Points, named: GroupNames) -> Table | None:
    cells = [(a, y) for a in (0, 1) for y in (0, 1)]
    head = ["", "all cases", *named.groups]
    head += [f"{named.groups[a]}, {named.outcomes[y]}" for a, y in cells]
    names = ["idk_rate", "idk_rate_a0", "idk_rate_a1", *(f"idk_rate_a{a}_y{y}" for a, y in cells)]
    deferring = {what: rows for what, rows in points.items() if what != ALONE and _defers(rows)}
    return _table(deferring, head, names, percent) if deferring else None


def _deciders(points: Points, named: GroupNames) -> Table | None:
    whom = {"": "all cases", "_a0": named.groups[0], "_a1": named.groups[1]}
    head = ["", "group", "not deferred: model error", "decision-maker’s error"]
    head += ["deferred: decision-maker’s error", "model error"]
    names = ["model_error", "dm_error_on_kept", "dm_error", "model_error_on_left"]
    rows: list[list[str | Cell]] = [
        [
            "" if suffix else what,
            group,
            *(_cell(metrics, f"{name}{suffix}", decimals(3)) for name in names),
        ]
        for what, metrics in points.items()
        if _defers(metrics) and "model_error" in metrics.index
        for suffix, group in whom.items()
    ]
    return text_table(head, rows) if rows else None


def _defers(metrics: pd.DataFrame) -> bool:
    return bool(metrics["value"].get("idk_rate", 0.0) > 0)


def _table(points: Points, head: list[str], names: list[str], write: Callable[[object], str]) -> Table:
    return text_table(
        head, [[what, *(_cell(rows, name, write) for name in names)] for what, rows in points.items()]
    )


def _cell(metrics: pd.DataFrame, name: str, write: Callable[[object], str]) -> Cell:
    value, low, high = (metrics[column].get(name, math.nan) for column in ("value", "low", "high"))
    return with_interval(value, low, high, write)
