"""Errors and deferral rates by group and outcome, a dot with its interval for each group."""

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from study.group_names import GroupNames
from study.reports.figures.style import Drawn, LineStyle, add_legend, add_title, grid_of_panels, short
from study.reports.measure.deferral_budgets import ALONE
from study.reports.measure.measures import Measures

GROUPS: Final = (LineStyle("#0072B2", "-", "o"), LineStyle("#D55E00", "-", "s"))
METRICS: Final = {"error": "wrong, {}", "idk_rate": "deferred, {}"}
ROW: Final = 0.36  # inches


def by_group(measures: Measures) -> Drawn | None:
    """Four panels per decision-maker, errors and deferral rates of each outcome, and the values."""
    frame, named = measures.by_group.frame, measures.group_names
    if not frame["metric"].isin(_metrics("error", 1)).any():
        return None
    makers = list(dict.fromkeys(frame["decision_maker"]))
    points = {
        name: list(dict.fromkeys(frame.loc[frame["decision_maker"] == name, "what"])) for name in makers
    }
    height = 0.9 + ROW * max(map(len, points.values()))
    figure, panels = grid_of_panels(len(makers), 4, height=height, left=1.75, share_x=False, share_y="none")
    shown = [(metric, y) for metric in METRICS for y in (0, 1)]
    for name, row in zip(makers, panels, strict=True):
        own = frame[frame["decision_maker"] == name]
        for axes, (metric, y) in zip(row, shown, strict=True):
            asked = [what for what in points[name] if metric == "error" or what != ALONE]
            draw_by_group(axes, own[own["what"].isin(asked)], points[name], _metrics(metric, y))
            axes.set_ylim(len(points[name]) - 0.5, -0.5)
            labels = [short(what, 36).replace(", ", ",\n", 1) for what in points[name]]
            axes.set_yticks(range(len(labels)), labels)
            add_title(axes, METRICS[metric].format(short(named.outcomes[y], 20)), 9.5)
        for pair in (row[:2], row[2:]):
            right = max(axes.get_xlim()[1] for axes in pair)
            for axes in pair:
                axes.set_xlim(0, right)
        if len(makers) > 1:
            label = short(measures.labels.get(name, name))
            row[0].set_title(f"{label}\n{row[0].get_title(loc='left')}", loc="left", fontsize=9.5)
    add_legend(figure, group_marks(named))
    return figure, described(measures.named(frame), named)


def group_marks(named: GroupNames) -> list[Line2D]:
    """The two groups in a legend."""
    return [
        Line2D([], [], color=look.colour, marker=look.marker, label=short(group))
        for look, group in zip(GROUPS, named.groups, strict=True)
    ]


def described(frame: pd.DataFrame, named: GroupNames) -> str:
    """What the figure shows: the false positive and false negative rates of both groups."""
    sentences = ["Errors and deferral rates of operating points by group and outcome."]
    for (name, what), rows in frame.groupby(["decision_maker", "what"], sort=False):
        values = rows.set_index("metric")["value"]
        for y, outcome in enumerate(named.outcomes):
            both = [values.get(metric, np.nan) for metric in _metrics("error", y)]
            shares = " and ".join(f"{100 * v:.0f} % ({g})" for v, g in zip(both, named.groups, strict=True))
            sentences.append(f"{what} ({name}), {outcome}: wrong in {shares}.")
    return " ".join(sentences)


def draw_by_group(axes: Axes, frame: pd.DataFrame, points: list[str], metrics: list[str]) -> Axes:
    """A dot with its interval for each group of every point, from the top down.

    Args:
        axes: what to draw on.
        frame: columns what, metric, value, low and high.
        points: what is in each row.
        metrics: of group 0 and group 1.
    """
    for look, metric, aside in zip(GROUPS, metrics, (-0.14, 0.14), strict=True):
        rows = frame[frame["metric"] == metric]
        y = rows["what"].map(points.index) + aside
        axes.hlines(y, rows["low"], rows["high"], color=look.colour, linewidth=2, alpha=0.6)
        axes.plot(
            rows["value"],
            y,
            color=look.colour,
            marker=look.marker,
            markersize=5,
            linestyle="none",
            clip_on=False,
        )
    axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axes.locator_params(axis="x", nbins=4)
    return axes


def _metrics(metric: str, y: int) -> list[str]:
    return [f"{metric}_a{a}_y{y}" for a in (0, 1)]
