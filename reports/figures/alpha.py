"""Odds difference and error of binary models against alpha (the paper's Figures 7 and 8)."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from study.reports.figures.style import (
    Drawn,
    add_legend,
    add_title,
    draw_points,
    grid_of_panels,
    label_axes,
    method_style,
    short,
)
from study.reports.measure.measures import Measures
from study.words import PLAIN_MODEL

AXES: Final = {"di": "odds difference", "error": "error rate"}
# Where half of the alphas above 0 are in this part of the axis, they are spread over orders of magnitude.
CROWDED: Final = 0.2
# On a shorter error axis a cost of half a point would look like a cliff next to the fall of the odds
# difference.
SPAN: Final = 0.1


LOOK: Final = method_style("binary")
MEDIAN: Final[dict[str, Any]] = {
    **{"color": LOOK.colour, "linestyle": "-", "linewidth": 1.8},
    **{"marker": LOOK.marker, "markersize": 4, "markerfacecolor": "white"},
}


def by_alpha(measures: Measures) -> Drawn | None:
    """A row for each binary model, the plain network first, and its values at both ends.

    Left the odds difference, right the error rate, both on test; lower is better. A faint point is a run.
    """
    points, curves = measures.alpha_runs, measures.alpha
    models = sorted(curves["model"].unique(), key=lambda model: (model != PLAIN_MODEL, model))
    if not models:
        return None
    figure, panels = grid_of_panels(len(models), len(AXES), height=3.3, share_y="col")
    for model, row in zip(models, panels, strict=True):
        for name, axes in zip(AXES, row, strict=True):
            draw_by_alpha(axes, points[points["model"] == model], curves[curves["model"] == model], name)
            add_title(axes, f"{short(model)}: {AXES[name]}")
            axes.set_ylabel(f"{AXES[name]} (lower is better)")
    scale_alpha(panels[0, 0], points["alpha"].to_numpy(np.float64))
    label_axes(panels, "alpha")
    panels[0, 0].set_ylim(bottom=0)
    low, high = panels[0, 1].get_ylim()
    missing = max(0.0, SPAN - (high - low)) / 2
    panels[0, 1].set_ylim(low - missing, high + missing)
    add_legend(figure, _legend())
    return figure, described(curves)


def described(curves: pd.DataFrame) -> str:
    """What the figure shows: median odds difference and error at both ends of the range of alpha."""
    sentences = [
        "Odds difference and error rate of binary models against alpha: every run and their medians."
    ]
    for model, rows in curves.groupby("model", sort=False):
        ends = rows.sort_values("alpha")[["alpha", "di", "error"]].to_numpy(float)[[0, -1]]
        (low, *before), (high, *after) = ends
        di, error = (f"from {old:.3f} to {new:.3f}" for old, new in zip(before, after, strict=True))
        sentences.append(
            f"From alpha {low:.3g} to {high:.3g}, the median odds difference of the model {model} goes "
            f"{di}, its median error {error}."
        )
    return " ".join(sentences)


def draw_by_alpha(axes: Axes, points: pd.DataFrame, curves: pd.DataFrame, name: str) -> Axes:
    """Draw the runs of one model, their median by alpha and the band between its quartiles.

    Args:
        axes: what to draw on.
        points: columns alpha and `name`.
        curves: columns alpha, `name`, and this with `_lower` and `_upper`; in the order of alpha.
        name: `di` or `error`.
    """
    draw_points(axes, points["alpha"], points[name], LOOK.colour)
    lower, upper = curves[f"{name}_lower"], curves[f"{name}_upper"]
    axes.fill_between(curves["alpha"], lower, upper, color=LOOK.colour, alpha=0.15, linewidth=0)
    axes.plot(curves["alpha"], curves[name], **MEDIAN, clip_on=False, zorder=3)
    return axes


def scale_alpha(axes: Axes, alphas: npt.NDArray[np.float64]) -> Axes:
    """Choose an axis that suits the values, and its numbers.

    A log axis where they are spread over orders of magnitude, on which 0, if there, stands a little to the
    left of the smallest; else, and where one is below 0, a plain axis.

    Args:
        axes: whose x axis is set.
        alphas: (n,), all that it must show, at least one.
    """
    above = alphas[alphas > 0]
    if alphas.min() < 0 or not len(above) or np.median(np.unique(above)) >= CROWDED * above.max():
        margin = 0.03 * (np.ptp(alphas) or 1.0)
        axes.set_xlim(alphas.min() - margin, alphas.max() + margin)
        return axes
    # A little wider, so that the round numbers which a search comes close to are on the axis.
    low, high, has_zero = above.min() / 1.15, above.max() * 1.15, (alphas == 0).any()
    if has_zero:
        axes.set_xscale("symlog", linthresh=low, linscale=0.35)
        axes.set_xlim(-0.12 * low, high)
    else:
        axes.set_xscale("log")
        axes.set_xlim(low, high)
    numbers = [0.0] if has_zero else []
    axes.xaxis.set_major_locator(FixedLocator(numbers + _round_numbers(low, high)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda alpha, _: f"{alpha:g}"))
    return axes


def _round_numbers(low: float, high: float) -> list[float]:
    """Powers of ten in the range, or, where these are few, twice and five times these too."""
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    for steps in ((1,), (1, 2, 5)):
        result = [step * 10.0**power for power in powers for step in steps]
        inside = [number for number in result if low <= number <= high]
        if len(inside) > 3:
            break
    return inside


def _legend() -> list[Line2D]:
    return [
        Line2D([], [], **MEDIAN, label="median"),
        Line2D([], [], color=LOOK.colour, alpha=0.15, linewidth=8, label="middle half of the runs"),
        Line2D([], [], linestyle="none", marker="o", markersize=3, color="#999999", label="a run"),
    ]
