"""How much better one method's front is than another's, with both intervals."""

from typing import Final

import pandas as pd
from matplotlib.axes import Axes

from study.reports.figures.style import INK, Drawn, grid_of_panels, method_style, short
from study.reports.measure.measures import Measures

ROWS: Final = 24


def differences(measures: Measures) -> Drawn | None:
    """A row per difference, and each with its intervals.

    The mean, the interval over seeds (thick) and that over test cases (thin).
    """
    shown = differences_shown(measures.comparisons.frame)
    if shown.empty:
        return None
    shown = shown.assign(decision_maker=shown["decision_maker"].map(lambda n: measures.labels.get(n, n)))
    figure, panels = grid_of_panels(1, 1, height=0.45 + 0.4 * len(shown), left=1.95)
    # There is no legend, and the label has two lines.
    height = 0.4 * len(shown) + 0.85
    figure.set_figheight(height)
    figure.subplots_adjust(top=1 - 0.1 / height, bottom=0.75 / height)
    draw_differences(panels[0, 0], shown)
    add_label(panels[0, 0])
    return figure, described(shown, measures.results.interval)


def add_label(axes: Axes) -> None:
    """Write what the differences are, below them."""
    axes.set_xlabel("difference in hypervolume\n(right of 0: the first method is better)")


def described(differences: pd.DataFrame, interval: str) -> str:
    """What the figure shows; ``interval`` says what that of a test metric is."""
    sentences = ["Differences between the hypervolumes of the methods’ validation-selected fronts."]
    for row in differences.to_dict("records"):
        ends = [
            f"95 % {over} {row[f'{key}_low']:.4f} to {row[f'{key}_high']:.4f}"
            for over, key in (("over seeds", "seeds"), (interval, "test"))
            if row[f"{key}_low"] == row[f"{key}_low"]
        ]
        pair = f"{row['first']} less {row['second']}"
        pair += f" (model {row['model']}, decision-maker {row['decision_maker']})"
        sentences.append(f"{pair}: " + ", ".join([f"{row['estimate']:.4f}", *ends]) + ".")
    return " ".join(sentences)


def differences_shown(comparisons: pd.DataFrame) -> pd.DataFrame:
    """The differences that a figure has room for: those of the first arms."""
    return comparisons[comparisons["second"].notna()].head(ROWS)


def draw_differences(axes: Axes, differences: pd.DataFrame) -> Axes:
    """Draw them from the top down.

    Args:
        axes: what to draw on.
        differences: columns as `comparisons.Comparisons` has them.
    """
    axes.axvline(0, color=INK, linewidth=1)
    labels = []
    for place, row in enumerate(differences.to_dict("records")):
        look = method_style(row["first"])
        axes.plot(
            [row["test_low"], row["test_high"]], [place] * 2, color=look.colour, linewidth=1.4, marker="|"
        )
        axes.plot(
            [row["seeds_low"], row["seeds_high"]], [place] * 2, color=look.colour, linewidth=5, alpha=0.5
        )
        axes.plot(row["estimate"], place, color=look.colour, marker=look.marker, markersize=7)
        names = [short(row[name], 12) for name in ("first", "second", "model", "decision_maker")]
        labels.append("{} − {},\n{}, {}".format(*names))
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    return axes
