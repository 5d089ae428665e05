"""What all figures share: colours, line styles, markers, sizes, and how text is treated."""

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from study.words import NO_DECISION_MAKER

WIDTH: Final = 10.0  # inches, of every figure
TOP: Final = 0.68  # room for the legend and the titles of the first row
BOTTOM: Final = 0.55
INK: Final = "#222222"
# From here on points are drawn as an image inside the SVG, which stays small.
MANY_POINTS: Final = 400

RC: Final[Any] = {
    "font.size": 9.5,
    "axes.titlesize": 10,
    # Placed by hand, here and in grid_of_panels: looking for free room takes half the drawing time.
    "axes.titley": 1.0,
    "axes.labelsize": 9.5,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "text.color": INK,
    "axes.edgecolor": "#888888",
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e8e8e8",
    "grid.linewidth": 0.8,
    "xtick.color": INK,
    "ytick.color": INK,
    # A name with a dollar sign is a name, not a formula.
    "text.parse_math": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "report",
}

Drawn = tuple[Figure, str]
"""A figure, and what it shows in words with its main numbers, for those who cannot see it."""


@dataclass(frozen=True)
class LineStyle:
    """How one method or decision-maker is drawn: distinguishable without colour, too."""

    colour: str
    line: Any
    marker: str


# Okabe and Ito's palette. Line styles as in the paper's Figure 3.
METHOD_STYLES: Final = {
    "binary": LineStyle("#4d4d4d", ":", "D"),
    "reject": LineStyle("#009E73", "--", "^"),
    "defer": LineStyle("#0072B2", "-", "o"),
    "confidence": LineStyle("#E69F00", (0, (5, 1, 1, 1)), "s"),
    "compare": LineStyle("#56B4E9", (0, (8, 2)), "P"),
    "ce": LineStyle("#AA4499", (0, (3, 1)), "X"),
    "ova": LineStyle("#882255", (0, (5, 1, 1, 1, 1, 1)), "<"),
    "realizable": LineStyle("#117733", (0, (1, 1)), ">"),
}
OTHER_METHOD: Final = LineStyle("#D55E00", "-.", "v")
# As in the paper's Figure 6: biased blue and solid, standard purple and dashed.
DECISION_MAKER_STYLES: Final = {
    "standard": LineStyle("#AA4499", "--", "s"),
    "biased": LineStyle("#0072B2", "-", "o"),
    "oracle": LineStyle("#E69F00", "-.", "*"),
}
MORE_DECISION_MAKERS: Final = (
    LineStyle("#009E73", (0, (5, 1, 1, 1, 1, 1)), "^"),
    LineStyle("#D55E00", ":", "v"),
    LineStyle("#56B4E9", (0, (8, 2)), "P"),
    LineStyle("#000000", (0, (1, 1)), "X"),
)
BASELINE: Final[dict[str, Any]] = {"marker": "s", "color": "#D00000", "markersize": 9}
DECISION_MAKER: Final[dict[str, Any]] = {"marker": "o", "color": "#F0E442", "markersize": 10}
EDGED: Final[dict[str, Any]] = {
    "linestyle": "none",
    "markeredgecolor": "black",
    "markeredgewidth": 1.0,
}

_DEFAULTS: Final[Any] = {
    key: value for key, value in matplotlib.rcParamsDefault.items() if not key.startswith("backend")
}


@contextmanager
def style() -> Iterator[None]:
    """Within it (also as a decorator), figures are made and rendered in this style and no user's."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        # Not the backend: a notebook's kernel may name one that is not installed here.
        matplotlib.rcParams.update({**_DEFAULTS, **RC})
        # A user's own name may be in a script that the font lacks: boxes, but a figure.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def method_style(method: str) -> LineStyle:
    """Of a method; those the paper does not know share one."""
    return METHOD_STYLES.get(method, OTHER_METHOD)


def decision_maker_styles(names: list[str]) -> dict[str, LineStyle]:
    """Of each decision-maker: the paper's by name, others in turn."""
    others = [name for name in names if name not in DECISION_MAKER_STYLES]
    styles = {n: MORE_DECISION_MAKERS[i % len(MORE_DECISION_MAKERS)] for i, n in enumerate(others)}
    return {**styles, **DECISION_MAKER_STYLES}


def short(name: object, limit: int = 28) -> str:
    """A name that fits over a panel. A legend would drop one with a leading underscore."""
    text = " ".join(str(name).split())
    text = text if len(text) <= limit else text[: limit - 1] + "…"
    return f" {text}" if text.startswith("_") else text


def panel_title(name: str, test_name: str, what: str, limit: int = 22) -> str:
    """What a panel shows of a decision-maker; on two lines where another one decided on test.

    Of binary models alone, which have no decision-maker, it says only what is shown.
    """
    if name == NO_DECISION_MAKER:
        return what
    if test_name == name:
        return f"{short(name, limit)}: {what}"
    return f"trained with {short(name, limit)}, tested with {short(test_name, limit)}\n{what}"


def grid_of_panels(
    rows: int, columns: int, *, height: float, same_x: bool = True, same_y: bool = True
) -> tuple[Figure, npt.NDArray[Any]]:
    """A figure with `rows` x `columns` panels, and these as an array.

    Args:
        rows: number of rows.
        columns: number of columns.
        height: of one row, in inches, with its title.
        same_x: whether all share the x axis.
        same_y: whether all share the y axis; else each column has its own, and room for its numbers.
    """
    panel_height = height - 0.45
    total = rows * height + TOP + BOTTOM - 0.45
    figure = Figure(figsize=(WIDTH, total))
    FigureCanvasAgg(figure)
    share_y: Any = True if same_y else "col"
    axes = figure.subplots(rows, columns, sharex=same_x, sharey=share_y, squeeze=False)
    figure.subplots_adjust(
        left=0.075,
        right=0.97,
        top=1 - TOP / total,
        bottom=BOTTOM / total,
        wspace=0.13 if same_y else 0.22,
        hspace=0.45 / panel_height,
    )
    panel_width = axes[0, 0].get_position().width * WIDTH
    for panel in axes.flat:
        panel.locator_params(nbins=6)
        panel.xaxis.set_label_coords(0.5, -0.36 / panel_height)
        panel.yaxis.set_label_coords(-0.52 / panel_width, 0.5)
    return figure, np.asarray(axes)


def add_legend(figure: Figure, handles: list[Line2D]) -> None:
    """One legend for all panels, in a line at the top."""
    labels = [str(handle.get_label()) for handle in handles]
    figure.legend(
        handles,
        labels,
        loc="upper center",
        ncols=min(len(handles), 7),
        frameon=False,
        handlelength=2.6,
        columnspacing=1.6,
        borderaxespad=0.3,
    )


def add_decision_makers(figure: Figure, names: list[str], drawn: Iterable[str], *, marked: bool) -> None:
    """A legend of those of the decision-makers `names` that are drawn, `marked` where their lines are."""
    styles, there = decision_maker_styles(names), set(drawn)
    handles = [
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
        if name in there
    ]
    add_legend(figure, handles)


def draw_points(axes: Axes, x: Any, y: Any, colour: str) -> None:
    """Faint points, one per setting, beneath everything else; fainter where there are many."""
    alpha = float(np.clip(0.45 * (MANY_POINTS / max(len(x), 1)) ** 0.5, 0.04, 0.45))
    axes.plot(
        x,
        y,
        linestyle="none",
        marker="o",
        markersize=3,
        markeredgewidth=0,
        color=colour,
        alpha=alpha,
        zorder=1.5,
        rasterized=len(x) > MANY_POINTS,
    )
