"""The parts of the page about results: decision-makers, fronts, IDK rates, alpha."""

import pandas as pd

from study.reports.figures.album import ModelFigures
from study.reports.figures.render import Rendered
from study.reports.measure.panels import decision_maker_labels, in_usual_order
from study.reports.measure.reductions import Reductions
from study.reports.page.document import picture
from study.reports.page.markup import Html, join, section, tag
from study.reports.page.tables import ROWS, table, thinned
from study.results.fronts import KINDS, MORE_COLUMNS
from study.results.hypervolume import side_by_side
from study.results.settings import GROUP
from study.results.wording import counted
from study.words import SPLITS

FRONT_COLUMNS = [
    *("error", "di", "idk_rate", "alpha", "gamma", *MORE_COLUMNS),
    *("validation_error", "validation_di", "validation_idk_rate", "setting_id"),
]
TABLES = (
    "fronts",
    "fronts_by_idk_rate",
    "idk_cdf",
    "binary_by_alpha",
    "hypervolumes",
    "settings",
    "decision_makers",
    "workloads",
    "deciding",
    "comparisons",
    "importance",
    "front_by_seed",
)
KIND_NAMES = {"honest": "Honest front", "paper": "Paper’s front"}
DECISION_MAKER_COLUMNS = [
    *("decision_maker", "split", "alpha", "error", "di", "di_y0", "di_y1", "error_a0", "error_a1"),
]
KIND_NOTES = {
    "paper": "Pareto front over the test medians, as in the paper: the best of many settings by "
    "the very figures that are shown, so somewhat too good.",
    "honest": "Settings on the Pareto front of the validation medians, shown at their test "
    "medians: what somebody who chooses on validation will get.",
}


def decision_makers(frame: pd.DataFrame) -> Html:
    """Each decision-maker alone, on every split; further columns of the frame are not shown."""
    if not len(frame):
        return section("dms", "The decision-makers", tag("p", "None is recorded."))
    note = (
        "Each decision-maker deciding every case alone. alpha is the fairness coefficient it was "
        "trained with; a dash where it was not trained."
    )
    shown = frame.reindex(columns=DECISION_MAKER_COLUMNS)
    shown = shown.sort_values(["decision_maker", "split"], key=_shown_first, kind="stable")
    return section("dms", "The decision-makers", tag("p", note), table(shown, by="decision_maker"))


def fronts(reduced: Reductions, figures: list[ModelFigures]) -> Html:
    """The error-DI plane, and one number for each front."""
    notes = tag("dl", *(join(tag("dt", KIND_NAMES[k]), tag("dd", KIND_NOTES[k])) for k in KINDS))
    caption = (
        "Top left is best. A point is the median of the seeds of one setting. On the left, a line "
        "joins the points of a front. On the right, a thin line joins the chosen points in the "
        "order of their DI on validation: where it turns back or crosses itself, test does not "
        "bear out what validation promised. A few settings may lie outside of the frame."
    )
    explained = (
        "Hypervolume is the area in the error-DI plane that a front dominates, up to error 0.5 and "
        "DI 0.5. More is better; 0.25 would be perfect. An honest front is measured at its test "
        "points, and says what a choice can reach; the paper’s is somewhat too good. These are the fronts "
        "of medians that are drawn above; intervals are under “Which method is better”."
    )
    return section(
        "fronts",
        "Error and disparate impact",
        notes,
        *(join(_model_heading(f, figures), picture(f.plane, caption)) for f in figures),
        tag("h3", "Each front in one number"),
        tag("p", explained),
        table(side_by_side(reduced.areas)),
    )


def by_idk_rate(reduced: Reductions, figures: list[ModelFigures]) -> Html | None:
    """The error-DI plane among settings of similar IDK rate."""
    if not any(f.bands for f in figures):
        return None
    note = (
        "The same among the settings that say IDK rarely (in less than 20 % of cases), sometimes "
        "(20 to 50 %) and often (50 % and more): by the test rate for the paper’s front, by the "
        "validation rate for the honest one. The paper names no limits; these are ours. All fronts "
        "are in fronts_by_idk_rate.csv. Lines are joined as above."
    )
    counts = reduced.band_fronts.groupby(["model", "front", "band"], sort=False).size()
    found = counts.rename("n").reset_index()
    content = []
    for model in figures:
        content.append(_model_heading(model, figures))
        for kind, figure in model.bands.items():
            own = found[(found["model"] == model.model) & (found["front"] == kind)]
            points = ", ".join(f"{n} {band}" for band, n in zip(own["band"], own["n"], strict=True))
            content.append(picture(figure, f"{KIND_NAMES[kind]}. Front points: {points or 'none'}."))
    return section("bands", "By IDK rate", tag("p", note), *content)


def idk_rates(figures: list[ModelFigures]) -> Html | None:
    """Distribution of IDK rates, and their dependence on gamma."""
    if not any(f.cdf for f in figures):
        return None
    cdf = (
        "Share of the settings whose median IDK rate on test is at or below the cutoff, for "
        "everyone and by value of the sensitive attribute A. The points are in idk_cdf.csv."
    )
    gamma = (
        "Median IDK rate on validation by gamma, with the range of the middle half of the "
        "settings. Each method compares gamma with something else, so each has its own range."
    )
    content = []
    for model in figures:
        content.append(_model_heading(model, figures))
        content.append(picture(model.cdf, cdf) if model.cdf else None)
        content.append(picture(model.gamma, gamma) if model.gamma else None)
    return section("idk", "How often models say IDK", *content)


def by_alpha(reduced: Reductions, figure: Rendered | None) -> Html | None:
    """What fairness costs a binary model."""
    if figure is None:
        return None
    note = (
        "Models that always decide themselves, by the weight alpha of fairness in training (the paper’s "
        "Figures 7 and 8): how far disparate impact falls, and what that costs in error."
    )
    alphas = reduced.alpha_runs.groupby("model")["alpha"].nunique().sum()
    near = ", or of neighbouring alphas where these are many" if len(reduced.alpha) < alphas else ""
    caption = (
        "Test figures. A point is a run; the line joins the medians over the runs of the same alpha"
        f"{near}, and the band holds the middle half of these runs. The points of the lines are in "
        "binary_by_alpha.csv."
    )
    return section("alpha", "Fairness against alpha", tag("p", note), picture(figure, caption))


def front_tables(reduced: Reductions) -> Html:
    """The points of every front, a long one thinned out."""
    note = (
        f"Test medians first, then validation medians. A front of more than {ROWS} points is shown "
        f"by {ROWS} of them, evenly spread; fronts.csv has all."
    )
    links = [join(tag("a", f"{file}.csv", href=f"{file}.csv"), " ") for file in TABLES]
    labels = decision_maker_labels(reduced.settings)
    content: list[Html] = [tag("p", "All tables of this report: ", *links)]
    for kind in reversed(KINDS):
        content.append(tag("h3", KIND_NAMES[kind]))
        chosen = reduced.fronts[reduced.fronts["front"] == kind]
        for key, front in chosen.groupby(GROUP, sort=False, dropna=False):
            method, model, name = key
            title = f"{method} · {model} · {labels.get(str(name), name)}"
            columns = [c for c in FRONT_COLUMNS if c not in MORE_COLUMNS or _has(front, c)]
            size = f" – {counted(len(front), 'point')}"
            if len(front) > ROWS:
                size += f", {ROWS} shown"
            content.append(
                tag(
                    "details",
                    tag("summary", tag("strong", title), size),
                    table(thinned(front)[columns]),
                    open=True if kind == "honest" and method == "defer" else None,
                )
            )
    return section("points", "Points of the fronts", tag("p", note), *content)


def _shown_first(column: pd.Series) -> pd.Series:
    known = column.unique()
    order = SPLITS if column.name == "split" else in_usual_order(map(str, known))
    ranks = {name: rank for rank, name in enumerate(order)}
    return column.map(lambda name: ranks.get(str(name), len(ranks)))


def _has(frame: pd.DataFrame, column: str) -> bool:
    return column in frame and bool(frame[column].notna().any())


def _model_heading(model: ModelFigures, figures: list[ModelFigures]) -> Html | None:
    return tag("h3", f"Model {model.model}") if len(figures) > 1 else None
