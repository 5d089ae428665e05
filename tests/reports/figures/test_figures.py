import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from study.reports.figures.album import OF_MODELS, file_names
from study.reports.figures.deferral import decision_maker_lines, draw_cdf
from study.reports.figures.plane import bands, draw_plane, plane
from study.reports.figures.style import (
    DECISION_MAKER,
    decision_maker_styles,
    method_style,
    panel_title,
    short,
)
from study.reports.measure.deferral_rates import deferral_cdf
from study.reports.measure.measures import Measures
from study.reports.measure.panels import baselines, decision_maker_alone
from study.results.fronts import fronts
from study.results.settings import medians_by_setting
from tests.reports.synthetic import decision_makers, ledger, results

RUNS = ledger(600)
SETTINGS = medians_by_setting(RUNS)
FRONTS = fronts(SETTINGS)


def test_a_plane_shows_fronts_baseline_and_decision_maker() -> None:
    axes = Figure().subplots()
    front = FRONTS[(FRONTS["front"] == "paper") & (FRONTS["decision_maker"] != "biased")]
    alone = decision_maker_alone(decision_makers(), "standard")
    assert draw_plane(axes, SETTINGS, front, baselines(SETTINGS), alone) is axes
    for method in ("binary", "reject", "defer"):
        look = method_style(method)
        (line,) = [
            ln for ln in axes.lines if ln.get_color() == look.colour and ln.get_linestyle() == look.line
        ]
        rows = front[front["method"] == method].sort_values("di")
        assert list(line.get_xdata()) == list(rows["di"])
        assert list(line.get_ydata()) == list(rows["error"])
    marks = {ln.get_marker(): ln for ln in axes.lines if ln.get_markeredgecolor() == "black"}
    assert list(marks["s"].get_xdata()) == list(baselines(SETTINGS)["test_di"])
    assert list(marks["o"].get_ydata()) == list(alone["error"])


def test_an_honest_front_is_joined_in_the_order_in_which_it_was_chosen() -> None:
    axes = Figure().subplots()
    own = (FRONTS["front"] == "honest") & (FRONTS["decision_maker"] == "standard")
    front = FRONTS[own & (FRONTS["method"] == "defer")]
    nothing = decision_makers(())
    draw_plane(axes, SETTINGS[:0], front, baselines(SETTINGS[:0]), nothing, joined_on="validation")
    line = max(axes.lines, key=lambda line: len(line.get_xdata()))
    chosen = front.sort_values("validation_di")
    assert list(line.get_xdata()) == list(chosen["di"]) != sorted(chosen["di"])
    # A front: where the one gets worse, the other gets better.
    assert chosen["validation_error"].is_monotonic_decreasing


def test_the_top_left_of_a_plane_is_best() -> None:
    figure = plane(Measures(results(RUNS)), ("ordinal",))[0]
    for axes in figure.axes:
        low, high = axes.get_xlim()
        assert low == 0 < high
        bottom, top = axes.get_ylim()
        assert top < bottom


def test_models_drawn_together_have_one_legend_of_their_methods_and_a_line_each() -> None:
    other = RUNS[RUNS["method"] == "defer"].assign(method="ce", model="actions")
    other["setting_id"] += " other"
    runs = pd.concat([RUNS, other])
    measures = Measures(results(runs[runs["decision_maker"].isin(["none", "standard"])]))
    assert measures.models == [("actions", "ordinal")]
    for models, more in ((("ordinal",), []), (("actions", "ordinal"), ["ce"])):
        (legend,) = plane(measures, models)[0].legends
        shown = [text.get_text() for text in legend.get_texts()]
        assert shown[: shown.index("baseline")] == ["binary", "reject", "defer", *more]
    drawn = OF_MODELS["idk-cdf"](measures, ("actions", "ordinal"))
    assert drawn is not None
    (legend,) = drawn[0].legends
    assert {text.get_text() for text in legend.get_texts()} == {"reject", "defer", "ce"}
    assert [len(axes.lines) for axes in drawn[0].axes] == [3, 3, 3]


def test_a_plane_shows_the_decision_maker_on_test_and_names_both() -> None:
    runs = ledger(300, decision_makers=("oracle",))
    tested = runs["decision_maker"].replace({"oracle": "standard"})
    makers = decision_makers(("oracle", "standard"))
    # Far from everything: were it drawn or framed, it would be seen.
    makers.loc[makers["decision_maker"] == "oracle", ["error", "di"]] = 0.0
    given = results(runs.assign(test_decision_maker=tested), decision_makers=makers)
    by_band = bands("honest", Measures(given), ("ordinal",))
    assert by_band is not None
    for figure in (plane(Measures(given), ("ordinal",))[0], by_band[0]):
        for axes in figure.axes:
            title = axes.get_title(loc="left")
            assert title.replace("\n", " ").startswith("trained with oracle, tested with standard ")
            (circle,) = [ln for ln in axes.lines if ln.get_markerfacecolor() == DECISION_MAKER["color"]]
            assert list(circle.get_ydata()) == [0.242 + 0.002]
            assert min(axes.get_ylim()) > 0.1


@pytest.mark.parametrize(
    ("columns", "name"),
    [(["doctor"], "doctor"), (["standard"], "column standard"), (["ann", "bob"], "ann, bob")],
)
def test_people_of_a_table_are_called_by_their_columns_in_every_figure(
    columns: list[str], name: str
) -> None:
    runs = ledger(200, decision_makers=("standard", "column"))
    dataset = {"name": "own", "decision_maker": {"columns": columns}}
    measures = Measures(results(runs, study={"study": "own", "dataset": dataset}))
    assert measures.called_names == ["standard", name]
    for draw in OF_MODELS.values():
        drawn = draw(measures, ("ordinal",))
        assert drawn is not None
        words = [drawn[1], *(text.get_text() for text in drawn[0].findobj(Text))]
        assert any(name in word for word in words)
        assert not any("column" in word.replace(name, "").replace("column stan", "") for word in words)


def test_binary_models_alone_have_titles_without_a_decision_maker() -> None:
    assert panel_title("none", "none", "front over test points") == "front over test points"
    assert panel_title("biased", "biased", "low") == "biased: low"


def test_a_cdf_has_a_line_per_decision_maker() -> None:
    curves = deferral_cdf(SETTINGS)
    own = curves[(curves["method"] == "defer") & (curves["group"] == "all")]
    axes = Figure().subplots()
    draw_cdf(axes, own, decision_maker_styles(["standard", "biased"]))
    assert len(axes.lines) == 2
    for line, name in zip(axes.lines, own["decision_maker"].unique(), strict=True):
        fractions = own.loc[own["decision_maker"] == name, "fraction"]
        assert list(line.get_ydata()) == list(fractions)


@pytest.mark.parametrize("marked", [True, False])
def test_a_legend_has_the_decision_makers_drawn_in_order_and_in_their_looks(marked: bool) -> None:
    measures = Measures(results(ledger(200, decision_makers=("mine", "standard", "_yours", "biased"))))
    styles = decision_maker_styles(measures.names)
    curves = pd.DataFrame({"decision_maker": ["biased", "_yours", "mine", "mine"]})
    lines = decision_maker_lines(measures, curves, marked=marked)
    shown = ["biased", "_yours", "mine"]
    assert [str(line.get_label()).strip() for line in lines] == shown
    for line, name in zip(lines, shown, strict=True):
        assert line.get_color() == styles[name].colour
        assert line.get_marker() == (styles[name].marker if marked else "")


def test_methods_and_decision_makers_differ_without_colour() -> None:
    methods = [method_style(m) for m in ("binary", "reject", "defer", "novel")]
    names = decision_maker_styles(["standard", "biased", "oracle", "a", "b", "c", "d"])
    for styles in (methods, list(names.values())):
        assert len({str(style.line) for style in styles}) == len(styles)
        assert len({style.marker for style in styles}) == len(styles)


@pytest.mark.parametrize(
    ("models", "names"),
    [
        (["mlp", "ordinal"], ["mlp", "ordinal"]),
        (["../a b", "<x>", "X", "§"], ["a-b", "x", "x-3", "model"]),
    ],
)
def test_file_names_are_safe_and_differ(models: list[str], names: list[str]) -> None:
    assert list(file_names([(model,) for model in models]).values()) == names
    assert list(file_names([tuple(models)]).values()) == ["all-models"]


def test_names_over_panels_are_short_and_never_hidden() -> None:
    assert short("a" * 50) == "a" * 27 + "…"
    assert short("_judge") == " _judge"
    assert short("two\nlines") == "two lines"
