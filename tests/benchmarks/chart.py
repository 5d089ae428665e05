"""The benchmark as a picture: what a model-step costs by width, and runs per second of every way."""

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")

from matplotlib import colormaps
from matplotlib.figure import Figure

COLOURS = colormaps["tab20"]
LINES = {"-": "solid:", "--": "dashed:", ":": "dotted:"}


def draw(measured: dict[str, Any], path: Path) -> None:
    """Draw the tables ``steps`` and ``end_to_end`` side by side."""
    figure = Figure(figsize=(11, 4), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.15])
    lines: dict[tuple[str, str, str], list[tuple[int, float]]] = {}
    for row in measured["steps"]:
        key = (row["model"], row["method"], row["way"])
        lines.setdefault(key, []).append((row["settings"] * row["seeds"], row["whole"]))
    models = list(dict.fromkeys((model, method) for model, method, _ in lines))
    styles = dict(zip(dict.fromkeys(way for _, _, way in lines), ("-", "--", ":"), strict=False))
    for (model, method, way), points in lines.items():
        first = styles[way] == "-"
        left.plot(
            *zip(*points, strict=True),
            color=COLOURS(models.index((model, method))),
            linestyle=styles[way],
            marker="o",
            markersize=3,
            label=f"{model}, {method}" if first else None,
        )
    left.set(xscale="log", yscale="log", xlabel="models in a pack", ylabel="microseconds per model-step")
    widths = sorted({count for points in lines.values() for count, _ in points})
    left.set_xticks(widths, [f"{width:,}" for width in widths])
    left.minorticks_off()
    left.set_yticks(ticks := [0.5, 1, 2, 5, 10, 20], [str(tick) for tick in ticks])
    drawn = ", ".join(f"{LINES[style]} {way}" for way, style in styles.items())
    left.set_title(f"Training and validation ({drawn})", fontsize=10)
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
