"""Deferral rates: how they are spread over settings (Figure 6), and how gamma moves them."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from study.group_names import GroupNames
from study.reports.figures.style import (
    Drawn,
    LineStyle,
    add_legend,
    add_title,
    decision_maker_styles,
    grid_of_panels,
    label_axes,
    method_style,
    short,
)
from study.reports.measure.measures import Measures
from study.reports.measure.panels import Models, in_words


def deferral_cdf(measures: Measures, models: Models) -> Drawn | None:
    """A panel for all cases and one for each group, and the median rate of every curve.

    With one decision-maker a line is a method; with several there is a row of panels per method, and a line
    is a decision-maker.
    """
    curves = measures.named(measures.cdf[measures.cdf["model"].isin(models)])
    if curves.empty:
        return None
    if curves["decision_maker"].nunique() == 1:
        line, rows = "method", [("", curves)]
        styles = {str(name): method_style(str(name)) for name in curves["method"].unique()}
        legend = _lines(styles, styles, marked=False)
    else:
        line = "decision_maker"
        rows = [(f"{short(name, 12)}: ", own) for name, own in curves.groupby("method", sort=False)]
        styles = decision_maker_styles(measures.called_names)
        legend = decision_maker_lines(measures, curves, marked=False)
    groups = _groups(measures.group_names)
    figure, panels = grid_of_panels(len(rows), len(groups), height=2.9)
    for (of_method, own), row in zip(rows, panels, strict=True):
        for (group, name), axes in zip(groups.items(), row, strict=True):
            draw_cdf(axes, own[own["group"] == group], styles, line=line)
            add_title(axes, f"{of_method}{short(name)}")
    label_axes(panels, "deferral rate (IDK rate)", "settings at or below it")
    add_legend(figure, legend)
    return figure, cdf_described(curves, models, measures.group_names)


def cdf_described(curves: pd.DataFrame, models: Models, named: GroupNames) -> str:
    """What the figure shows: half of the settings stay within which deferral rate."""
    sentences = [f"Distribution of the deferral rate over the settings of {in_words(models)}."]
    for (method, name), rows in curves.groupby(["method", "decision_maker"], sort=False):
        # Half of the settings are at or below the first cutoff that half of them reach.
        medians = rows[rows["fraction"] >= 0.5].groupby("group", sort=False)["cutoff"].min()
        parts = [f"{100 * rate:.0f} % for {_groups(named)[str(group)]}" for group, rate in medians.items()]
        sentences.append(f"Half of the settings of {method} with {name} stay within {', '.join(parts)}.")
    return " ".join(sentences)


def _groups(named: GroupNames) -> dict[str, str]:
    return {"all": "all cases", "0": named.groups[0], "1": named.groups[1]}


def draw_cdf(
    axes: Axes, curves: pd.DataFrame, styles: dict[str, LineStyle], *, line: str = "decision_maker"
) -> Axes:
    """Draw the curves of one group; x is the cutoff, y the fraction, both 0 to 1.

    Args:
        axes: what to draw on.
        curves: columns cutoff, fraction and `line`.
        styles: of each line, by its name.
        line: what tells the lines apart, `decision_maker` or `method`.
    """
    for name, rows in curves.groupby(line, sort=False):
        look = styles[str(name)]
        # Settings that defer every case are a step on the very edge.
        given: dict[str, Any] = {"linewidth": 2, "drawstyle": "steps-post", "clip_on": False}
        axes.plot(rows["cutoff"], rows["fraction"], color=look.colour, linestyle=look.line, **given)
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    return axes


def deferral_by_gamma(measures: Measures, models: Models) -> Drawn | None:
    """A panel per method, each with its own range of gamma, and the deferral rate at both of its ends."""
    curves = measures.named(measures.gamma[measures.gamma["model"].isin(models)])
    if curves.empty:
        return None
    methods, styles = list(curves["method"].unique()), decision_maker_styles(measures.called_names)
    figure, panels = grid_of_panels(1, len(methods), height=3.3, share_x=False)
    for method, axes in zip(methods, panels[0], strict=True):
        draw_idk_by_gamma(axes, curves[curves["method"] == method], styles)
        add_title(axes, short(method))
    label_axes(panels, "gamma", "deferral rate (validation)")
    add_legend(figure, decision_maker_lines(measures, curves, marked=True))
    return figure, gamma_described(curves, models)


def gamma_described(curves: pd.DataFrame, models: Models) -> str:
    """What the figure shows: deferral rates at both ends."""
    sentences = [f"Median deferral rate of {in_words(models)} against gamma."]
    for (method, name), rows in curves.groupby(["method", "decision_maker"], sort=False):
        ends = rows.sort_values("gamma")[["gamma", "idk_rate"]].to_numpy(float)[[0, -1]]
        low, high = (f"{100 * rate:.0f} % at gamma {gamma:.3g}" for gamma, rate in ends)
        sentences.append(f"With {method} and {name}, it goes from {low} to {high}.")
    return " ".join(sentences)


def draw_idk_by_gamma(axes: Axes, curves: pd.DataFrame, styles: dict[str, LineStyle]) -> Axes:
    """Draw the median deferral rate by gamma and the band between its quartiles.

    Args:
        axes: what to draw on.
        curves: of one method and model; columns decision_maker, gamma, idk_rate, lower, upper.
        styles: by decision-maker.
    """
    for name, rows in curves.groupby("decision_maker", sort=False):
        look = styles[str(name)]
        band: dict[str, Any] = {"color": look.colour, "alpha": 0.15, "linewidth": 0}
        axes.fill_between(rows["gamma"], rows["lower"], rows["upper"], **band)
        line: dict[str, Any] = {"color": look.colour, "linestyle": look.line, "linewidth": 1.8}
        axes.plot(rows["gamma"], rows["idk_rate"], marker=look.marker, markersize=4, **line)
    axes.set_ylim(-0.02, 1.02)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    return axes


def decision_maker_lines(measures: Measures, curves: pd.DataFrame, *, marked: bool) -> list[Line2D]:
    """Those of the study's decision-makers that curves are about in a legend, `marked` where they are."""
    drawn = set(curves["decision_maker"])
    names = [name for name in measures.called_names if name in drawn]
    return _lines(decision_maker_styles(measures.called_names), names, marked=marked)


def _lines(styles: Mapping[str, LineStyle], names: Iterable[str], *, marked: bool) -> list[Line2D]:
    return [
        Line2D(
            [],
            [],
            color=styles[name].colour,
            linestyle=styles[name].line,
            linewidth=2,
            marker=styles[name].marker if marked else "",
            label=short(name),
        )
        for name in names
    ]
