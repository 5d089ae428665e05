"""How much better one method's front is than another's, with both intervals."""

from typing import Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from study.reports.figures.style import INK, Drawn, grid_of_panels, method_style, short, style
from study.reports.measure.measures import Measures
from study.reports.measure.panels import decision_maker_labels

ROWS: Final = 24


def differences(measures: Measures) -> Drawn | None:
    """The figure of the differences between methods, and each with its intervals."""
    shown = differences_shown(measures.comparisons.frame)
    people = decision_maker_labels(measures.settings, measures.group_names.people)
    shown = shown.assign(decision_maker=shown["decision_maker"].map(lambda name: people.get(name, name)))
    return (differences_figure(shown), described(shown, measures.results.interval)) if len(shown) else None


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


@style()
def differences_figure(differences: pd.DataFrame) -> Figure:
    """A row per difference: the mean, the interval over seeds (thick) and that over test cases (thin).

    Args:
        differences: as `differences_shown` returns them, at least one.
    """
    figure, panels = grid_of_panels(1, 1, height=0.45 + 0.33 * len(differences))
    axes = panels[0, 0]
    # The rows are named at the left, and there is no legend.
    height = figure.get_figheight()
    axes.set_position((0.3, 0.6 / height, 0.67, 1 - 0.7 / height))
    axes.xaxis.set_label_coords(0.5, -0.36 / (height - 0.7))
    draw_differences(axes, differences)
    axes.set_xlabel("difference in hypervolume (right of 0: the first method is better)")
    return figure


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
        labels.append("{} − {}, {}, {}".format(*names))
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    return axes
