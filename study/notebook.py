"""How results show themselves in a notebook: as a small table of HTML."""

from collections.abc import Iterable
from html import escape


def as_html(title: str, rows: Iterable[tuple[str, object]]) -> str:
    """Return a title and a table of names and values."""
    cells = "".join(
        f'<tr><th style="text-align:left">{escape(name, quote=False)}</th>'
        f'<td style="text-align:left">{escape(str(value), quote=False)}</td></tr>'
        for name, value in rows
    )
    return f"<div><strong>{escape(title, quote=False)}</strong><table>{cells}</table></div>"
