"""The one place from which text reaches a terminal: no keys, no control characters, any encoding."""

import re
import shutil
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

_KEYS_OF_A_HOST = re.compile(
    r"(\b[A-Za-z][A-Za-z0-9+.-]*:/{1,2})(?:[^\s/@:'\"]*:(?!\d+/)[^\s'\"]*|[^\s/@:'\"]+)@"
)
"""User and secret of a URI, also where the secret has a slash in it that should have been encoded."""
_ACCOUNT = re.compile(r"\babfss?:/{1,2}[^\s/@:'\"]+@")
"""In abfss://container@account, what precedes the account is no key."""
_QUERY = re.compile(r"(\b[A-Za-z][A-Za-z0-9+.-]*://[^\s?'\"]*\?)([^\s'\";,)]+?)(?=:?(?:[\s'\";,)]|$))")
_SHOWN = ("region", "scheme", "endpoint_override")
"""Of a URI's query, what may be shown; the rest may hold a key."""
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b(?:[\]PX^_].*?(?:\x07|\x1b\\|$)|[ -/]*[0-~])", re.DOTALL
)
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""All but tab and newline, and the signs that turn the direction of what follows."""


SILENT = 3.0
"""Seconds without a word after which ``working`` says what is being done."""


def echo(text: str = "") -> None:
    """Print a result to stdout."""
    write(sys.stdout, f"{text}\n")


def log(text: str) -> None:
    """Print a message about the work in progress, or about what is wrong, to stderr."""
    write(sys.stderr, f"{text}\n")


@contextmanager
def working(what: str, log: Callable[[str], None]) -> Iterator[None]:
    """Log what is being done, and for how long, where it takes more than a moment."""
    over, started = threading.Event(), time.monotonic()

    def tell() -> None:
        while not over.wait(SILENT):
            log(f"{what} ({time.monotonic() - started:.0f} s)")

    telling = threading.Thread(target=tell, name="working", daemon=True)
    telling.start()
    try:
        yield
    finally:
        over.set()
        telling.join()


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table to stdout; on a terminal its last column is wrapped to what is left of the width."""
    lines = [headings, *([clean(cell) for cell in row] for row in rows)]
    *widths, _ = (max(map(len, column)) for column in zip(*lines, strict=True))
    before = sum(widths) + 2 * len(widths)
    left = max(20, shutil.get_terminal_size().columns - before) if sys.stdout.isatty() else sys.maxsize
    wrapper = textwrap.TextWrapper(before + left, subsequent_indent=" " * before, break_on_hyphens=False)
    for *cells, last in lines:
        wrapper.initial_indent = "".join(
            f"{cell:<{width}}  " for cell, width in zip(cells, widths, strict=True)
        )
        echo(wrapper.fill(last))


def write(stream: TextIO, text: str) -> None:
    """Write text without what a terminal would obey, and with ``?`` for what the stream cannot encode."""
    emit(stream, clean(text))


def emit(stream: TextIO, text: str) -> None:
    """Write text as it is, with ``?`` for what the stream cannot encode; for a line that redraws itself."""
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "replace").decode(encoding))
    stream.flush()


def clean(text: str) -> str:
    """Return text without escape sequences, control characters and the keys of URIs."""
    return _CONTROLS.sub("", _ESCAPES.sub("", without_keys(text)))


def without_keys(text: str) -> str:
    """Return text without the keys of the URIs in it: user, secret, and all but some options."""
    kept = _KEYS_OF_A_HOST.sub(lambda found: found[0] if _ACCOUNT.fullmatch(found[0]) else found[1], text)
    return _QUERY.sub(_options_shown, kept)


def _options_shown(found: re.Match[str]) -> str:
    shown = [option for option in found[2].split("&") if option.partition("=")[0] in _SHOWN]
    return f"{found[1]}{'&'.join(shown)}" if shown else found[1].removesuffix("?")
