"""What every page of ours is made of: the document around it, and pictures with their files."""

from study.reports.figures.render import Rendered
from study.reports.page.markup import Html, join, tag
from study.reports.page.stylesheet import STYLESHEET


def document(title: str, *content: object) -> str:
    """A whole self-contained HTML document with one main part."""
    head = tag(
        "head",
        Html('<meta charset="utf-8">'),
        Html('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        tag("title", title),
        tag("style", STYLESHEET),
    )
    body = tag("body", tag("main", *content))
    return join(Html("<!DOCTYPE html>\n"), tag("html", head, body, lang="en"), Html("\n"))


def picture(figure: Rendered, caption: str) -> Html:
    """A figure with its caption, and links to its files in `figures/` beside the page."""
    path = f"figures/{figure.name}"
    links = join(" ", tag("a", "PNG", href=f"{path}.png"), " · ", tag("a", "SVG", href=f"{path}.svg"))
    return tag("figure", Html(figure.svg), tag("figcaption", caption, links))
