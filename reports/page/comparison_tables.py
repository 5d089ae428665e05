"""How methods, seeds and hyperparameters compare, as tables."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from study.reports.figures.differences import ROWS
from study.reports.measure.comparisons import Comparisons
from study.reports.page.tables import Cell, Table, ends, table, text_table
from study.results.limits import OBJECTIVES
from study.results.wording import NOTHING, decimals, signed


def comparison_table(
    comparisons: Comparisons, labels: Mapping[str, str], interval: str
) -> dict[str, Any] | None:
    """The hypervolumes of the methods' fronts and their differences, with both intervals.

    Args:
        comparisons: of the methods.
        labels: of the decision-makers.
        interval: what the interval of a test metric is.
    """
    frame = comparisons.frame
    if not len(frame):
        return None
    head = ["decision-maker", "model", "method", "hypervolume"]
    head += ["95 %, variation over seeds", f"95 % {interval}", "seeds"]
    rows = []
    for row in frame.to_dict("records"):
        alone = pd.isna(row["second"])
        write = decimals(4) if alone else signed(4)
        rows.append(
            (
                labels.get(row["decision_maker"], row["decision_maker"]),
                row["model"],
                row["first"] if alone else f"{row['first']} − {row['second']}",
                write(row["estimate"]),
                ends(row["seeds_low"], row["seeds_high"], write),
                ends(row["test_low"], row["test_high"], write),
                str(row["seeds"]),
            )
        )
    pairs = int(frame["second"].notna().sum())
    return {
        "table": text_table(head, rows),
        "missing": comparisons.missing,
        "pairs": pairs,
        "drawn": min(pairs, ROWS),
    }


def stability_table(stability: pd.DataFrame, labels: Mapping[str, str]) -> Table | None:
    """How far the validation-selected fronts are those of every seed; None with one seed."""
    shown = stability[stability["seeds"] > 1]
    named = shown["decision_maker"].astype(str).replace(dict(labels))
    return table(shown.assign(decision_maker=named)) if len(shown) else None


def importance_table(importance: pd.DataFrame) -> Table | None:
    """Which hyperparameters error, odds difference and deferral rate depend on."""
    head = ("method", "hyperparameter", "error", "odds difference", "deferral rate", "settings")
    rows = [
        (
            row["method"],
            row["what"],
            *(_share(row[metric]) for metric in OBJECTIVES),
            f"{row['settings']:,}",
        )
        for row in importance.to_dict("records")
    ]
    return text_table(head, rows) if rows else None


def _share(share: float) -> Cell:
    if math.isnan(share):
        return Cell(NOTHING)
    return Cell(f"{100 * share:.0f} %", share=min(share, 1) if share >= 0.005 else None)
