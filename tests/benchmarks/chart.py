"""The benchmark as a picture: what a model-step costs by width, and runs per second of every way."""

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")

from matplotlib.figure import Figure

EVERY_WAY = ("ordinal", "defer")
"""The step that is drawn for every way of taking it; of the others only the first way is."""


def draw(measured: dict[str, Any], path: Path) -> None:
    """Draw the tables ``steps`` and ``end_to_end`` side by side."""
    figure = Figure(figsize=(11, 4), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.15])
    lines: dict[tuple[str, str, str], list[tuple[int, float]]] = {}
    first = measured["steps"][0]["way"]
    for row in measured["steps"]:
        step = (row["model"], row["method"])
        if row["way"] == first or step == EVERY_WAY:
            point = (row["settings"] * row["seeds"], row["whole"])
            lines.setdefault((*step, row["way"]), []).append(point)
    models = list(dict.fromkeys(key[:2] for key in lines))
    for (model, method, way), points in lines.items():
        left.plot(
            *zip(*points, strict=True),
            color=f"C{models.index((model, method)) % 10}",
            linestyle={first: "-", "as written": ":"}.get(way, "--"),
            marker="os"[models.index((model, method)) // 10],
            markersize=3,
            label=f"{model}, {method}" + f": {way}" * (way != first),
        )
    left.set(xscale="log", yscale="log", xlabel="models in a pack", ylabel="microseconds per model-step")
    widths = sorted({count for points in lines.values() for count, _ in points})
    left.set_xticks(widths, [f"{width:,}" for width in widths])
    left.minorticks_off()
    left.set_yticks(ticks := [0.5, 1, 2, 5, 10, 20], [str(tick) for tick in ticks])
    left.set_title(f"Training and validation, {first} unless stated", fontsize=10)
    left.legend(fontsize=7, frameon=False, ncols=2)
    ways = list(reversed(measured["end_to_end"]))
    bars = right.barh([row["way"] for row in ways], [row["runs_per_second"] for row in ways], color="C0")
    right.bar_label(
        bars, [f" {row['runs_per_second']:.3g} ({row['times']:,.0f}x)" for row in ways], fontsize=8
    )
    right.set(xscale="log", xlabel="runs per second on one core")
    right.set_xlim(right=20 * max(row["runs_per_second"] for row in ways))
    right.tick_params(axis="y", labelsize=8)
    right.set_title("The same runs, trained to the end", fontsize=10)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=130)
