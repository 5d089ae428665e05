"""The interactive plots of the page as Vega-Lite specifications, which the page's script fills."""

from collections.abc import Sequence
from typing import Any, Final

from study.reports.figures.style import METHOD_STYLES, OTHER_METHOD

# Colours are the page's own variables, so that light, dark and print need no second drawing.
INK, SOFT, LINE, EDGE, ACCENT = (f"var(--{name})" for name in ("ink", "soft", "line", "edge", "accent"))
FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, Arial, sans-serif"
# Of deferral rates from 0 to 1: none of them is lost on a white or a black page.
GRADIENT: Final = ("#f2a33a", "#d1547a", "#7a4fc9", "#3558c8")
# By the markers of the figures: paths between -1 and 1, for Vega's symbols and the legend.
SHAPES: Final = {
    "o": "M1,0A1,1,0,1,1,-1,0A1,1,0,1,1,1,0Z",
    "D": "M0,-1.2L1.2,0L0,1.2L-1.2,0Z",
    "s": "M-.85,-.85H.85V.85H-.85Z",
    "^": "M0,-1L1,.8H-1Z",
    "v": "M0,1L1,-.8H-1Z",
    "<": "M-1,0L.8,1V-1Z",
    ">": "M1,0L-.8,1V-1Z",
    "P": "M-.35,-1H.35V-.35H1V.35H.35V1H-.35V.35H-1V-.35H-.35Z",
    "X": "M-.7,-1L0,-.3L.7,-1L1,-.7L.3,0L1,.7L.7,1L0,.3L-.7,1L-1,.7L-.3,0L-1,-.7Z",
}
CONFIG: Final = {
    "background": "transparent",
    "font": FONT,
    "view": {"stroke": None},
    "axis": {
        **{
            "labelColor": SOFT,
            "titleColor": INK,
            "gridColor": LINE,
            "domainColor": EDGE,
            "tickColor": EDGE,
        },
        **{"labelFontSize": 12, "titleFontSize": 13, "titleFontWeight": 500, "labelFont": FONT},
    },
}


_SMALL: Final = {
    "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
    "width": "container",
    "height": 190,
    "padding": 4,
    "config": CONFIG,
}
"""What the two plots of the chosen run have in common."""


def shape(method: str) -> str:
    """The symbol of a method, that of the figures, as a path."""
    return SHAPES[METHOD_STYLES.get(method, OTHER_METHOD).marker]


def front_spec(methods: Sequence[str], metric: str) -> dict[str, Any]:
    """A metric against odds difference, a point a run: layers `runs`, `front`, `references` and `marked`.

    The data of each layer has x, y; of `runs` also method, idk (0 to 1) and shown, its opacity; of
    `references` also name; of `marked` also size. Parameters x0, x1, y0 and y1 are the ends of the axes.
    """
    x = {"field": "x", "type": "quantitative", "scale": _scale("x"), "axis": _axis("odds difference")}
    y = {"field": "y", "type": "quantitative", "scale": _scale("y"), "axis": _axis(metric)}
    plane = {"x": x, "y": y}
    shapes = {"domain": list(methods), "range": [shape(method) for method in methods]}
    points = {
        **plane,
        "shape": {"field": "method", "type": "nominal", "scale": shapes, "legend": None},
        "fill": {
            "field": "idk",
            "type": "quantitative",
            "scale": {"domain": [0, 0.33, 0.67, 1], "range": list(GRADIENT), "clamp": True},
            "legend": None,
        },
        "opacity": {"field": "shown", "type": "quantitative", "scale": None},
        "size": {"field": "size", "type": "quantitative", "scale": None},
    }
    what = {"field": "name", "type": "nominal", "legend": None}
    reference = {
        **plane,
        "shape": {**what, "scale": {"domain": _REFERENCES, "range": [SHAPES["s"], SHAPES["o"]]}},
        "fill": {**what, "scale": {"domain": _REFERENCES, "range": ["#d00000", "#f0e442"]}},
    }
    ring = {"fill": None, "stroke": INK, "strokeWidth": 2.5, "opacity": 1}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": "container",
        "height": 400,
        "padding": 4,
        "params": [{"name": name, "value": value} for name, value in _ENDS.items()],
        "config": CONFIG,
        "resolve": {"scale": {"shape": "independent", "fill": "independent"}},
        "layer": [
            {
                "data": {"name": "front", "values": []},
                "mark": {"type": "line", "stroke": EDGE, "strokeWidth": 1.5, "clip": True},
                "encoding": {**plane, "order": {"field": "x", "type": "quantitative"}},
            },
            {
                "data": {"name": "runs", "values": []},
                "mark": {"type": "point", "stroke": INK, "strokeWidth": 0.4, "clip": True},
                "encoding": points,
            },
            {
                "data": {"name": "references", "values": []},
                "mark": {"type": "point", "stroke": "#000", "strokeWidth": 1, "size": 130, "opacity": 1},
                "encoding": reference,
            },
            {
                "data": {"name": "marked", "values": []},
                "mark": {"type": "point", **ring, "clip": True},
                "encoding": {**plane, "size": {"field": "size", "type": "quantitative", "scale": None}},
            },
        ],
    }


def cells_spec() -> dict[str, Any]:
    """Errors and deferral rates of one run by group and outcome: layers `cells` and `others`.

    Both have row (what of which outcome), group (0 or 1), value; `cells` also low and high, `others` name.
    """
    y = {"field": "row", "type": "nominal", "sort": None, "axis": {"title": None, "labelLimit": 190}}
    colours = {"domain": [0, 1], "range": ["var(--group-0)", "var(--group-1)"]}
    plane: dict[str, Any] = {
        "y": {**y, "scale": {"paddingInner": 0.35}},
        "yOffset": {"field": "group", "type": "nominal", "scale": {"domain": [0, 1]}},
        "x": {
            "field": "value",
            "type": "quantitative",
            "axis": {"title": None, "format": ".0%", "tickCount": 5},
            "scale": {"zero": True},
        },
    }
    colour = {"field": "group", "type": "nominal", "legend": None, "scale": colours}
    shapes = {"domain": _REFERENCES, "range": [SHAPES["s"], SHAPES["o"]]}
    hollow = {"type": "point", "filled": False, "size": 60, "strokeWidth": 1.3, "opacity": 0.9}
    return {
        **_SMALL,
        "resolve": {"scale": {"shape": "independent"}},
        "layer": [
            {
                "data": {"name": "cells", "values": []},
                "transform": [{"filter": "isValid(datum.low)"}],
                "mark": {"type": "rule", "strokeWidth": 3, "opacity": 0.55},
                "encoding": {
                    **plane,
                    "x": {**plane["x"], "field": "low"},
                    "x2": {"field": "high"},
                    "color": colour,
                },
            },
            {
                "data": {"name": "cells"},
                "mark": {"type": "point", "filled": True, "size": 80, "opacity": 1},
                "encoding": {**plane, "color": colour},
            },
            {
                "data": {"name": "others", "values": []},
                "mark": hollow,
                "encoding": {
                    **plane,
                    "color": colour,
                    "shape": {"field": "name", "type": "nominal", "scale": shapes, "legend": None},
                },
            },
        ],
    }


def curve_spec(metric: str) -> dict[str, Any]:
    """A metric against the share of deferred cases: layers `lines` (share, error, name) and `own`."""
    plane: dict[str, Any] = {
        "x": {
            "field": "share",
            "type": "quantitative",
            "axis": {"title": "share of cases deferred", "format": ".0%", "tickCount": 5},
            "scale": {"domain": [0, 1], "nice": False},
        },
        "y": {
            "field": "error",
            "type": "quantitative",
            "axis": {"title": f"test {metric}", "tickCount": 5, "format": ".3~f"},
            "scale": {"zero": False},
        },
    }
    names = ["by benefit", "at random", "decision-maker alone"]
    look = {"field": "name", "type": "nominal", "legend": None}
    return {
        **_SMALL,
        "layer": [
            {
                "data": {"name": "lines", "values": []},
                "mark": {"type": "line", "strokeWidth": 2},
                "encoding": {
                    **plane,
                    "color": {**look, "scale": {"domain": names, "range": [ACCENT, SOFT, SOFT]}},
                    "strokeDash": {**look, "scale": {"domain": names, "range": [[1, 0], [6, 4], [1, 3]]}},
                },
            },
            {
                "data": {"name": "own", "values": []},
                "mark": {"type": "point", "filled": True, "size": 110, "fill": ACCENT, "opacity": 1},
                "encoding": plane,
            },
        ],
    }


_REFERENCES: Final = ["baseline", "decision-maker"]
_ENDS: Final = {"x0": 0, "x1": 1, "y0": 0, "y1": 1}


def _scale(name: str) -> dict[str, Any]:
    return {"domain": [{"expr": f"{name}0"}, {"expr": f"{name}1"}], "nice": False, "zero": False}


def _axis(title: str) -> dict[str, Any]:
    return {"title": f"{title} (lower is better)", "tickCount": 6, "format": ".3~f"}
