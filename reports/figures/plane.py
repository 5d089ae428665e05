"""Error against odds difference for one model (Figure 3): fronts, baseline and decision-maker."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from study.reports.figures.style import (
    BASELINE,
    DECISION_MAKER,
    EDGED,
    Drawn,
    add_legend,
    draw_points,
    grid_of_panels,
    method_style,
    panel_title,
    short,
    style,
)
from study.reports.measure.measures import Measures
from study.reports.measure.panels import (
    baselines,
    deciding_on_test,
    decision_maker_alone,
    panel_baselines,
    panel_rows,
)
from study.results.fronts import CHOSEN_ON, KINDS
from study.results.limits import NAMES
from study.results.wording import counted
from study.words import NO_DECISION_MAKER

AXES = {"error": "error rate", "cost": NAMES["cost"]}
KIND_TITLES = {"paper": "test-selected (optimistic) front", "honest": "validation-selected front"}


def plane(measures: Measures, model: str) -> Drawn:
    """The figure of one model, and its description: the range of every validation-selected front."""
    decision_makers = measures.results.decision_makers
    metric = measures.metric
    given: dict[str, Any] = {"model": model, "names": measures.names, "metric": metric}
    figure = fronts_figure(measures.settings, measures.fronts, decision_makers, **given)
    validation_selected = measures.fronts[measures.fronts["front"] == "honest"]
    shown = pd.concat([panel_rows(validation_selected, model, name) for name in measures.names])
    known = [f"test_{metric}", "test_di"]
    base = panel_baselines(measures.settings, model)[known].dropna()
    points = [("baseline", *point) for point in base.itertuples(index=False, name=None)]
    on_test = decision_makers[
        (decision_makers["split"] == "test")
        & decision_makers["decision_maker"].isin(measures.tested.values())
    ]
    points += [
        (f"decision-maker {name} alone", value, di)
        for name, value, di in on_test[["decision_maker", metric, "di"]].itertuples(index=False, name=None)
    ]
    sentences = [
        f"{NAMES[metric].capitalize()} against odds difference of the model {model}.",
        *(
            f"Models trained with {name} are tested with {test}."
            for name, test in measures.tested.items()
            if name != test
        ),
        *ranges(shown.drop_duplicates(), "The validation-selected front of {}", metric),
        *(
            f"The {what} has {NAMES[metric]} {e:.3f} and odds difference {di:.3f}."
            for what, e, di in points
        ),
    ]
    return figure, " ".join(sentences)


def ranges(fronts: pd.DataFrame, lead: str, metric: str = "error") -> list[str]:
    """A sentence for each front: how many points, and their range; `lead` has a place for its name."""
    known = fronts.dropna(subset=[metric, "di"])
    return [
        f"{lead.format(method if name == NO_DECISION_MAKER else f'{method} with {name}')} has "
        f"{counted(len(front), 'point')}, {NAMES[metric]} {front[metric].min():.3f} to "
        f"{front[metric].max():.3f}, "
        f"odds difference {front['di'].min():.3f} to {front['di'].max():.3f}."
        for (method, name), front in known.groupby(["method", "decision_maker"], sort=False)
    ]


@style()
def fronts_figure(
    settings: pd.DataFrame,
    fronts: pd.DataFrame,
    decision_makers: pd.DataFrame,
    *,
    model: str,
    names: list[str],
    metric: str = "error",
) -> Figure:
    """A row of panels per decision-maker: left the test-selected front, right the validation-selected one.

    The decision-maker alone is the one whose decisions count on test.

    Args:
        settings: as `medians_by_setting` returns them.
        fronts: as `fronts.fronts` returns them.
        decision_makers: as in `Results`.
        model: whose fronts are drawn.
        names: the decision-makers, in order.
        metric: what the fronts minimise besides the odds difference.
    """
    figure, panels = grid_of_panels(len(names), len(KINDS), height=4.1)
    base, tested = panel_baselines(settings, model), deciding_on_test(settings)
    for name, row in zip(names, panels, strict=True):
        points = panel_rows(settings, model, name)
        lines = panel_rows(fronts, model, name)
        test_name = tested.get(name, name)
        alone = decision_maker_alone(decision_makers, test_name)
        for kind, axes in zip(KINDS, row, strict=True):
            front = lines[lines["front"] == kind]
            draw_plane(axes, points, front, base, alone, joined_on=CHOSEN_ON[kind], metric=metric)
            axes.set_title(panel_title(name, test_name, KIND_TITLES[kind]), loc="left")
    finish_planes(figure, panels, settings, fronts, decision_makers, metric)
    return figure


def draw_plane(
    axes: Axes,
    settings: pd.DataFrame,
    front: pd.DataFrame,
    baseline: pd.DataFrame,
    decision_maker: pd.DataFrame,
    *,
    joined_on: str = "test",
    metric: str = "error",
) -> Axes:
    """Draw settings and fronts; x is the odds difference, y the metric, downwards: top left is best.

    Args:
        axes: what to draw on.
        settings: a faint point each; columns method, test_di and that of the metric on test.
        front: columns method, di, the metric, validation_di; a line per method, joined by odds difference.
        baseline: a red square each; columns as of settings.
        decision_maker: a yellow circle each; columns di and the metric.
        joined_on: the split whose odds difference orders the line. On `validation` the line is a thin one:
            it shows what to expect along the front, which on test is no front.
        metric: `error` or `cost`.

    Points with a NaN are not drawn.
    """
    for method, rows in settings.groupby("method", sort=True):
        draw_points(axes, rows["test_di"], rows[f"test_{metric}"], method_style(str(method)).colour)
    for method, rows in front.dropna(subset=["di", metric]).groupby("method", sort=True):
        look = method_style(str(method))
        on_validation = joined_on == "validation"
        rows = rows.sort_values("validation_di" if on_validation else ["di", metric], kind="stable")
        axes.plot(
            rows["di"],
            rows[metric],
            color=look.colour,
            linestyle=look.line,
            linewidth=0.7 if on_validation else 1.8,
            marker=look.marker,
            markersize=4.5,
            markerfacecolor="white",
            markeredgewidth=1.2,
            zorder=3,
        )
    axes.plot(baseline["test_di"], baseline[f"test_{metric}"], **BASELINE, **EDGED, zorder=4)
    axes.plot(decision_maker["di"], decision_maker[metric], **DECISION_MAKER, **EDGED, zorder=5)
    return axes


def finish_planes(
    figure: Figure,
    panels: npt.NDArray[Any],
    settings: pd.DataFrame,
    fronts: pd.DataFrame,
    decision_makers: pd.DataFrame,
    metric: str = "error",
) -> None:
    """Label the outer axes, frame all panels alike and add the legend.

    The frame holds every front, baseline and decision-maker, and 95 % of the settings: a few that
    learned nothing would squeeze the rest into a corner.
    """
    alone = decision_makers[decision_makers["split"] == "test"]
    alone = alone[alone["decision_maker"].isin(list(deciding_on_test(settings).values()))]
    alone = alone.astype({"di": "float64", metric: "float64"})
    base = baselines(settings)
    x, y = (
        np.concatenate([_most(settings[f"test_{c}"]), fronts[c], base[f"test_{c}"], alone[c]])
        for c in ("di", metric)
    )
    first = panels[0, 0]
    if np.isfinite(x).any() and np.isfinite(y).any():
        low, high = np.nanmin(y), np.nanmax(y)
        margin = max(0.06 * (high - low), 0.005)
        first.set_xlim(0, np.nanmax(x) * 1.05 + 1e-3)
        first.set_ylim(high + margin, low - margin)
    for axes in panels[-1]:
        axes.set_xlabel("average odds difference (left is better)")
    for axes in panels[:, 0]:
        axes.set_ylabel(f"{AXES[metric]} (up is better)")
    methods = [m for m in ("defer", "reject", "binary") if m in set(settings["method"])]
    methods += sorted(set(settings["method"]) - set(methods))
    add_legend(figure, [*map(_line, methods), *_marks(len(base) > 0, len(alone) > 0), _dot()])


def _most(figures: pd.Series) -> list[float]:
    known = figures[np.isfinite(figures)]
    return list(known.quantile([0.0, 0.95])) if len(known) else []


def _line(method: str) -> Line2D:
    look = method_style(method)
    return Line2D(
        [],
        [],
        color=look.colour,
        linestyle=look.line,
        linewidth=1.8,
        marker=look.marker,
        markersize=4.5,
        markerfacecolor="white",
        label=short(method),
    )


def _marks(base: bool, alone: bool) -> list[Line2D]:
    marks = [Line2D([], [], **BASELINE, **EDGED, label="baseline")] if base else []
    return marks + (
        [Line2D([], [], **DECISION_MAKER, **EDGED, label="decision-maker alone")] if alone else []
    )


def _dot() -> Line2D:
    return Line2D([], [], linestyle="none", marker="o", markersize=3, color="#999999", label="a setting")
