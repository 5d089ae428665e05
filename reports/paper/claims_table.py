"""Claims beside what was measured: as tables of a page, and as rows of a CSV file."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Final

import pandas as pd

from study.reports.measure.measuring import Measured
from study.reports.page.markup import Html, join, tag
from study.reports.paper.claims import Judged, Part, Verdict
from study.results.intervals import Interval
from study.results.wording import NOTHING, signed

NUMBERS: Final = ("claimed", "measured", "seeds", "test set")
HEADINGS: Final = ("the paper", "statistic", *NUMBERS, "verdict")
SIGNS: Final = {"above": "> ", "below": "< ", "near": "", "within": "±"}


def claims_table(judged: Sequence[Judged]) -> Html:
    """A body of rows for each claim, a row for each of its parts."""
    kinds = dict.fromkeys(NUMBERS, "number")
    heads = (tag("th", heading, scope="col", class_=kinds.get(heading)) for heading in HEADINGS)
    head = tag("thead", tag("tr", *heads))
    bodies = []
    for claim in judged:
        lead = tag(
            "th",
            tag("div", claim.claim.where, class_="soft"),
            claim.claim.says,
            tag("div", tag("strong", claim.verdict)),
            scope="rowgroup",
            rowspan=len(claim.claim.parts),
        )
        rows = [_cells(part, m, v) for part, m, v in _parts(claim)]
        bodies.append(tag("tbody", *(tag("tr", a, b) for a, b in zip_longest([lead], rows))))
    return tag("div", tag("table", head, *bodies), class_="scroll")


def verdicts_table(judged: Sequence[tuple[str, Judged]]) -> Html:
    """A row for each claim: where, in the paper's words, and its verdict; linked to an anchor."""
    head = tag("thead", tag("tr", *(tag("th", h, scope="col") for h in ("where", "the paper", "verdict"))))
    rows = [
        tag(
            "tr",
            tag("th", tag("a", claim.claim.where, href=f"#{anchor}"), scope="row"),
            tag("td", claim.claim.says),
            tag("td", tag("strong", claim.verdict)),
        )
        for anchor, claim in judged
    ]
    return tag("div", tag("table", head, tag("tbody", *rows)), class_="scroll")


def claims_frame(judged: Sequence[Judged]) -> pd.DataFrame:
    """A row for each part of each claim, numbers as they are; NaN where there is none.

    Columns: claim (where), says, statistic, expected (above, below, near, within), bound, estimate,
    seeds_low, seeds_high, test_low, test_high, seeds (under how many the statistic is defined), verdict
    (of the part) and claim_verdict.
    """
    rows = []
    for claim in judged:
        for part, m, verdict in _parts(claim):
            seeds, test = (m.seeds, m.test_set) if m else (None, None)
            rows.append(
                {
                    "claim": claim.claim.where,
                    "says": claim.claim.says,
                    "statistic": part.says,
                    "expected": part.expected.kind,
                    "bound": part.expected.bound,
                    "estimate": m.estimate if m else float("nan"),
                    **_ends("seeds", seeds),
                    **_ends("test", test),
                    "seeds": m.defined if m else 0,
                    "verdict": str(verdict),
                    "claim_verdict": str(claim.verdict),
                }
            )
    return pd.DataFrame(rows)


def _parts(claim: Judged) -> list[tuple[Part, Measured | None, Verdict]]:
    return list(zip(claim.claim.parts, claim.measured, claim.verdicts, strict=True))


def _ends(name: str, interval: Interval | None) -> dict[str, float]:
    low, high = interval or (float("nan"), float("nan"))
    return {f"{name}_low": low, f"{name}_high": high}


def _cells(part: Part, measured: Measured | None, verdict: Verdict) -> Html:
    texts = [_claimed(part)]
    if measured is None:
        texts += [NOTHING] * 3
    else:
        texts += [_estimate(part, measured)]
        texts += [_interval(part, interval) for interval in (measured.seeds, measured.test_set)]
    numbers = [tag("td", text, class_="number") for text in texts]
    return join(tag("td", part.says), *numbers, tag("td", verdict))


def _claimed(part: Part) -> str:
    kind, bound = part.expected.kind, part.expected.bound
    text = f"{100 * bound:g} {part.unit}" if part.unit else f"{bound:g}"
    return f"{SIGNS[kind]}{text}".replace("-", "−")


def _estimate(part: Part, measured: Measured) -> str:
    missing = measured.run - measured.defined
    shown = f"{_number(part, measured.estimate)} {part.unit}".strip() if measured.defined else "undefined"
    return f"{shown} (undefined under {missing} of {measured.run} seeds)" if missing else shown


def _interval(part: Part, interval: Interval | None) -> str:
    if interval is None:
        return NOTHING
    low, high = (_number(part, end) for end in interval)
    return f"{low} to {high} {part.unit}".strip()


def _number(part: Part, value: float) -> str:
    if part.unit == "%":
        return f"{100 * value:.1f}"
    return signed(1)(100 * value) if part.unit == "points" else signed(4)(value)
