import pandas as pd
import pytest
from matplotlib.figure import Figure

from study.reports.figures.differences import ROWS, differences, differences_shown
from study.reports.figures.style import METHOD_STYLES, NARROW, WIDTH, style
from study.reports.measure.comparisons import Comparisons
from study.reports.measure.measures import Measures
from tests.reports.synthetic import ledger, results


def frame_of(pairs: int) -> pd.DataFrame:
    names = {"decision_maker": "standard", "model": "ordinal"}
    alone = names | {"first": "defer", "second": None, "estimate": 0.1}
    pair = names | {"first": "defer", "second": "reject", "estimate": 0.002}
    ends = {"seeds_low": -0.001, "seeds_high": 0.005, "test_low": 0.001, "test_high": 0.003, "seeds": 5}
    return pd.DataFrame([alone | ends, *[pair | ends] * pairs])


def drawn(pairs: int) -> Figure:
    measures = Measures(results(ledger(60)))
    measures.comparisons = Comparisons(frame_of(pairs), "")
    figure = differences(measures)
    assert figure is not None
    return figure[0]


def test_only_differences_are_shown_and_no_more_than_there_is_room_for() -> None:
    assert len(differences_shown(frame_of(3))) == 3
    assert len(differences_shown(frame_of(ROWS + 5))) == ROWS
    assert differences_shown(frame_of(1))["second"].notna().all()


@pytest.mark.parametrize("rows", [1, 4, ROWS])
def test_a_row_has_both_intervals_and_the_mean_and_is_named_at_the_left(rows: int) -> None:
    figure = drawn(rows)
    (axes,) = figure.axes
    figure.canvas.draw()
    assert [text.get_text() for text in axes.get_yticklabels()] == [
        "defer − reject,\nordinal, standard"
    ] * rows
    zero, *lines = axes.get_lines()
    assert list(zero.get_xdata()) == [0, 0]
    assert len(lines) == 3 * rows
    people, seeds, mean = lines[:3]
    assert list(people.get_xdata()) == [0.001, 0.003]
    assert list(seeds.get_xdata()) == [-0.001, 0.005]
    assert seeds.get_linewidth() > people.get_linewidth()
    assert list(mean.get_xdata()) == [0.002]
    assert mean.get_marker() == METHOD_STYLES["defer"].marker
    # Told apart without colour: by marker and by place. The first row is on top.
    low, high = axes.get_ylim()
    assert low > high


@pytest.mark.parametrize("width", [WIDTH, NARROW])
@pytest.mark.parametrize("rows", [1, 4, ROWS])
def test_all_words_are_within_the_figure(rows: int, width: float) -> None:
    with style(width):
        figure = drawn(rows)
    (axes,) = figure.axes
    figure.canvas.draw()
    whole = figure.bbox
    for text in (axes.xaxis.label, *axes.get_yticklabels()):
        box = text.get_window_extent()
        assert whole.x0 <= box.x0 <= box.x1 <= whole.x1
        assert whole.y0 <= box.y0 <= box.y1 <= whole.y1
    label = axes.xaxis.label.get_window_extent()
    assert all(not label.overlaps(text.get_window_extent()) for text in axes.get_xticklabels())
