"""The part of the page in which a person chooses a setting: limits, a table, and the command to copy."""

import json
import math
from collections.abc import Sequence
from typing import Final

import pandas as pd

from study.reports.measure.choices import Choices
from study.reports.measure.panels import in_usual_order
from study.reports.measure.setting_intervals import SettingIntervals
from study.reports.measure.workloads import EXAMPLE
from study.reports.page.chooser_script import SCRIPT
from study.reports.page.markup import Html, section, tag, void
from study.reports.page.tables import table, thinned
from study.results.limits import FIGURES
from study.results.settings import GROUP, in_reading_order
from study.words import NO_DECISION_MAKER

COLUMNS: Final = [
    "setting_id",
    *GROUP,
    *("alpha", "gamma"),
    *(f"{split}_{figure}" for split in ("validation", "test") for figure in FIGURES),
]
NOTE: Final = (
    "Say what you can accept: how many cases people can take on (IDK rate), how unequal errors may be "
    "(DI), how many errors there may be. Settings are chosen by their validation figures. Nothing has "
    "looked at the test figures before, so they say what to expect of the choice (below each its 95 % "
    "interval over resampled test people); choosing by them would make them too good, the more so the more "
    "settings there are."
)
WITHOUT: Final = (
    "The table below answers limits where JavaScript runs; without it, it shows settings of the honest "
    "fronts, and study select chooses in the shell."
)
LIMITS: Final = {"idk": "IDK rate at most", "di": "DI at most", "error": "Error at most"}
# What the first screen takes as its example.
FIRST: Final = {"idk": f"{EXAMPLE:g}"}
MINIMISE: Final = {"error": "error", "di": "DI", "idk": "IDK rate"}
NAMES: Final = {"method": "Method", "model": "Model", "decision_maker": "Decision-maker"}


def choose(choices: Choices, intervals: SettingIntervals, fronts: pd.DataFrame, study: str) -> Html | None:
    """The section; None where no setting has figures.

    Args:
        choices: what the page carries.
        intervals: of their test figures.
        fronts: as `fronts.fronts` returns them; what is shown without JavaScript.
        study: its name, from which the results directory is guessed.
    """
    if not len(choices.frame):
        return None
    honest = fronts.loc[fronts["front"] == "honest", "setting_id"]
    shown = choices.frame[choices.frame["setting_id"].isin(honest)]
    shown = in_reading_order(
        shown if len(shown) else choices.frame, [*GROUP, "validation_di", "setting_id"]
    )
    return section(
        "choose",
        "Choose a setting",
        tag("p", NOTE),
        tag("noscript", tag("p", WITHOUT)),
        _form(choices.frame, study),
        tag("p", role="status", id="choose-said", class_="said"),
        _commands(),
        table(thinned(shown)[COLUMNS], id="choose-table", class_="compact"),
        tag("button", "Show all", type="button", id="choose-more", hidden=True),
        tag("p", _carried(choices), " ", tag("a", "settings.csv", href="settings.csv"), ".", class_="soft"),
        tag("p", f"Intervals: {intervals.lacking}.", class_="soft") if intervals.lacking else None,
        tag("script", _data(choices.frame, intervals.frame), type="application/json", id="choose-data"),
        tag("script", SCRIPT),
    )


def _form(frame: pd.DataFrame, study: str) -> Html:
    limits = [
        _field(
            words,
            void(
                "input",
                type="number",
                id=f"choose-{flag}",
                **{"min": 0, "max": 1, "step": 0.01},
                inputmode="decimal",
                placeholder="any",
                value=FIRST.get(flag),
            ),
        )
        for flag, words in LIMITS.items()
    ]
    minimise = tag(
        "select", *(tag("option", w, value=f) for f, w in MINIMISE.items()), id="choose-minimise"
    )
    filters = [_field(words, _options(name, _names(frame, name))) for name, words in NAMES.items()]
    place = void("input", type="text", id="choose-place", value=f"results/{study}")
    return tag(
        "form",
        tag("fieldset", tag("legend", "Limits on validation figures, 0 to 1"), *limits),
        tag("fieldset", tag("legend", "Best is the smallest"), _field("Minimise", minimise)),
        tag("fieldset", tag("legend", "Among"), *filters),
        tag("fieldset", tag("legend", "For the commands"), _field("Results directory", place)),
        tag("button", "Start again", type="reset"),
        id="choose-form",
        hidden=True,
    )


def _field(words: str, control: Html) -> Html:
    return tag("label", tag("span", words), control)


def _options(name: str, values: Sequence[str]) -> Html:
    # Nobody chooses who decides: of several decision-makers, the first is the first screen's.
    first = values[0] if name == "decision_maker" and len(values) > 1 else ""
    options = [
        tag("option", value or "any", value=value, selected=True if value == first else None)
        for value in ("", *values)
    ]
    return tag("select", *options, id=f"choose-{name}")


def _names(frame: pd.DataFrame, name: str) -> list[str]:
    known = [str(value) for value in in_reading_order(frame, [name])[name].unique()]
    if name != "decision_maker":
        return known
    return in_usual_order(value for value in known if value != NO_DECISION_MAKER)


def _commands() -> Html:
    select = "The same in the shell, with intervals: "
    export = (
        "To use it, take the run of its median seed, whose own figures may lie beyond the limits (study "
        "select shows them): "
    )
    return tag(
        "div",
        tag("p", select, tag("code", id="choose-select")),
        tag("p", export, tag("code", id="choose-export")),
        id="choose-chosen",
        hidden=True,
    )


def _carried(choices: Choices) -> str:
    held = f"This page holds {len(choices.frame):,} of {choices.known:,} settings: "
    if choices.step:
        return (
            f"{held}enough that under limits that are multiples of {choices.step:g} a choice is within "
            f"{choices.step:g} of the best, in each figure. The command study select looks at all of them, "
            "and they are in"
        )
    return (
        f"{held}those of the honest fronts, and all that can be anybody’s best choice (no other setting of "
        "the same method, model and decision-maker is better in one of error, DI and IDK rate on "
        "validation and not worse in the others). All are in"
    )


def _data(frame: pd.DataFrame, intervals: pd.DataFrame) -> Html:
    """The settings as JSON; what could end the script element is written otherwise."""
    known = frame[["setting_id"]].merge(intervals, on="setting_id", how="left")
    codes, names = {}, {}
    for name in GROUP:
        codes[name], values = pd.factorize(frame[name].astype(str), sort=True)
        names[name] = list(values)
    columns = [
        frame["setting_id"].astype(str).tolist(),
        *(codes[name].tolist() for name in GROUP),
        *(_rounded(frame[name], 6) for name in ("alpha", "gamma")),
        # A limit with few digits must fall on the same side of a figure as in `study select`.
        *(_rounded(frame[f"validation_{figure}"], 7) for figure in FIGURES),
        *(_rounded(frame[f"test_{figure}"], 4) for figure in FIGURES),
        *(frame[f"run_{figure}"].astype(str).tolist() for figure in FIGURES),
        *(_rounded(known[column], 4) for column in intervals.columns[1:]),
    ]
    text = json.dumps({**names, "rows": list(zip(*columns, strict=True))}, separators=(",", ":"))
    return Html(text.replace("<", "\\u003c"))


def _rounded(values: "pd.Series[float]", digits: int) -> list[float | None]:
    """To so many significant digits, which JSON writes in the fewest characters."""
    return [None if math.isnan(value) else float(f"{value:.{digits}g}") for value in values.astype(float)]
