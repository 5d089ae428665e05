"""HTML from templates: everything that is not part of a template is escaped."""

from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from study.results.wording import counted, percent, share

_HERE: Final = Path(__file__).parent
# Vega and Vega-Lite come first: each defines what the next one needs.
SCRIPTS: Final = {
    "vega": "vega/vega.min.js",
    "vega_lite": "vega/vega-lite.min.js",
    "front": "front.js",
}


def _text(file: str) -> Markup:
    return Markup((_HERE / file).read_text("utf-8"))


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    made.filters |= {"percent": percent, "share": share}
    scripts = {name: _text(file) for name, file in SCRIPTS.items()}
    made.globals |= {"counted": counted, "style": _text("style.css"), "scripts": scripts}
    return made


_ENVIRONMENT: Final = _environment()


def render(template: str, **context: Any) -> Markup:
    """A template as HTML that goes into another as it is."""
    return Markup(_ENVIRONMENT.get_template(f"{template}.html.j2").render(**context))
