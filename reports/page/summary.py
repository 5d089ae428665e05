"""The summary of a study: the run that is chosen at the example's budget, and the best by budget."""

from typing import Any, Final

import numpy as np
import pandas as pd

from study.reports.measure.deferral_budgets import ALONE, BASELINE, EXAMPLE, aims
from study.reports.measure.measures import Measures
from study.reports.page.tables import FORMATS, Cell, Table, text_table, with_interval
from study.results.choice.alternatives import ALONE as PEOPLE_ALONE
from study.results.choice.alternatives import people_first
from study.results.choice.selection import Selection
from study.results.intervals import resampled_t_interval
from study.results.limits import NAMES
from study.results.wording import NOTHING, share
from study.words import GIVEN_MODEL

SHORT: Final = {BASELINE: "(baseline)", ALONE: "(decision-maker alone)"}


def summary(measures: Measures) -> dict[str, Any]:
    """For every decision-maker its name, choice and budget table; none where nothing has metrics."""
    return {
        "parts": [
            {
                "decision_maker": name,
                "name": measures.labels.get(name, name),
                "choice": choice_sentences(measures, name) if name in measures.choices else None,
                "budgets": budget_table(name, measures),
            }
            for name in map(str, measures.budgets["decision_maker"].unique())
        ],
        "costs": str(measures.results.costs) if measures.metric == "cost" else "",
        "splits": measures.results.splits,
    }


def choice_sentences(measures: Measures, name: str) -> dict[str, list[str]]:
    """The run chosen at the example's budget: ``lead``, what it is ``compared`` with, and ``cautions``."""
    choice = measures.choices[name]
    gamma = "" if choice.gamma is None else f", gamma {choice.gamma:.3g}"
    among = "" if choice.method == "binary" else f" that defers at most {share(EXAMPLE)} of cases"
    first = people_first(choice.comparisons)
    split = f", split {choice.split} of {choice.splits}" if choice.splits > 1 else ""
    run = (
        f"The run{among} with the lowest validation {NAMES[measures.metric]} is {choice.method} (model "
        f"{choice.model}, alpha {choice.alpha:.3g}{gamma}, seed {choice.seed}{split}). On test it has "
        f"{', '.join(_with_ends(choice, metric) for metric in measures.shown)}."
    )
    rest = [one for one in choice.comparisons if not (first and one.to == PEOPLE_ALONE)]
    return {
        "lead": [*first, run],
        "compared": [_capital(one.sentence()) + "." for one in rest],
        "cautions": [_capital(caution) + "." for caution in choice.cautions()],
    }


def _with_ends(choice: Selection, metric: str) -> str:
    value, interval = choice.test[metric], choice.test_interval[metric]
    if value is None:
        return f"{NAMES[metric]} {NOTHING}"
    ends = "" if interval is None else " ({:.3f} to {:.3f})".format(*interval)
    return f"{NAMES[metric]} {value:.3f}{ends}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def budget_table(name: str, measures: Measures) -> Table:
    """A row per deferral budget with the best run by each aim, and what to compare with.

    Of several splits of the data, where a run is chosen in each, it shows means and intervals over splits.
    """
    metrics, columns = list(measures.shown), [NAMES[metric] for metric in measures.shown]
    wanted = aims(measures.metric)
    head = ["deferred at most", *(word for aim in wanted for word in (aim, *columns))]
    rows: list[list[str | Cell]] = []
    own = measures.budgets[measures.budgets["decision_maker"] == name]
    for budget, both in own.groupby("budget"):
        cells = [cell for aim in wanted for cell in _offer(both[both["aim"] == aim], metrics)]
        rows.append([_budget(float(str(budget))), *cells])
    points = measures.points[measures.points["decision_maker"] == name]
    for what, title in SHORT.items():
        means = points.loc[points["what"] == what, metrics].astype(float).mean()
        if len(points[points["what"] == what]):
            cells = [FORMATS[metric](means[metric]) for metric in metrics]
            given = what == BASELINE and set(points.loc[points["what"] == what, "model"]) == {GIVEN_MODEL}
            rows.append(
                ["(baseline, the given model)" if given else title, "", *cells, *[""] * (1 + len(metrics))]
            )
    return text_table(head, rows)


def _budget(budget: float) -> str:
    return "none" if budget == 0 else "no limit" if budget == 1 else f"{100 * budget:g} %"


def _offer(chosen: pd.DataFrame, metrics: list[str]) -> list[str | Cell]:
    if chosen.empty:
        return [NOTHING] * (1 + len(metrics))
    cells = []
    for name in metrics:
        ends = resampled_t_interval(chosen[name]) or (np.nan, np.nan)
        low, high = chosen.iloc[0][[f"{name}_low", f"{name}_high"]] if len(chosen) == 1 else ends
        cells.append(with_interval(chosen[name].mean(), max(low, 0.0), high, FORMATS[name]))
    which = chosen[["method", "model"]].drop_duplicates()
    return [" or ".join(f"{method}, {model}" for method, model in which.to_numpy()), *cells]
