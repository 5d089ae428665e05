"""The summary of a study: what deferral achieves, in sentences and by deferral budget."""

import math
from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from study.reports.measure.deferral_budgets import AIMS, ALONE, BASELINE, EXAMPLE, LOWEST_DI, LOWEST_ERROR
from study.reports.measure.measures import Measures
from study.reports.measure.panels import decision_maker_labels
from study.reports.page.tables import FORMATS, Cell, Table, text_table, with_interval
from study.results.choice.alternatives import ALONE as PEOPLE_ALONE
from study.results.choice.alternatives import people_first
from study.results.choice.selection import Selection
from study.results.limits import NAMES, OBJECTIVES
from study.results.wording import NOTHING, share
from study.words import GIVEN_MODEL, NO_DECISION_MAKER

SHORT: Final = {BASELINE: "(baseline)", ALONE: "(decision-maker alone)"}
LONG: Final = {
    BASELINE: "the baseline, trained for accuracy only,",
    ALONE: "the decision-maker alone",
}


def summary(measures: Measures) -> dict[str, Any]:
    """For every decision-maker its name, sentences and budget table; none where nothing has metrics."""
    labels = decision_maker_labels(measures.settings, measures.group_names.people)
    return {
        "parts": [
            {
                "decision_maker": name,
                "name": labels.get(name, name),
                "choice": choice_sentences(measures.choices[name]) if name in measures.choices else None,
                "paragraphs": paragraphs,
                "budgets": budget_table(name, measures.budgets, measures.points),
            }
            for name, paragraphs in sentences(measures).items()
        ]
    }


def sentences(measures: Measures) -> dict[str, list[str]]:
    """What the tables show in sentences: paragraphs by decision-maker, with metrics of the tables only."""
    result = {}
    budgets, points = measures.budgets, measures.points
    by_group, comparisons = measures.by_group.frame, measures.comparisons.frame
    for name in map(str, budgets["decision_maker"].unique()):
        own = budgets[budgets["decision_maker"] == name]
        at = EXAMPLE if name != NO_DECISION_MAKER else 0.0
        chosen = {row["aim"]: row for row in own[own["budget"] == at].to_dict("records")}
        known = points[(points["decision_maker"] == name) & points["what"].isin([BASELINE, ALONE])]
        known = known.dropna(subset=["error", "di"])
        metrics = by_group[by_group["decision_maker"] == name]
        parts = (
            (
                _offers(name, measures.tested.get(name, name), chosen, set(known["what"])),
                _references(known),
            ),
            (
                _deferred(chosen, metrics, measures.group_names.groups),
                _fronts(comparisons[comparisons["decision_maker"] == name]),
            ),
        )
        paragraphs = [" ".join(text for text in part if text) for part in parts]
        result[name] = [paragraph for paragraph in paragraphs if paragraph]
    return result


def choice_sentences(choice: Selection) -> dict[str, list[str]]:
    """The run chosen at the example's budget: ``lead``, what it is ``compared`` with, and ``cautions``."""
    gamma = "" if choice.gamma is None else f", gamma {choice.gamma:.3g}"
    metrics = [
        f"{NAMES[name]} {_with_ends(choice.test[name], choice.test_interval[name])}" for name in OBJECTIVES
    ]
    among = "" if choice.method == "binary" else f" that defers at most {share(EXAMPLE)} of cases"
    first = people_first(choice.comparisons)
    run = (
        f"The run{among} with the lowest validation error is {choice.method} (model {choice.model}, alpha "
        f"{choice.alpha:.3g}{gamma}, seed {choice.seed}). On test it has {', '.join(metrics)}."
    )
    rest = [one for one in choice.comparisons if not (first and one.to == PEOPLE_ALONE)]
    return {
        "lead": [*first, run],
        "compared": [_capital(one.sentence()) + "." for one in rest],
        "cautions": [_capital(caution) + "." for caution in choice.cautions()],
    }


def _with_ends(value: float | None, interval: tuple[float, float] | None) -> str:
    if value is None:
        return NOTHING
    return f"{value:.3f}" + ("" if interval is None else " ({:.3f} to {:.3f})".format(*interval))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def budget_table(name: str, budgets: pd.DataFrame, points: pd.DataFrame) -> Table:
    """A row per deferral budget with the best setting by each aim, and what to compare with."""
    metrics = ["error", "odds difference", "deferral rate"]
    head = ["deferred at most", *(word for aim in AIMS for word in (aim, *metrics))]
    rows: list[list[str | Cell]] = []
    for budget, both in budgets[budgets["decision_maker"] == name].groupby("budget"):
        by_aim = both.set_index("aim")
        rows.append([_budget(float(str(budget))), *(cell for aim in AIMS for cell in _offer(by_aim, aim))])
    others = points[(points["decision_maker"] == name) & points["what"].isin(list(SHORT))]
    for row in others.to_dict("records"):
        cells = [FORMATS[metric](row[metric]) for metric in OBJECTIVES]
        rows.append([SHORT[row["what"]], "", *cells, *[""] * 4])
    return text_table(head, rows)


def _offers(name: str, test_name: str, chosen: Mapping[str, Mapping[Any, Any]], known: set[str]) -> str:
    if not chosen:
        return ""
    if name == NO_DECISION_MAKER:
        lead = "Among models that never defer, "
    else:
        who = f"“{name}”" if name == test_name else f"“{name}” in training, “{test_name}” on test"
        lead = f"If at most {share(EXAMPLE)} of cases are deferred to the decision-maker ({who}), "
    result = []
    if LOWEST_ERROR in chosen:
        result.append(f"the lowest median error over seeds is that of {_setting(chosen[LOWEST_ERROR])}")
    if LOWEST_DI in chosen:
        whose = "the baseline’s" if BASELINE in known else "the decision-maker’s"
        limit = f" with error no higher than {whose}" if known else ""
        ids = {row["setting_id"] for row in chosen.values()}
        which = "the same setting" if len(ids) < len(chosen) else _setting(chosen[LOWEST_DI])
        result.append(f"the lowest median odds difference{limit} is that of {which}")
    return f"{lead}{'; '.join(result)}."


def _setting(row: Mapping[Any, Any]) -> str:
    gamma = "" if math.isnan(row["gamma"]) else f", gamma {row['gamma']:.3g}"
    deferred = f", {share(row['idk_rate'])} of cases deferred" if row["idk_rate"] > 0 else ""
    return (
        f"{row['method']} (model {row['model']}, alpha {row['alpha']:.3g}{gamma}), with error "
        f"{row['error']:.3f} and odds difference {row['di']:.3f}{deferred}"
    )


def _references(known: pd.DataFrame) -> str:
    result = [
        f"{_named(row)} has error {row['error']:.3f} and odds difference {row['di']:.3f}"
        for row in known.to_dict("records")
    ]
    return f"For comparison: {'; '.join(result)}." if result else ""


def _named(row: Mapping[Any, Any]) -> str:
    given = row["what"] == BASELINE and row.get("model") == GIVEN_MODEL
    return "the given model alone, the baseline," if given else LONG[row["what"]]


def _deferred(
    chosen: Mapping[str, Mapping[Any, Any]], metrics: pd.DataFrame, groups: tuple[str, str]
) -> str:
    """Whose cases are deferred, and who is right about them at the lowest error."""
    by_aim = {
        aim: metrics[metrics["setting_id"] == row["setting_id"]].set_index("metric")["value"].to_dict()
        for aim, row in chosen.items()
    }
    result: dict[object, str] = {}
    for aim, values in by_aim.items():
        rates = [values.get(f"idk_rate_a{a}", math.nan) for a in (0, 1)]
        if sum(rates) > 0 and chosen[aim]["setting_id"] not in result:
            result[chosen[aim]["setting_id"]] = (
                f"The setting with the {aim} defers {share(rates[0])} of the cases with {groups[0]} and "
                f"{share(rates[1])} of those with {groups[1]}."
            )
    names = ("dm_error", "model_error_on_left", "model_error", "dm_error_on_kept")
    maker, model_left, model, maker_kept = (by_aim.get(LOWEST_ERROR, {}).get(n, math.nan) for n in names)
    if not math.isnan(maker + model_left + model + maker_kept):
        result["error"] = (
            f"At the {LOWEST_ERROR}, the decision-maker is wrong in {share(maker)} of the deferred cases, "
            f"and the model would be in {share(model_left)}; the model is wrong in {share(model)} of the "
            f"cases that are not deferred, and the decision-maker would be in {share(maker_kept)}."
        )
    return " ".join(result.values())


def _fronts(comparisons: pd.DataFrame) -> str:
    """Whether deferring or rejecting has the better front, as far as the intervals tell."""
    result: dict[str, list[str]] = {}
    pairs = comparisons[(comparisons["first"] == "defer") & (comparisons["second"] == "reject")]
    for row in pairs.to_dict("records"):
        both = [(row[f"{key}_low"], row[f"{key}_high"]) for key in ("seeds", "test")]
        both = [pair for pair in both if not math.isnan(pair[0])]
        if not both:
            verdict = "cannot be compared with that of rejecting (there is no interval; model {})"
        elif all(low > 0 for low, _ in both):
            verdict = "is significantly better than that of rejecting (95 % intervals above 0; model {})"
        elif all(high < 0 for _, high in both):
            verdict = "is significantly worse than that of rejecting (95 % intervals below 0; model {})"
        else:
            verdict = (
                "shows no significant difference from that of rejecting (the 95 % interval includes 0; "
                "model {})"
            )
        result.setdefault(verdict, []).append(str(row["model"]))
    parts = [verdict.format(", ".join(models)) for verdict, models in result.items()]
    return f"Over all settings, the front of deferring {', and '.join(parts)}." if parts else ""


def _budget(budget: float) -> str:
    return "none" if budget == 0 else "no limit" if budget == 1 else f"{100 * budget:g} %"


def _offer(by_aim: pd.DataFrame, aim: str) -> list[str | Cell]:
    if aim not in by_aim.index:
        return [NOTHING] * 4
    row = by_aim.loc[[aim]].to_dict("records")[0]
    cells = [with_interval(row[f], row[f"{f}_low"], row[f"{f}_high"], FORMATS[f]) for f in OBJECTIVES]
    return [f"{row['method']}, {row['model']}", *cells]
