"""IDK rate against gamma, per method: where the interesting range of gamma lies."""

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


@style()
def gamma_figure(curves: pd.DataFrame, *, model: str, names: list[str]) -> Figure:
    """A panel per method, each with its own range of gamma; a line per decision-maker.

    Args:
        curves: as `idk.idk_by_gamma` returns them, with at least one row of this model.
        model: whose curves are drawn.
        names: the decision-makers, in order.
    """
    own = curves[curves["model"] == model]
    methods = list(own["method"].unique())
    styles = decision_maker_styles(names)
    figure, panels = grid_of_panels(1, len(methods), height=3.3, same_x=False)
    for method, axes in zip(methods, panels[0], strict=True):
        draw_idk_by_gamma(axes, own[own["method"] == method], styles)
        axes.set_title(short(method), loc="left")
        axes.set_xlabel("gamma")
    panels[0, 0].set_ylabel("IDK rate (validation)")
    add_decision_makers(figure, names, own["decision_maker"], marked=True)
    return figure


def draw_idk_by_gamma(axes: Axes, curves: pd.DataFrame, styles: dict[str, LineStyle]) -> Axes:
    """Draw the median IDK rate by gamma and the band between its quartiles.

    Args:
        axes: what to draw on.
        curves: of one method and model; columns decision_maker, gamma, idk_rate, lower, upper.
        styles: by decision-maker.
    """
    for name, rows in curves.groupby("decision_maker", sort=False):
        look = styles[str(name)]
        axes.fill_between(
            rows["gamma"], rows["lower"], rows["upper"], color=look.colour, alpha=0.15, linewidth=0
        )
        axes.plot(
            rows["gamma"],
            rows["idk_rate"],
            color=look.colour,
            linestyle=look.line,
            marker=look.marker,
            markersize=4,
            linewidth=1.8,
        )
    axes.set_ylim(-0.02, 1.02)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    return axes
