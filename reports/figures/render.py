"""Figures as bytes: SVGs that can stand inside a page, for a screen and for a phone, and a PNG."""

import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, Final

from matplotlib.figure import Figure

from study.reports.figures.style import NARROW, WIDTH, Drawn, style

DPI: Final = 150
NOTHING_ABOUT_THE_MAKING: Final = {"Date": None, "Creator": None, "Format": None, "Type": None}

# A fifth larger than the smallest, in half the time.
FAST: Final = {"compress_level": 3}
REFERENCE: Final = r'\bid="|xlink:href="#|url\(#'
LAYOUTS: Final = {"wide": WIDTH, "narrow": NARROW}
"""The widths in inches in which a page has every figure, by the class of the element that shows it."""


@dataclass(frozen=True)
class Rendered:
    """One figure, ready to write.

    Attributes:
        name: of its files, and what its ids inside the SVG begin with.
        document: the wide SVG as a file of its own.
        svgs: by key of `LAYOUTS`, the element `<svg>` for a page; its ids are no other figure's.
        png: the wide picture.
        description: what it shows, for those who cannot see it.
    """

    name: str
    document: str
    svgs: Mapping[str, str]
    png: bytes
    description: str


def render(draw: Callable[[], Drawn | None], name: str) -> Rendered | None:
    """Draw a figure in every layout; the same figure gives the same bytes.

    Args:
        draw: draws it in the style at hand; None where there is nothing to show.
        name: letters, digits, hyphens.
    """
    svgs, document, png, description = {}, "", b"", ""
    for layout, width in LAYOUTS.items():
        with style(width):
            drawn = draw()
            if drawn is None:
                return None
            figure, description = drawn
            text = _saved(figure, "svg", metadata=NOTHING_ABOUT_THE_MAKING).decode()
            svgs[layout] = _inline(text, f"{name}-{layout}", description)
            if layout == "wide":
                document = text
                png = _saved(figure, "png", metadata={"Software": None}, pil_kwargs=FAST)
    return Rendered(name, document, svgs, png, description)


def _saved(figure: Figure, kind: str, **options: Any) -> bytes:
    content = io.BytesIO()
    figure.savefig(content, format=kind, dpi=DPI, **options)
    return content.getvalue()


def _inline(document: str, name: str, description: str) -> str:
    svg = document[document.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # Panels with the same points have images of one id, to which nothing refers.
    svg = re.sub(r'(<image[^>]*?) id="[^"]*"', r"\1", svg)
    # Several figures share a page, so their ids must not meet.
    svg = re.sub(r"<[^>]*>", lambda tag: re.sub(REFERENCE, rf"\g<0>{name}-", tag[0]), svg)
    label = f'<svg role="img" aria-label="{escape(description)}"'
    return svg.replace("<svg", label, 1)
