"""What all figures share: colours, line styles, markers, sizes, and how text is treated."""

import textwrap
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from study.words import NO_DECISION_MAKER

WIDTH: Final = 10.0  # inches, of every figure
NARROW: Final = 4.2  # of the same figure for a phone, with its panels below each other
TOP: Final = 0.68  # room for a line of the legend and the titles of the first row
BOTTOM: Final = 0.55
LINE: Final = 0.18  # a further line of the legend
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
def style(width: float = WIDTH) -> Iterator[None]:
    """Within it (also as a decorator), figures are made and rendered in this style and no user's."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        # Not the backend: a notebook's kernel may name one that is not installed here.
        matplotlib.rcParams.update({**_DEFAULTS, **RC, "figure.figsize": (width, width)})
        # A user's own name may be in a script that the font lacks: boxes, but a figure.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def _is_narrow(width: float) -> bool:
    return width < WIDTH


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


def add_title(axes: Axes, text: str, size: float = 10) -> None:
    """Write what a panel shows above it, in as many lines as its width needs."""
    figure = axes.get_figure(root=True)
    width = axes.get_position().width * (figure.get_figwidth() if figure else WIDTH)
    lines = (textwrap.fill(line, int(width * 72 / (0.52 * size))) for line in text.split("\n"))
    axes.set_title("\n".join(lines), loc="left", fontsize=size)


def grid_of_panels(
    rows: int,
    columns: int,
    *,
    height: float,
    left: float = 0.75,
    square: bool = False,
    share_x: bool = True,
    share_y: Literal["all", "col", "none"] = "all",
) -> tuple[Figure, npt.NDArray[Any]]:
    """A figure with `rows` x `columns` panels, and these as an array of that shape.

    Its width is that of the style; in a narrow one the panels are below each other, row by row.

    Args:
        rows: number of rows.
        columns: number of columns.
        height: of one row, in inches, with its title.
        left: room for the labels of the y axis, in inches.
        square: whether panels are as wide as high, at the left of their places.
        share_x: whether all share the x axis.
        share_y: which share the y axis; without `col`, only those at the left write its numbers or names.
    """
    width = matplotlib.rcParams["figure.figsize"][0]
    narrow = _is_narrow(width)
    high, wide = (rows * columns, 1) if narrow else (rows, columns)
    gap, panel_height = (0.95 if narrow else 0.45), height - 0.45
    top = TOP + (0.17 if narrow else 0)
    total = high * panel_height + (high - 1) * gap + top + BOTTOM
    figure = Figure(figsize=(width, total))
    FigureCanvasAgg(figure)
    panels = np.asarray(figure.subplots(high, wide, squeeze=False)).reshape(rows, columns)
    figure.subplots_adjust(
        left=left / width,
        right=1 - 0.3 / width,
        top=1 - top / total,
        bottom=BOTTOM / total,
        wspace=0.22 if share_y == "col" else 0.13,
        hspace=gap / panel_height,
    )
    panel_width = panels[0, 0].get_position().width * width
    panel_width = min(panel_width, panel_height) if square else panel_width
    for (row, column), panel in np.ndenumerate(panels):
        if share_x and (row or column):
            panel.sharex(panels[0, 0])
        if (share_y == "all" and (row or column)) or (share_y == "col" and row):
            panel.sharey(panels[0, column if share_y == "col" else 0])
        panel.tick_params(
            labelbottom=narrow or not share_x or row == rows - 1,
            labelleft=narrow or share_y == "col" or not column,
        )
        if square:
            panel.set_box_aspect(1)
            panel.set_anchor("W")
        panel.locator_params(axis="x", nbins=max(3, min(6, round(1.8 * panel_width))))
        panel.locator_params(axis="y", nbins=6)
        panel.xaxis.set_label_coords(0.5, -0.36 / panel_height)
        panel.yaxis.set_label_coords(-0.52 / panel_width, 0.5)
    return figure, panels


def label_axes(panels: npt.NDArray[Any], x: str, y: str = "") -> None:
    """Label the axes at the bottom and, with `y`, at the left; of panels below each other all."""
    narrow = _is_narrow(panels[0, 0].get_figure(root=True).get_figwidth())
    for panel in (panels if narrow else panels[-1:]).flat:
        panel.set_xlabel(x)
    for panel in (panels if narrow else panels[:, :1]).flat if y else ():
        panel.set_ylabel(y)


def add_legend(figure: Figure, handles: list[Line2D]) -> None:
    """One legend for all panels, at the top, in as many lines as it needs."""
    width, height = figure.get_size_inches()
    columns = min(len(handles), 2 if _is_narrow(width) else 7)
    more = LINE * (-(-len(handles) // columns) - 1)
    ends = figure.subplotpars
    figure.set_figheight(height + more)
    figure.subplots_adjust(
        top=ends.top * height / (height + more), bottom=(ends.bottom * height) / (height + more)
    )
    figure.legend(
        handles,
        [str(handle.get_label()) for handle in handles],
        loc="upper center",
        ncols=columns,
        frameon=False,
        handlelength=2.6,
        columnspacing=1.6,
        borderaxespad=0.3,
    )


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
