"""Distribution of deferral rates over the settings of one model (the paper's Figure 6)."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from study.group_names import GroupNames
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


def deferral_cdf(measures: Measures, model: str) -> Drawn | None:
    """The figure of one model, and the median deferral rate of every curve."""
    own = measures.cdf[measures.cdf["model"] == model]
    if own.empty:
        return None
    named = measures.group_names
    return cdf_figure(own, names=measures.names, named=named), described(own, model=model, named=named)


def described(curves: pd.DataFrame, *, model: str, named: GroupNames) -> str:
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


@style()
def cdf_figure(curves: pd.DataFrame, *, names: list[str], named: GroupNames) -> Figure:
    """A row per method; columns: all cases, A = 0, A = 1; a line per decision-maker.

    Args:
        curves: as `deferral_rates.deferral_cdf` returns them, of one model, at least one row.
        names: the decision-makers, in order.
        named: names of the groups.
    """
    methods, groups = list(curves["method"].unique()), _groups(named)
    styles = decision_maker_styles(names)
    figure, panels = grid_of_panels(len(methods), len(groups), height=2.9)
    for method, row in zip(methods, panels, strict=True):
        for group, axes in zip(groups, row, strict=True):
            draw_cdf(axes, curves[(curves["method"] == method) & (curves["group"] == group)], styles)
            axes.set_title(f"{short(method, 12)}: {short(groups[group])}", loc="left")
    for axes in panels[-1]:
        axes.set_xlabel("deferral rate (IDK rate)")
    for axes in panels[:, 0]:
        axes.set_ylabel("settings at or below it")
    add_decision_makers(figure, names, curves["decision_maker"], marked=False)
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
            # Settings that defer every case are a step on the very edge.
            clip_on=False,
        )
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    return axes
