"""The benchmark as a picture: what a model-step costs by width, and runs per second of every way."""

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")

from matplotlib.figure import Figure


def draw(measured: dict[str, Any], path: Path) -> None:
    """Draw the tables ``steps`` and ``end_to_end`` side by side."""
    figure = Figure(figsize=(11, 4), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.15])
    lines: dict[tuple[str, str, str], list[tuple[int, float]]] = {}
    for row in measured["steps"]:
        key = (row["model"], row["method"], row["backend"])
        lines.setdefault(key, []).append((row["settings"] * row["seeds"], row["whole"]))
    models = list(dict.fromkeys((model, method) for model, method, _ in lines))
    for (model, method, backend), points in lines.items():
        compiled = backend == "compiled"
        left.plot(
            *zip(*points, strict=True),
            color=f"C{models.index((model, method))}",
            linestyle="-" if compiled else ":",
            marker="o",
            markersize=3,
            label=f"{model}, {method}" if compiled or len(models) == len(lines) else None,
        )
    left.set(xscale="log", yscale="log", xlabel="models in a pack", ylabel="microseconds per model-step")
    widths = sorted({count for points in lines.values() for count, _ in points})
    left.set_xticks(widths, [f"{width:,}" for width in widths])
    left.minorticks_off()
    left.set_yticks(ticks := [1, 2, 5, 10, 20], [str(tick) for tick in ticks])
    left.set_title("Training and validation (dotted: eager)", fontsize=10)
    left.legend(fontsize=8, frameon=False)
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
