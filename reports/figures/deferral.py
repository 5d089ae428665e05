"""Deferral rates of one model: how they are spread over settings (Figure 6), and how gamma moves them."""

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
    short,
)
from study.reports.measure.measures import Measures


def deferral_cdf(measures: Measures, model: str) -> Drawn | None:
    """A row of panels per method, for all cases and each group, and the median rate of every curve."""
    curves = measures.named(measures.cdf[measures.cdf["model"] == model])
    if curves.empty:
        return None
    methods, groups = list(curves["method"].unique()), _groups(measures.group_names)
    styles = decision_maker_styles(measures.called_names)
    figure, panels = grid_of_panels(len(methods), len(groups), height=2.9)
    for method, row in zip(methods, panels, strict=True):
        for (group, name), axes in zip(groups.items(), row, strict=True):
            draw_cdf(axes, curves[(curves["method"] == method) & (curves["group"] == group)], styles)
            add_title(axes, f"{short(method, 12)}: {short(name)}")
    label_axes(panels, "deferral rate (IDK rate)", "settings at or below it")
    add_legend(figure, decision_maker_lines(measures, curves, marked=False))
    return figure, cdf_described(curves, model, measures.group_names)


def cdf_described(curves: pd.DataFrame, model: str, named: GroupNames) -> str:
    """What the figure of one model shows: half of the settings stay within which deferral rate."""
    sentences = [f"Distribution of the deferral rate over the settings of the model {model}."]
    for (method, name), rows in curves.groupby(["method", "decision_maker"], sort=False):
        # Half of the settings are at or below the first cutoff that half of them reach.
        medians = rows[rows["fraction"] >= 0.5].groupby("group", sort=False)["cutoff"].min()
        parts = [f"{100 * rate:.0f} % for {_groups(named)[str(group)]}" for group, rate in medians.items()]
        sentences.append(f"Half of the settings of {method} with {name} stay within {', '.join(parts)}.")
    return " ".join(sentences)


def _groups(named: GroupNames) -> dict[str, str]:
    return {"all": "all cases", "0": named.groups[0], "1": named.groups[1]}


def draw_cdf(axes: Axes, curves: pd.DataFrame, styles: dict[str, LineStyle]) -> Axes:
    """Draw a line per decision-maker; x is the cutoff, y the fraction, both 0 to 1.

    Args:
        axes: what to draw on.
        curves: of one method, model and group; columns decision_maker, cutoff, fraction.
        styles: by decision-maker.
    """
    for name, rows in curves.groupby("decision_maker", sort=False):
        look = styles[str(name)]
        # Settings that defer every case are a step on the very edge.
        given: dict[str, Any] = {"linewidth": 2, "drawstyle": "steps-post", "clip_on": False}
        axes.plot(rows["cutoff"], rows["fraction"], color=look.colour, linestyle=look.line, **given)
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    return axes


def deferral_by_gamma(measures: Measures, model: str) -> Drawn | None:
    """A panel per method, each with its own range of gamma, and the deferral rate at both of its ends."""
    curves = measures.named(measures.gamma[measures.gamma["model"] == model])
    if curves.empty:
        return None
    methods, styles = list(curves["method"].unique()), decision_maker_styles(measures.called_names)
    figure, panels = grid_of_panels(1, len(methods), height=3.3, share_x=False)
    for method, axes in zip(methods, panels[0], strict=True):
        draw_idk_by_gamma(axes, curves[curves["method"] == method], styles)
        add_title(axes, short(method))
    label_axes(panels, "gamma", "deferral rate (validation)")
    add_legend(figure, decision_maker_lines(measures, curves, marked=True))
    return figure, gamma_described(curves, model)


def gamma_described(curves: pd.DataFrame, model: str) -> str:
    """What the figure of one model shows: its deferral rates at both ends."""
    sentences = [f"Median deferral rate of the model {model} against gamma."]
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
    styles, drawn = decision_maker_styles(measures.called_names), set(curves["decision_maker"])
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
        for name in measures.called_names
        if name in drawn
    ]
