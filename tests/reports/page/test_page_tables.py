"""The parts of the page on methods, groups and hyperparameters say what the frames say."""

from dataclasses import replace

import pandas as pd
import pytest

from study.reports.figures.album import Album
from study.reports.figures.differences import ROWS
from study.reports.figures.render import Rendered
from study.reports.measure.comparisons import Comparisons
from study.reports.measure.importance import REST
from study.reports.measure.measures import Measures
from study.reports.measure.metrics_by_group import COLUMNS, GroupMetrics
from study.reports.page import method_tables
from study.reports.page.group_tables import group_tables
from tests.reports.browser import Page, rendered, section
from tests.reports.decided import world
from tests.reports.synthetic import ledger, results

NASTY = "<b>standard</b>"
INTERVAL = "bootstrap interval over test cases"
POINT_COLUMNS = [
    "decision_maker",
    "what",
    "split",
    "model",
    "alpha",
    "gamma",
    "model_alpha",
    "seed",
    "run_id",
]
POINTS = pd.DataFrame(
    [["standard", "defer, lowest odds difference", 0, "gate", 0.5, 0.1, float("nan"), 2, "s1"]],
    columns=POINT_COLUMNS,
)


OWN = {"sensitive": {"column": "sex", "is": "f"}, "label": {"column": "sick", "positive": "yes"}}


def measured(**frames: object) -> Measures:
    """Measures as they would be if a study had come to these."""
    given = results(ledger(5))
    measures = Measures(replace(given, study={**given.study, "dataset": OWN}))
    for name, frame in ({"labels": {"standard": NASTY}} | frames).items():
        setattr(measures, name, frame)
    return measures


def by_group(metrics: GroupMetrics) -> Page:
    context = group_tables(measured(by_group=metrics, points=POINTS))
    assert context is not None
    shown = {"units": "test cases", "interval": INTERVAL, "metric": "error"}
    return rendered("by-group", album=Album(), **shown, **context)


def compared(comparisons: Comparisons, **figures: Rendered) -> Page:
    context = method_tables.comparisons(measured(comparisons=comparisons))
    assert context is not None
    shown = {"units": "test cases", "interval": INTERVAL, "metric": "error"}
    return rendered("comparisons", album=Album({}, figures), **shown, **context)


def metrics_of(
    figures: dict[str, tuple[float, float, float]], what: str = "defer, lowest odds difference"
) -> GroupMetrics:
    rows = [
        ["standard", what, "s1", name, value, low, high] for name, (value, low, high) in figures.items()
    ]
    return GroupMetrics(pd.DataFrame(rows, columns=COLUMNS), "")


FIGURES = {
    "error": (0.3, 0.28, 0.32),
    "di": (0.05, 0.03, 0.09),
    **{f"error_a{a}_y{y}": (0.1 + a / 10 + y / 100, 0.1, 0.3) for a in (0, 1) for y in (0, 1)},
    **{"selection_rate": (0.35, 0.3, 0.4), "selection_ratio": (0.75, 0.6, 0.9)},
    **{f"selection_rate_a{a}": (0.3 + a / 10, 0.2, 0.5) for a in (0, 1)},
    "di_y0": (0.1, 0.05, 0.15),
    "di_y1": (0.1, 0.05, 0.15),
    "idk_rate": (0.25, 0.2, 0.3),
    "idk_rate_a0": (0.2, 0.15, 0.25),
    "idk_rate_a1": (0.3, 0.25, 0.35),
    **{f"idk_rate_a{a}_y{y}": (0.4 + a / 10 + y / 100, 0.1, 0.5) for a in (0, 1) for y in (0, 1)},
    "model_error": (0.31, 0.29, 0.33),
    "dm_error_on_kept": (0.25, 0.2, 0.3),
    "dm_error": (0.22, 0.2, 0.24),
    "model_error_on_left": (0.45, 0.4, 0.5),
}


def test_di_is_shown_with_its_parts_and_idk_rates_by_group_and_outcome() -> None:
    seen = by_group(metrics_of(FIGURES))
    errors, selections, deferrals, deciders, named = seen.tables
    parts = ["0.3000.280 to 0.320", "0.0500.030 to 0.090", "0.1000.100 to 0.300", "0.2000.100 to 0.300"]
    parts += ["0.1000.050 to 0.150", "0.1100.100 to 0.300", "0.2100.100 to 0.300", "0.1000.050 to 0.150"]
    assert errors[1] == ["defer, lowest odds difference", *parts]
    assert errors[0][3] == "false positives (sick not yes), sex not f"
    assert [cell[:6] for cell in selections[1][1:4]] == ["35.0 %", "30.0 %", "40.0 %"]
    assert "0.75" in selections[1][4] or "75.0 %" in selections[1][4]
    assert [cell[:6] for cell in deferrals[1][1:]] == [
        *("25.0 %", "20.0 %", "30.0 %"),
        *("40.0 %", "41.0 %", "50.0 %", "51.0 %"),
    ]
    assert [cell[:5] for cell in deciders[1][2:]] == ["0.310", "0.250", "0.220", "0.450"]
    assert named[1][-1] == "s1"
    assert f"with the decision-maker {NASTY}" in seen.text
    assert not seen.named("b")


def test_a_setting_that_never_defers_has_no_row_of_deferred_cases() -> None:
    figures = FIGURES | {"idk_rate": (0.0, 0.0, 0.0)}
    seen = by_group(metrics_of(figures, "binary, lowest odds difference"))
    assert len(seen.tables) == 3


@pytest.mark.parametrize(("wrong", "warned"), [(0.85, True), (0.7, False)])
def test_deciding_nearly_always_the_same_is_warned_of(wrong: float, warned: bool) -> None:
    figures = FIGURES | {f"error_a{a}_y1": (wrong, wrong, wrong) for a in (0, 1)}
    seen = by_group(metrics_of(figures))
    assert ("difference is small because it decides nearly always the same" in seen.text) == warned


def test_missing_intervals_are_explained() -> None:
    given = GroupMetrics(
        metrics_of(FIGURES).frame.assign(low=float("nan"), high=float("nan")), "they are gone"
    )
    seen = by_group(given)
    assert "There are no intervals, and no metrics by group and outcome: they are gone." in seen.text
    assert seen.tables[0][1][1] == "0.300"
    assert group_tables(measured(by_group=GroupMetrics(given.frame[:0], ""))) is None


def comparison(first: str, second: str | None, estimate: float, **ends: float) -> dict[str, object]:
    row = {"decision_maker": "standard", "model": "gate", "first": first, "second": second}
    known = {name: float("nan") for name in ("seeds_low", "seeds_high", "test_low", "test_high")}
    return row | {"estimate": estimate, "seeds": 3} | known | ends


def test_hypervolumes_and_their_differences_have_both_intervals() -> None:
    frame = pd.DataFrame(
        [
            comparison("defer", None, 0.12, seeds_low=0.1, seeds_high=0.14, test_low=0.11, test_high=0.13),
            comparison("defer", "reject", -0.02, seeds_low=-0.03, seeds_high=0.01),
        ]
    )
    seen = compared(Comparisons(frame, "none were kept"))
    (table,) = seen.tables
    assert table[1][2:] == ["defer", "0.1200", "0.1000 to 0.1400", "0.1100 to 0.1300", "3"]
    assert table[2][2:] == ["defer − reject", "−0.0200", "−0.0300 to +0.0100", "–", "3"]
    assert table[1][0] == NASTY
    assert "There are no bootstrap intervals over test cases: none were kept." in seen.text
    assert method_tables.comparisons(measured(comparisons=Comparisons(frame[:0], ""))) is None


@pytest.mark.parametrize("pairs", [ROWS, ROWS + 1])
def test_a_figure_that_leaves_differences_out_says_so(pairs: int) -> None:
    frame = pd.DataFrame([comparison("defer", "reject", 0.1)] * pairs)
    seen = compared(Comparisons(frame, ""), differences=Rendered("x", "", {"wide": "<svg></svg>"}, b"", ""))
    assert (f"The first {ROWS} of {pairs}" in seen.text) == (pairs > ROWS)


def test_stability_is_shown_only_of_several_seeds() -> None:
    row = {"method": "defer", "model": "m", "decision_maker": "standard", "seeds": 5, "points": 9}
    shares = {"on_front": 0.25, "near_front": 0.9, "overlap": 0.2}
    context = method_tables.stability(measured(stability=pd.DataFrame([row | shares])))
    assert context is not None
    seen = rendered("stability", album=Album(), **context)
    assert seen.tables[0][1] == ["defer", "m", NASTY, "5", "9", "25.0 %", "90.0 %", "20.0 %"]
    assert method_tables.stability(measured(stability=pd.DataFrame([row | shares | {"seeds": 1}]))) is None


def test_importance_has_a_number_beside_every_bar_and_says_what_it_is() -> None:
    rows = [["defer", "alpha", 40, 0.5, 0.004, float("nan")], ["defer", REST, 40, 0.5, 0.996, float("nan")]]
    frame = pd.DataFrame(rows, columns=["method", "what", "settings", "error", "di", "idk_rate"])
    context = method_tables.importance(measured(importance=frame))
    assert context is not None
    seen = rendered("importance", album=Album(), **context)
    assert seen.tables[0][1] == ["defer", "alpha", "50 %", "0 %", "–", "40"]
    # A bar repeats its number, so a reader of the page aloud is spared it.
    bars = [a for a in seen.named("span") if a.get("class") == "bar"]
    assert [bar["style"] for bar in bars] == ["width:2.50rem", "width:2.50rem", "width:4.98rem"]
    assert all(bar["aria-hidden"] == "true" for bar in bars)
    assert "not Optuna’s estimate" in seen.text
    assert method_tables.importance(measured(importance=frame[:0])) is None


def test_of_a_whole_study_every_part_is_there() -> None:
    for anchor in ("by-group", "comparisons", "stability"):
        seen = section(anchor, world())
        assert seen.tables
        cells = [cell for table in seen.tables for row in table for cell in row]
        assert not {"nan", "None"} & set(cells)


def test_of_a_study_without_outcomes_every_part_is_there() -> None:
    measures = Measures(results(ledger(300)))
    assert measures.by_group.missing == measures.run_intervals.missing == measures.comparisons.missing != ""
    for anchor in ("by-group", "comparisons", "importance"):
        assert section(anchor, measures.results).tables
