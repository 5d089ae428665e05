"""Reliability curves of the chosen runs: predicted probability against observed frequency."""

from typing import Final

import pandas as pd
from matplotlib.axes import Axes

from study.reports.figures.style import INK, Drawn, add_title, grid_of_panels, label_axes, short
from study.reports.measure.calibration import WHAT
from study.reports.measure.measures import Measures

COLOUR: Final = "#0072B2"


def calibration(measures: Measures) -> Drawn | None:
    """A row of panels per decision-maker, one for each probability, and the calibration errors."""
    frame = measures.named(measures.calibration.frame)
    if frame.empty:
        return None
    makers, shown = list(frame["decision_maker"].unique()), [w for w in WHAT if w in set(frame["what"])]
    figure, panels = grid_of_panels(len(makers), len(shown), height=3.2, square=True)
    for name, row in zip(makers, panels, strict=True):
        for what, axes in zip(shown, row, strict=True):
            own = frame[(frame["decision_maker"] == name) & (frame["what"] == what)]
            draw_calibration(axes, own)
            add_title(axes, f"{short(name)}: {WHAT[what]}" if len(makers) > 1 else WHAT[what], 9.5)
    label_axes(panels, "predicted (mean of a bin)", "observed frequency")
    sentences = [
        f"Reliability of {WHAT[str(row.what)]}, with {row.decision_maker}: expected calibration error "
        f"{row.error:.3f}."
        for row in frame.drop_duplicates(["decision_maker", "what"]).itertuples()
    ]
    return figure, " ".join(sentences)


def draw_calibration(axes: Axes, curve: pd.DataFrame) -> Axes:
    """Draw one curve next to the diagonal; columns mean and share."""
    axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8, linestyle="--")
    axes.plot(curve["mean"], curve["share"], color=COLOUR, linewidth=1.6, marker="o", markersize=5)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.set_box_aspect(1)
    return axes
