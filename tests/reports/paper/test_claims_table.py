import math

import pytest

from study.reports.measure.seed_statistics import Estimate
from study.reports.paper import claim_statistics as of
from study.reports.paper.claims import Claim, Expected, Judged, Part, Verdict, judge
from study.reports.paper.claims_table import claim_rows, claims_frame, tally
from study.results.intervals import Interval
from tests.reports.browser import rendered

WIDE = Interval(-0.0123, 0.0456)


def judged(expected: Expected, unit: str, measured: Estimate | None) -> Judged:
    part = Part("<i>x</i>", of.baseline("error"), expected, unit)  # type: ignore[arg-type]
    return Judged(
        Claim("Figure 0", "It is & was.", (part, part)), (measured, None), (Verdict.HOLDS, Verdict.NOT_RUN)
    )


@pytest.mark.parametrize(
    ("expected", "unit", "measured", "shown"),
    [
        (
            Expected("near", 0.24),
            "%",
            Estimate(0.2437, WIDE, None, 5, 5),
            ["24 %", "24.4 %", "-1.2 to 4.6 %", "–"],
        ),
        (
            Expected("below", -0.5),
            "",
            Estimate(0.01, None, WIDE, 5, 5),
            ["< −0.5", "+0.0100", "–", "−0.0123 to +0.0456"],
        ),
        (
            Expected("above", 0.0),
            "points",
            Estimate(-0.05, None, None, 1, 1),
            ["> 0 points", "−5.0 points", "–", "–"],
        ),
        (
            Expected("within", 0.005),
            "",
            Estimate(0.0, None, None, 3, 5),
            ["±0.005", "0.0000 (undefined under 2 of 5 seeds)", "–", "–"],
        ),
        (
            Expected("above", 0.0),
            "",
            Estimate(math.nan, None, None, 0, 5),
            ["> 0", "undefined (undefined under 5 of 5 seeds)", "–", "–"],
        ),
    ],
)
def test_a_row_says_what_was_claimed_and_measured(
    expected: Expected, unit: str, measured: Estimate, shown: list[str]
) -> None:
    claim = judged(expected, unit, measured)
    figure = {"name": "0", "title": "", "description": "", "claims": claim_rows([claim])}
    assert tally([claim]) == {"holds in part": 1}
    assert tally([claim] * 2) == {"hold in part": 2}
    (table,) = rendered("claims", counts=tally([claim]), missing="", figures=[figure]).tables
    assert table[0] == ["claim", "statistic", "claimed", "measured", "seeds", "test set", "verdict"]
    assert table[1] == ["Figure 0It is & was.holds in part", "<i>x</i>", *shown, "holds"]
    assert table[2][2:] == ["–", "–", "–", "not run"]


def test_the_frame_has_the_numbers_as_they_are() -> None:
    rows = claims_frame([judged(Expected("near", 0.24), "%", Estimate(0.2437, WIDE, None, 4, 5))])
    first = rows.iloc[0].to_dict()
    assert (first["expected"], first["bound"], first["estimate"], first["seeds"]) == (
        "near",
        0.24,
        0.2437,
        4,
    )
    assert (first["seeds_low"], first["seeds_high"]) == WIDE
    assert math.isnan(first["test_low"])
    assert rows["verdict"].tolist() == ["holds", "not run"]
    assert rows["claim_verdict"].tolist() == ["holds in part"] * 2


def test_a_claim_that_was_not_run_has_rows() -> None:
    claim = Claim("Figure 0", "It is.", (Part("x", of.fall("mlp"), Expected("above")),))
    (row,) = claims_frame([judge(claim, None)]).to_dict("records")
    assert (row["verdict"], row["claim_verdict"], row["seeds"]) == ("not run", "not run", 0)
