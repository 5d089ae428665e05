"""How numbers, times, ranges, lists and small tables are written for people."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import Final

import pandas as pd

NOTHING: Final = "–"
# A longer list of values is told by how many they are.
FEW: Final = 8


def decimals(digits: int) -> Callable[[object], str]:
    """Writes a number with so many digits after the point."""
    return lambda value: f"{value:.{digits}f}"


def signed(digits: int) -> Callable[[object], str]:
    """The same with a sign; what rounds to nothing has none."""

    def write(value: object) -> str:
        text = f"{value:+.{digits}f}"
        return text.replace("-", "−") if float(text) else text[1:]

    return write


def percent(value: object) -> str:
    """0.1234 as 12.3 %."""
    return f"{float(str(value)):.1%}".replace("%", " %")


def share(value: float) -> str:
    """A share in words: 0.1234 as 12 %, and small or large ones never as 0 or 100 %."""
    rounded = f"{100 * value:.0f}"
    if rounded == "0" and value > 0:
        return "less than 1 %"
    return "more than 99 %" if rounded == "100" and value < 1 else f"{rounded} %"


def significant(value: object) -> str:
    """With up to four significant digits."""
    return f"{value:.4g}"


def whole(value: object) -> str:
    """With thousands apart."""
    return f"{int(float(str(value))):,}"


def counted(number: int, thing: str) -> str:
    """Such as 1 point or 1,200 points."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def unfinished(finished: int, planned: int) -> str:
    """Such as unfinished: 12 of 20 runs; empty where all have finished."""
    return f"unfinished: {finished:,} of {planned:,} runs" if finished < planned else ""


def duration(seconds: float) -> str:
    """Such as 45 s, 12 min or 3.4 h."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def moment(value: object) -> str:
    """A time to the second, in UTC: 2026-03-01 12:00:00; one without a zone is taken as UTC.

    None and NaT are a dash; what is no time is written as it is.
    """
    if value is None or value is pd.NaT:
        return NOTHING
    try:
        time = pd.Timestamp(str(value))
    except ValueError:
        return str(value)
    time = time.tz_localize("UTC") if time.tzinfo is None else time.tz_convert("UTC")
    return str(time.strftime("%Y-%m-%d %H:%M:%S"))


def listed(value: object) -> str:
    """One thing, or several with commas; a mapping as `key value`; None is a dash."""
    if value is None:
        return NOTHING
    if isinstance(value, Mapping):
        return ", ".join(f"{str(key).replace('_', ' ')} {listed(item)}" for key, item in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(listed, value)) or NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def space(value: object) -> str:
    """Where a coefficient may lie: `0.1 to 30, log` for a range, else its values."""
    if isinstance(value, Mapping) and {"low", "high"} <= set(value):
        log = ", log" if value.get("log") else ""
        return f"{listed(value['low'])} to {listed(value['high'])}{log}"
    if isinstance(value, list | tuple) and len(value) > FEW and all(map(_is_number, value)):
        return f"{len(value):,} values, {listed(min(value))} to {listed(max(value))}"
    return listed(value)


def whole_numbers(values: object) -> str:
    """Seeds: `0 to 4` where they follow each other, else a list; a number of them as it is."""
    if not isinstance(values, list | tuple) or not all(isinstance(v, int) for v in values):
        return listed(values)
    if len(values) > 2 and list(values) == list(range(values[0], values[0] + len(values))):
        return f"{values[0]} to {values[-1]}"
    return space(list(values))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def as_html(title: str, rows: Iterable[tuple[str, object]]) -> str:
    """Return a title and a table of names and values."""
    cells = "".join(
        f'<tr><th style="text-align:left">{escape(name, quote=False)}</th>'
        f'<td style="text-align:left">{escape(str(value), quote=False)}</td></tr>'
        for name, value in rows
    )
    return f"<div><strong>{escape(title, quote=False)}</strong><table>{cells}</table></div>"
