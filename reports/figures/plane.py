"""Error against odds difference: fronts, baseline and decision-maker (Figures 3 and 4)."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
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
    add_title,
    draw_points,
    grid_of_panels,
    label_axes,
    method_style,
    panel_title,
    short,
)
from study.reports.measure.measures import Measures
from study.reports.measure.panels import (
    Models,
    baselines,
    decision_maker_alone,
    in_words,
    panel_baselines,
    panel_rows,
)
from study.results.fronts import BANDS, CHOSEN_ON, KINDS, idk_band
from study.results.limits import NAMES
from study.results.wording import counted
from study.words import METHODS, NO_DECISION_MAKER

AXES = {"error": "error rate", "cost": NAMES["cost"]}
KIND_TITLES = {"paper": "test-selected (optimistic) front", "honest": "validation-selected front"}
BAND_TITLES = {"low": "low, under 20 %", "medium": "medium, 20 to 50 %", "high": "high, from 50 %"}


class _Column(NamedTuple):
    """What the panels of a column show: a front of one kind, and the settings that it is chosen from."""

    title: str
    kind: str
    settings: pd.DataFrame
    front: pd.DataFrame


def plane(measures: Measures, models: Models) -> Drawn:
    """The figure of these models, and its description: the range of every validation-selected front.

    A row of panels for each decision-maker: left the test-selected front, right the validation-selected
    one. The decision-maker alone is the one whose decisions count on test.
    """
    metric, fronts = measures.metric, measures.fronts
    columns = [
        _Column(KIND_TITLES[kind], kind, measures.settings, fronts[fronts["front"] == kind])
        for kind in KINDS
    ]
    figure = _planes(measures, models, columns, height=4.1, limit=22)
    shown = pd.concat([panel_rows(columns[-1].front, models, name) for name in measures.names])
    known = [f"test_{metric}", "test_di"]
    base = panel_baselines(measures.settings, models)[known].dropna()
    points = [("baseline", *point) for point in base.itertuples(index=False, name=None)]
    points += [
        (f"decision-maker {name} alone", value, di)
        for name, value, di in measures.named(_on_test(measures))[
            ["decision_maker", metric, "di"]
        ].itertuples(index=False, name=None)
    ]
    sentences = [
        f"{NAMES[metric].capitalize()} against odds difference of {in_words(models)}.",
        *(
            f"Models trained with {measures.called(name)} are tested with {measures.called(test)}."
            for name, test in measures.tested.items()
            if name != test
        ),
        *_ranges(measures.named(shown.drop_duplicates()), "The validation-selected front of {}", metric),
        *(
            f"The {what} has {NAMES[metric]} {e:.3f} and odds difference {di:.3f}."
            for what, e, di in points
        ),
    ]
    return figure, " ".join(sentences)


def bands(kind: str, measures: Measures, models: Models) -> Drawn | None:
    """The figure of one kind of front of these models, and the range of every front in every band.

    A column for each band of deferral rates: the settings shown, and the fronts among them, are those of
    the band. The binary front (it never defers, and so has no band), baseline and decision-maker are the
    same in all.
    """
    if (measures.settings["method"] == "binary").all():
        return None
    metric, fronts, by_band = measures.metric, measures.fronts, measures.band_fronts
    binary = fronts[(fronts["front"] == kind) & (fronts["method"] == "binary")]
    own = {name: by_band[(by_band["front"] == kind) & (by_band["band"] == name)] for name in BANDS}
    columns = [
        _Column(
            BAND_TITLES[name],
            kind,
            idk_band(measures.settings, name, kind),
            pd.concat([front[binary.columns], binary]),
        )
        for name, front in own.items()
    ]
    sentences = [
        f"{NAMES[metric].capitalize()} against odds difference of {in_words(models)} by deferral rate: "
        f"{KIND_TITLES[kind]}."
    ]
    for name, front in own.items():
        shown = measures.named(front[front["model"].isin(models)])
        sentences += _ranges(shown, f"At a {name} deferral rate, {{}}", metric)
    return _planes(measures, models, columns, height=3.2, limit=12), " ".join(sentences)


test_bands = partial(bands, "paper")
validation_bands = partial(bands, "honest")


def _ranges(fronts: pd.DataFrame, lead: str, metric: str) -> list[str]:
    """A sentence for each front: how many points, and their range; `lead` has a place for its name."""
    known = fronts.dropna(subset=[metric, "di"])
    return [
        f"{lead.format(method if name == NO_DECISION_MAKER else f'{method} with {name}')} has "
        f"{counted(len(front), 'point')}, {NAMES[metric]} {front[metric].min():.3f} to "
        f"{front[metric].max():.3f}, "
        f"odds difference {front['di'].min():.3f} to {front['di'].max():.3f}."
        for (method, name), front in known.groupby(["method", "decision_maker"], sort=False)
    ]


def _on_test(measures: Measures) -> pd.DataFrame:
    """The decision-makers whose decisions count on test, deciding alone."""
    alone = measures.results.decision_makers
    return alone[(alone["split"] == "test") & alone["decision_maker"].isin(measures.tested.values())]


def _planes(
    measures: Measures, models: Models, columns: Sequence[_Column], *, height: float, limit: int
) -> Figure:
    """A row of panels for each decision-maker; `limit` is the most letters of a name in a title."""
    names, metric = measures.names, measures.metric
    figure, panels = grid_of_panels(len(names), len(columns), height=height)
    base = panel_baselines(measures.settings, models)
    for name, row in zip(names, panels, strict=True):
        test_name = measures.tested.get(name, name)
        alone = decision_maker_alone(measures.results.decision_makers, test_name)
        called = measures.called(name), measures.called(test_name)
        for column, axes in zip(columns, row, strict=True):
            points, front = (panel_rows(of, models, name) for of in (column.settings, column.front))
            joined_on = CHOSEN_ON[column.kind]
            draw_plane(axes, points, front, base, alone, joined_on=joined_on, metric=metric)
            add_title(axes, panel_title(*called, column.title, limit), 10 if limit > 12 else 9)
    alone = _on_test(measures)
    _frame(panels[0, 0], measures.settings, pd.concat([one.front for one in columns]), alone, metric)
    label_axes(panels, "average odds difference (left is better)", f"{AXES[metric]} (up is better)")
    drawn = pd.concat([panel_rows(measures.settings, models, name) for name in names])["method"]
    methods = sorted(drawn.unique(), key=lambda method: [*METHODS, method].index(method))
    dot = Line2D([], [], linestyle="none", marker="o", markersize=3, color="#999999", label="a setting")
    marks = reference_marks(base=len(baselines(measures.settings)) > 0, alone=len(alone) > 0)
    add_legend(figure, [*map(method_line, methods), *marks, dot])
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


def _frame(
    axes: Axes, settings: pd.DataFrame, fronts: pd.DataFrame, alone: pd.DataFrame, metric: str
) -> None:
    """Set the limits that all panels share.

    They hold every front, baseline and decision-maker, and 95 % of the settings: a few that learned nothing
    would squeeze the rest into a corner.
    """
    alone, base = alone.astype({"di": "float64", metric: "float64"}), baselines(settings)
    x, y = (
        np.concatenate([_most(settings[f"test_{c}"]), fronts[c], base[f"test_{c}"], alone[c]])
        for c in ("di", metric)
    )
    if np.isfinite(x).any() and np.isfinite(y).any():
        low, high = np.nanmin(y), np.nanmax(y)
        margin = max(0.06 * (high - low), 0.005)
        axes.set_xlim(0, np.nanmax(x) * 1.05 + 1e-3)
        axes.set_ylim(high + margin, low - margin)


def _most(figures: pd.Series) -> list[float]:
    known = figures[np.isfinite(figures)]
    return list(known.quantile([0.0, 0.95])) if len(known) else []


def method_line(method: str) -> Line2D:
    """A method's front in a legend."""
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


def reference_marks(*, base: bool, alone: bool) -> list[Line2D]:
    """The baseline and the decision-maker alone in a legend, where they are drawn."""
    marks = [Line2D([], [], **BASELINE, **EDGED, label="baseline")] if base else []
    return marks + (
        [Line2D([], [], **DECISION_MAKER, **EDGED, label="decision-maker alone")] if alone else []
    )
