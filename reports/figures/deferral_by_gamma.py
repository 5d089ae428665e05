"""Deferral rate against gamma, per method: where the interesting range of gamma lies."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from study.reports.figures.style import (
    Drawn,
    LineStyle,
    add_decision_makers,
    decision_maker_styles,
    grid_of_panels,
    short,
    style,
)
from study.reports.measure.measures import Measures


def deferral_by_gamma(measures: Measures, model: str) -> Drawn | None:
    """The figure of one model, and the deferral rate at both ends of the range of gamma."""
    own = measures.gamma[measures.gamma["model"] == model]
    return None if own.empty else (gamma_figure(own, names=measures.names), described(own, model=model))


def described(curves: pd.DataFrame, *, model: str) -> str:
    """What the figure of one model shows: its deferral rates at both ends."""
    sentences = [f"Median deferral rate of the model {model} against gamma."]
    for (method, name), rows in curves.groupby(["method", "decision_maker"], sort=False):
        ends = rows.sort_values("gamma")[["gamma", "idk_rate"]].to_numpy(float)[[0, -1]]
        low, high = (f"{100 * rate:.0f} % at gamma {gamma:.3g}" for gamma, rate in ends)
        sentences.append(f"With {method} and {name}, it goes from {low} to {high}.")
    return " ".join(sentences)


@style()
def gamma_figure(curves: pd.DataFrame, *, names: list[str]) -> Figure:
    """A panel per method, each with its own range of gamma; a line per decision-maker.

    Args:
        curves: as `deferral_rates.deferral_by_gamma` returns them, of one model, at least one row.
        names: the decision-makers, in order.
    """
    methods = list(curves["method"].unique())
    styles = decision_maker_styles(names)
    figure, panels = grid_of_panels(1, len(methods), height=3.3, same_x=False)
    for method, axes in zip(methods, panels[0], strict=True):
        draw_idk_by_gamma(axes, curves[curves["method"] == method], styles)
        axes.set_title(short(method), loc="left")
        axes.set_xlabel("gamma")
    panels[0, 0].set_ylabel("deferral rate (validation)")
    add_decision_makers(figure, names, curves["decision_maker"], marked=True)
    return figure


def draw_idk_by_gamma(axes: Axes, curves: pd.DataFrame, styles: dict[str, LineStyle]) -> Axes:
    """Draw the median deferral rate by gamma and the band between its quartiles.

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
