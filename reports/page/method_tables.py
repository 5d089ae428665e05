"""How methods, seeds, hyperparameters and decision-makers compare, section by section."""

import math
from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from study.reports.figures.differences import ROWS as DRAWN
from study.reports.measure.front_stability import MARGIN
from study.reports.measure.importance import BINS, REST, TOGETHER
from study.reports.measure.measures import TABLES, Measures
from study.reports.measure.panels import Models, in_usual_order
from study.reports.page.tables import HEADINGS, ROWS, Cell, ends, table, text_table, thinned
from study.results.fronts import COST_COLUMNS, KINDS, MORE_COLUMNS
from study.results.limits import OBJECTIVES
from study.results.settings import GROUP
from study.results.wording import NOTHING, decimals, signed
from study.words import SPLITS

Context = Mapping[str, Any]
FRONT_COLUMNS: Final = [
    *("cost", "error", "di", "idk_rate", "alpha", "gamma", *MORE_COLUMNS),
    *("validation_cost", "validation_error", "validation_di", "validation_idk_rate", "setting_id"),
]
DECISION_MAKER_COLUMNS: Final = [
    *("decision_maker", "split", "alpha", "error", "di", "di_y0", "di_y1", "error_a0", "error_a1"),
]


def comparisons(measures: Measures) -> Context | None:
    """The hypervolumes of the methods' fronts and their differences, with both intervals."""
    frame = measures.comparisons.frame
    if not len(frame):
        return None
    head = ["decision-maker", "model", "method", "hypervolume"]
    head += ["95 %, variation over seeds", f"95 % {measures.results.interval}", "seeds"]
    rows = []
    for row in frame.to_dict("records"):
        alone = pd.isna(row["second"])
        write = decimals(4) if alone else signed(4)
        rows.append(
            (
                measures.labels.get(row["decision_maker"], row["decision_maker"]),
                row["model"],
                row["first"] if alone else f"{row['first']} − {row['second']}",
                write(row["estimate"]),
                ends(row["seeds_low"], row["seeds_high"], write),
                ends(row["test_low"], row["test_high"], write),
                str(row["seeds"]),
            )
        )
    pairs = int(frame["second"].notna().sum())
    missing, drawn = measures.comparisons.missing, min(pairs, DRAWN)
    return {"table": text_table(head, rows), "missing": missing, "pairs": pairs, "drawn": drawn}


def stability(measures: Measures) -> Context | None:
    """How far the validation-selected fronts are those of every seed; None with one seed."""
    shown = measures.stability[measures.stability["seeds"] > 1]
    named = shown["decision_maker"].astype(str).replace(measures.labels)
    return {"table": table(shown.assign(decision_maker=named)), "margin": MARGIN} if len(shown) else None


def importance(measures: Measures) -> Context | None:
    """Which hyperparameters error, odds difference and deferral rate depend on."""
    head = ("method", "hyperparameter", "error", "odds difference", "deferral rate", "settings")
    rows = [
        (row["method"], row["what"], *(_share(row[m]) for m in OBJECTIVES), f"{row['settings']:,}")
        for row in measures.importance.to_dict("records")
    ]
    given = {"bins": BINS, "rest": REST, "together": TOGETHER}
    return {"table": text_table(head, rows), **given} if rows else None


def _share(share: float) -> Cell:
    if math.isnan(share):
        return Cell(NOTHING)
    return Cell(f"{100 * share:.0f} %", share=min(share, 1) if share >= 0.005 else None)


def decision_makers(measures: Measures) -> Context:
    """Each decision-maker alone, on every split; further columns of the frame are not shown."""
    frame, names = measures.named(measures.results.decision_makers), measures.group_names
    named = {f"di_y{y}": f"difference, {outcome}" for y, outcome in enumerate(names.outcomes)}
    named |= {f"error_a{a}": f"error, {group}" for a, group in enumerate(names.groups)}
    shown = frame.reindex(columns=DECISION_MAKER_COLUMNS)
    shown = shown.sort_values(["decision_maker", "split"], key=_shown_first, kind="stable")
    known = table(shown, by="decision_maker", headings={**HEADINGS, **named})
    return {"table": known if len(frame) else None}


def _shown_first(column: pd.Series) -> pd.Series:
    known = column.unique()
    order = SPLITS if column.name == "split" else in_usual_order(map(str, known))
    ranks = {name: rank for rank, name in enumerate(order)}
    return column.map(lambda name: ranks.get(str(name), len(ranks)))


def front_tables(measures: Measures) -> Context:
    """The points of every front by kind; a long one is thinned out."""
    result: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    for (kind, *key), front in measures.fronts.groupby(["front", *GROUP], sort=False, dropna=False):
        method, model, name = key
        columns = [c for c in FRONT_COLUMNS if _has(front, c) or c not in (*MORE_COLUMNS, *COST_COLUMNS)]
        result[str(kind)].append(
            {
                "title": f"{method} · {model} · {measures.labels.get(str(name), name)}",
                "points": len(front),
                "shown": min(len(front), ROWS),
                "table": table(thinned(front)[columns]),
                "open": kind == "honest" and method == "defer",
            }
        )
    return {"fronts": result, "rows": ROWS, "tables": tuple(TABLES)}


def _has(frame: pd.DataFrame, column: str) -> bool:
    return column in frame and bool(frame[column].notna().any())


def bands(measures: Measures) -> Context | None:
    """How many points the fronts of each figure have in each band, by kind; None without fronts."""
    if measures.band_fronts.empty:
        return None
    points: dict[Models, dict[str, str]] = {}
    for models in measures.models:
        own = measures.band_fronts[measures.band_fronts["model"].isin(models)]
        counts = {kind: own.loc[own["front"] == kind, "band"].value_counts(sort=False) for kind in KINDS}
        points[models] = {
            kind: ", ".join(f"{n} {band}" for band, n in of_kind.items()) or "none"
            for kind, of_kind in counts.items()
        }
    return {"points": points}
