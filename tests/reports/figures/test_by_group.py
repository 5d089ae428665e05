import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from study.reports.figures.by_group import GROUPS, by_group, draw_by_group
from study.reports.measure.measures import Measures
from tests.reports.decided import world
from tests.reports.synthetic import ledger, results


@pytest.fixture(scope="module")
def measures() -> Measures:
    return Measures(world())


def test_every_point_has_a_dot_and_an_interval_for_each_group(measures: Measures) -> None:
    frame = measures.by_group.frame
    own = frame[frame["decision_maker"] == "standard"]
    points = list(dict.fromkeys(own["what"]))
    axes = draw_by_group(Figure().subplots(), own, points, ["error_a0_y1", "error_a1_y1"])
    lines = {line.get_color(): line for line in axes.lines}
    intervals = {to_hex(part.get_color()[0]): part for part in axes.collections}
    for a, look in enumerate(GROUPS):
        rows = own[own["metric"] == f"error_a{a}_y1"].set_index("what")
        line = lines[look.colour]
        assert list(line.get_xdata()) == list(rows["value"])
        assert [round(y) for y in line.get_ydata()] == [points.index(what) for what in rows.index]
        ends = [segment[:, 0].tolist() for segment in intervals[look.colour.lower()].get_segments()]
        assert ends == rows[["low", "high"]].to_numpy().tolist()


def test_decision_makers_have_a_row_each_and_axes_that_can_be_compared(measures: Measures) -> None:
    drawn = by_group(measures)
    assert drawn is not None
    figure = drawn[0]
    makers = measures.by_group.frame["decision_maker"].nunique()
    assert len(figure.axes) == 4 * makers
    titles = [axes.get_title(loc="left") for axes in figure.axes[:4]]
    assert titles[0] == "standard\nwrong, no new offence"
    assert titles[1:] == ["wrong, new offence", "deferred, no new offence", "deferred, new offence"]
    for left, right in ((0, 1), (2, 3)):
        assert figure.axes[left].get_xlim() == figure.axes[right].get_xlim()
        assert figure.axes[left].get_xlim()[0] == 0


def test_without_outcomes_there_are_no_rates_of_cells_to_draw() -> None:
    assert by_group(Measures(results(ledger(60)))) is None


def test_it_is_told_by_its_values(measures: Measures) -> None:
    drawn = by_group(measures)
    assert drawn is not None
    rows = measures.by_group.frame
    base = rows[rows["what"].eq("baseline") & rows["decision_maker"].eq("biased")].set_index("metric")[
        "value"
    ]
    a0, a1 = (f"{100 * base[f'error_a{group}_y0']:.0f} %" for group in (0, 1))
    share = f"{a0} (not African-American) and {a1} (African-American)"
    assert f"baseline (biased), no new offence: wrong in {share}." in drawn[1]
