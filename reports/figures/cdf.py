"""Distribution of IDK rates over the settings of one model (the paper's Figure 6)."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from study.reports.figures.style import (
    LineStyle,
    add_decision_makers,
    decision_maker_styles,
    grid_of_panels,
    short,
    style,
)

GROUPS = {"all": "everyone", "0": "group A = 0", "1": "group A = 1"}


@style()
def cdf_figure(curves: pd.DataFrame, *, model: str, names: list[str]) -> Figure:
    """A row per method; columns: everyone, A = 0, A = 1; a line per decision-maker.

    Args:
        curves: as `idk.idk_cdf` returns them, with at least one row of this model.
        model: whose curves are drawn.
        names: the decision-makers, in order.
    """
    own = curves[curves["model"] == model]
    methods = list(own["method"].unique())
    styles = decision_maker_styles(names)
    figure, panels = grid_of_panels(len(methods), len(GROUPS), height=2.9)
    for method, row in zip(methods, panels, strict=True):
        for group, axes in zip(GROUPS, row, strict=True):
            draw_cdf(axes, own[(own["method"] == method) & (own["group"] == group)], styles)
            axes.set_title(f"{short(method)}: {GROUPS[group]}", loc="left")
    for axes in panels[-1]:
        axes.set_xlabel("IDK rate")
    for axes in panels[:, 0]:
        axes.set_ylabel("settings at or below it")
    add_decision_makers(figure, names, own["decision_maker"], marked=False)
    return figure


def draw_cdf(axes: Axes, curves: pd.DataFrame, styles: dict[str, LineStyle]) -> Axes:
    """Draw a line per decision-maker; x is the cutoff, y the fraction, both 0 to 1.

    Args:
        axes: what to draw on.
        curves: of one method, model and group; columns decision_maker, cutoff, fraction.
        styles: by decision-maker.
    """
    for name, rows in curves.groupby("decision_maker", sort=False):
        look = styles[str(name)]
        axes.plot(
            rows["cutoff"],
            rows["fraction"],
            color=look.colour,
            linestyle=look.line,
            linewidth=2,
            drawstyle="steps-post",
            # Settings that leave everybody to the decision-maker are a step on the very edge.
            clip_on=False,
        )
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    return axes
