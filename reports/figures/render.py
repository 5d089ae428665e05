"""Figures as bytes: an SVG that can stand inside a page, and a PNG."""

import io
import re
from dataclasses import dataclass
from html import escape
from typing import Final

from matplotlib.figure import Figure

from study.reports.figures.style import style

DPI: Final = 150
NOTHING_ABOUT_THE_MAKING: Final = {"Date": None, "Creator": None, "Format": None, "Type": None}

# A fifth larger than the smallest, in half the time.
FAST: Final = {"compress_level": 3}
REFERENCE: Final = r'\bid="|xlink:href="#|url\(#'


@dataclass(frozen=True)
class Rendered:
    """One figure, ready to write.

    Attributes:
        name: of its files, and what its ids inside the SVG begin with.
        document: the SVG as a file of its own.
        svg: the element `<svg>` for a page; its ids begin with `name`.
        png: the same picture.
        description: what it shows, for those who cannot see it.
    """

    name: str
    document: str
    svg: str
    png: bytes
    description: str


@style()
def render(figure: Figure, name: str, description: str) -> Rendered:
    """Render a figure; the same figure gives the same bytes.

    Args:
        figure: is not changed.
        name: letters, digits, hyphens.
        description: becomes the SVG's label for screen readers.
    """
    svg, png = io.BytesIO(), io.BytesIO()
    figure.savefig(svg, format="svg", dpi=DPI, metadata=NOTHING_ABOUT_THE_MAKING)
    figure.savefig(png, format="png", dpi=DPI, metadata={"Software": None}, pil_kwargs=FAST)
    document = svg.getvalue().decode()
    inline = _inline(document, name, description)
    return Rendered(name, document, inline, png.getvalue(), description)


def _inline(document: str, name: str, description: str) -> str:
    svg = document[document.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # Several figures share a page, so their ids must not meet.
    svg = re.sub(r"<[^>]*>", lambda tag: re.sub(REFERENCE, rf"\g<0>{name}-", tag[0]), svg)
    label = f'<svg role="img" aria-label="{escape(description)}"'
    return svg.replace("<svg", label, 1)
