"""What the first screen needs in which a person chooses a run."""

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from study.reports.measure.deferral_budgets import ALONE, EXAMPLE, median_baseline
from study.reports.measure.measures import Measures
from study.reports.measure.panels import in_usual_order
from study.reports.page.front_spec import GRADIENT, cells_spec, curve_spec, front_spec, shape
from study.reports.page.tables import table, thinned
from study.results.limits import NAMES
from study.results.metrics import LedgerCounts
from study.results.settings import GROUP, in_reading_order
from study.words import CELL_NAMES, MEASURED, NO_DECISION_MAKER, Measured, Objective, cell_columns

_CELL_ERRORS: Final = [f"error_{cell}" for cell in CELL_NAMES]
COLUMNS: Final = ["run_id", *GROUP, "alpha", "gamma", "seed"]


def front(measures: Measures) -> dict[str, Any] | None:
    """The runs, as a table for a page without JavaScript and as data; None where there are none."""
    shown = measures.shown_runs
    frame = shown.frame
    if not len(frame):
        return None
    validation_selected = measures.fronts.loc[measures.fronts["front"] == "honest", "setting_id"]
    listed = frame[frame["setting_id"].isin(validation_selected)]
    listed = in_reading_order(listed if len(listed) else frame, [*GROUP, "validation_di", "run_id"])
    columns = [*COLUMNS, *(f"{split}_{m}" for split in ("validation", "test") for m in measures.shown)]
    names = {name: _names(frame, name) for name in GROUP}
    called = {name: measures.called(name) for name in names["decision_maker"]}
    known = [name for name in NAMES if name != "cost" or measures.metric == "cost"]
    metrics = {w: m for w, m in MEASURED.items() if m.column in known and f"validation_{m.column}" in frame}
    cells = _cells(measures)
    errors = {run: [round(error, 4) for error in curve] for run, curve in measures.run_curves.items()}
    curves = {"errors": errors, "spec": curve_spec(NAMES[measures.metric])} if errors else None
    return {
        "shown": shown,
        "splits": measures.results.splits,
        "missing": measures.run_intervals.missing,
        "listed": table(measures.named(thinned(listed)[columns])),
        "names": names,
        "called": called,
        "shapes": {method: shape(method) for method in names["method"]},
        "gradient": GRADIENT,
        "budget": f"{EXAMPLE:g}",
        "place": f"results/{measures.results.study.get('study') or ''}",
        "metrics": metrics,
        "main": {name: NAMES[name] for name in measures.shown},
        "degenerate": int(frame["degenerate"].sum()),
        "data": {
            **_data(measures, metrics),
            "references": _references(measures),
            "main": measures.metric,
            "known": shown.known,
            "called": called,
            "whole": shown.step == 0,
            "spec": front_spec(names["method"], NAMES[measures.metric]),
            "cells": cells,
            "curves": curves,
        },
        "cells": cells,
        "curves": curves,
    }


def _names(frame: pd.DataFrame, name: str) -> list[str]:
    known = [str(value) for value in in_reading_order(frame, [name])[name].unique()]
    if name != "decision_maker":
        return known
    return in_usual_order(value for value in known if value != NO_DECISION_MAKER)


def _data(measures: Measures, asked: Mapping[Objective, Measured]) -> dict[str, Any]:
    """The runs for the script: a row each, names as numbers."""
    frame, shown = measures.shown_runs.frame, measures.shown
    ends = [f"{metric}_{end}" for metric in shown for end in ("low", "high")]
    known = frame[["run_id"]].merge(measures.run_intervals.frame, on="run_id", how="left")
    codes, names = {}, {}
    for name in ("setting_id", *GROUP):
        codes[name], values = pd.factorize(frame[name].astype(str), sort=True)
        names[name] = list(values)
    columns = {
        "run": frame["run_id"].astype(str).tolist(),
        **{name: code.tolist() for name, code in codes.items()},
        **{name: _rounded(frame[name]) for name in ("alpha", "gamma")},
        "seed": frame["seed"].tolist(),
        **({"split": frame["split"].tolist()} if frame["split"].nunique() > 1 else {}),
        **{f"validation_{c}": _rounded(frame[f"validation_{c}"]) for _, (c, _) in asked.items()},
        **{f"test_{metric}": _rounded(frame[f"test_{metric}"]) for metric in shown},
        **{name: frame[name].astype(int).tolist() for name in ("degenerate", "unstable")},
        **{end: _rounded(known[end]) for end in ends},
    }
    metrics = [
        {"name": column, "flag": word, "title": title, "shown": column in shown}
        for word, (column, title) in asked.items()
    ]
    rows = list(zip(*columns.values(), strict=True))
    return {"names": names, "metrics": metrics, "columns": list(columns), "rows": rows}


def _cells(measures: Measures) -> dict[str, Any] | None:
    """Errors and deferrals of every run by cell, and what to compare with; None where none are counted."""
    frame = measures.shown_runs.frame
    if not set(cell_columns("test")) <= set(frame):
        return None
    counts = LedgerCounts.of(frame, "test")
    errors = counts.model_errors + counts.dm_errors
    cases, code = np.unique(counts.examples.T, axis=0, return_inverse=True)
    alone = measures.by_group.frame
    alone = alone[(alone["what"] == ALONE) & alone["metric"].isin(_CELL_ERRORS)]
    named = measures.group_names
    return {
        "groups": named.groups,
        "rows": [f"{what}, {outcome}" for what in ("wrong", "deferred") for outcome in named.outcomes],
        "cases": cases.astype(int).tolist(),
        "of": code.ravel().tolist(),
        "errors": errors.T.astype(int).tolist(),
        "deferred": counts.deferred.T.astype(int).tolist(),
        "alone": {
            str(name): [_number(rows.set_index("metric")["value"].get(m, math.nan)) for m in _CELL_ERRORS]
            for name, rows in alone.groupby("decision_maker", sort=False)
        },
        # Wilson's interval is that of independent cases.
        "independent": measures.results.units == "test cases",
        "spec": cells_spec(),
    }


def _references(measures: Measures) -> list[dict[str, Any]]:
    """The baseline, and every decision-maker alone: validation and test metrics."""
    runs, shown, result = measures.shown_runs.frame, measures.shown, []
    for row in median_baseline(runs).to_dict("records"):
        metrics = {f"{s}_{m}": _number(row[f"{s}_{m}"]) for s in ("validation", "test") for m in shown}
        result.append({"name": "baseline", "decision_maker": None, "run": str(row["run_id"]), **metrics})
    alone = measures.results.decision_makers
    for name in measures.names:
        own = alone[alone["decision_maker"] == measures.tested.get(name, name)]
        metrics = {
            f"{row['split']}_{metric}": _number(row.get(metric, 1.0))
            for row in own.to_dict("records")
            for metric in shown
            if row["split"] != "train"
        }
        if metrics:
            result.append({"name": "decision-maker", "decision_maker": name, "run": None, **metrics})
    return result


def _rounded(values: "pd.Series[float]") -> list[float | None]:
    """To seven significant digits, which JSON writes in the fewest characters.

    With fewer, a limit would fall on another side of a metric than in `study select`, and what is rounded
    once more for readers would differ from the same number elsewhere.
    """
    return [None if math.isnan(value) else float(f"{value:.7g}") for value in values.astype(float)]


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
