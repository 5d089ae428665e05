"""What a browser would see of a page."""

from html.parser import HTMLParser
from pathlib import Path

from study.reports.figures.album import Album
from study.reports.figures.render import Rendered
from study.reports.measure.measures import Measures
from study.reports.page.rendering import render
from study.reports.page.report import SECTIONS, body_of, page_of
from study.results.study_results import Results

# Elements that HTML itself leaves open.
VOID = {"meta", "br", "img", "link", "input", "hr"}


class Page(HTMLParser):
    """Elements, their attributes, the text, the scripts, and the cells of every table by row.

    Fails where elements are not closed in order.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.scripts: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.feed(str(text))
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("th", "td"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["script"]:
            self.scripts.append(data)
            return
        self.text += data
        if {"th", "td"} & set(self.open):
            self.tables[-1][-1][-1] += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def page(out: Path) -> Page:
    return Page((out / "index.html").read_text(encoding="utf-8"))


def undrawn(results: Results) -> Page:
    """The page without its figures, which take most of the time."""
    return Page(page_of(Measures(results), Album()))


def section(anchor: str, results: Results, **of_study: Rendered) -> Page:
    """One section of the page, with the given figures of the study; empty where it is left out."""
    (one,) = (section for section in SECTIONS if section.anchor == anchor)
    return Page(body_of(one, Measures(results), Album({}, of_study)) or "")


def rendered(template: str, **context: object) -> Page:
    """What a template makes of a context."""
    return Page(render(template, **context))
