"""Claims next to what was measured: as rows of a page's tables, and of a CSV file."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

import pandas as pd

from study.reports.measure.seed_statistics import Estimate
from study.reports.paper.claims import Judged, Part, Verdict
from study.results.intervals import Interval
from study.results.wording import NOTHING, signed

SIGNS: Final = {"above": "> ", "below": "< ", "near": "", "within": "±"}
OF_MANY: Final = {
    Verdict.HOLDS: "hold",
    Verdict.IN_PART: "hold in part",
    Verdict.NOT: "do not hold",
    Verdict.UNDEFINED: "undefined",
    Verdict.NOT_RUN: "not run",
}


def claim_rows(judged: Sequence[Judged]) -> list[dict[str, Any]]:
    """For each claim where it is made, its statement and verdict, and its parts with their numbers."""
    return [
        {
            "where": claim.claim.where,
            "statement": claim.claim.statement,
            "verdict": str(claim.verdict),
            "parts": [
                {
                    "statistic": part.description,
                    "numbers": _numbers(part, estimate),
                    "verdict": str(verdict),
                }
                for part, estimate, verdict in _parts(claim)
            ],
        }
        for claim in judged
    ]


def tally(judged: Iterable[Judged]) -> dict[str, int]:
    """How many claims have each verdict, those verdicts that occur."""
    counts = Counter(claim.verdict for claim in judged)
    return {
        str(verdict) if counts[verdict] == 1 else plural: counts[verdict]
        for verdict, plural in OF_MANY.items()
        if counts[verdict]
    }


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
                    "says": claim.claim.statement,
                    "statistic": part.description,
                    "expected": part.expected.kind,
                    "bound": part.expected.bound,
                    "estimate": m.mean if m else float("nan"),
                    **_ends("seeds", seeds),
                    **_ends("test", test),
                    "seeds": m.defined if m else 0,
                    "verdict": str(verdict),
                    "claim_verdict": str(claim.verdict),
                }
            )
    return pd.DataFrame(rows)


def _parts(claim: Judged) -> list[tuple[Part, Estimate | None, Verdict]]:
    return list(zip(claim.claim.parts, claim.measured, claim.verdicts, strict=True))


def _ends(name: str, interval: Interval | None) -> dict[str, float]:
    low, high = interval or (float("nan"), float("nan"))
    return {f"{name}_low": low, f"{name}_high": high}


def _numbers(part: Part, estimate: Estimate | None) -> list[str]:
    if estimate is None:
        return [_claimed(part), *[NOTHING] * 3]
    intervals = [_interval(part, interval) for interval in (estimate.seeds, estimate.test_set)]
    return [_claimed(part), _estimate(part, estimate), *intervals]


def _claimed(part: Part) -> str:
    kind, bound = part.expected.kind, part.expected.bound
    text = f"{100 * bound:g} {part.unit}" if part.unit else f"{bound:g}"
    return f"{SIGNS[kind]}{text}".replace("-", "−")


def _estimate(part: Part, estimate: Estimate) -> str:
    missing = estimate.run - estimate.defined
    shown = f"{_number(part, estimate.mean)} {part.unit}".strip() if estimate.defined else "undefined"
    return f"{shown} (undefined under {missing} of {estimate.run} seeds)" if missing else shown


def _interval(part: Part, interval: Interval | None) -> str:
    if interval is None:
        return NOTHING
    low, high = (_number(part, end) for end in interval)
    return f"{low} to {high} {part.unit}".strip()


def _number(part: Part, value: float) -> str:
    if part.unit == "%":
        return f"{100 * value:.1f}"
    return signed(1)(100 * value) if part.unit == "points" else signed(4)(value)
