"""The figures one by one, on a user's own axes."""

from collections.abc import Iterator

import matplotlib
import pytest
from matplotlib import pyplot

from study import Study
from study.errors import LedgerError, UserError
from study.results.directory import ResultsDirectory


@pytest.fixture(autouse=True)
def _no_window() -> Iterator[None]:
    with matplotlib.rc_context():
        pyplot.switch_backend("agg")
        yield
        pyplot.close("all")


FIGURES = ["front", "deferral_cdf", "deferral_by_gamma", "by_alpha", "by_group", "differences"]


@pytest.fixture(scope="module")
def plots(tiny_results: ResultsDirectory):  # type: ignore[no-untyped-def]
    return Study(tiny_results.root).plot


@pytest.mark.parametrize("name", FIGURES)
def test_each_draws_on_new_axes_or_on_those_given(name: str, plots) -> None:  # type: ignore[no-untyped-def]
    ours = pyplot.subplots()[1]
    assert getattr(plots, name)(ours) is ours
    assert ours.has_data()
    assert ours.get_xlabel()
    theirs = getattr(plots, name)()
    assert theirs is not ours
    assert theirs.has_data()


def test_there_is_one_for_each_figure_of_the_report(plots) -> None:  # type: ignore[no-untyped-def]
    assert [name for name in vars(type(plots)) if not name.startswith("_")] == FIGURES


def test_front_shows_the_studys_front_and_its_methods(plots, tiny_results: ResultsDirectory) -> None:  # type: ignore[no-untyped-def]
    fronts = Study(tiny_results.root).fronts()
    own = fronts[(fronts["front"] == "honest") & (fronts["method"] == "defer")]
    ax = plots.front()
    drawn = [sorted(line.get_xdata()) for line in ax.get_lines()]
    assert sorted(own["di"]) in drawn
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert {"binary", "reject", "defer", "baseline", "decision-maker alone"} == set(labels)
    low, high = ax.get_ylim()
    assert low > high
    assert plots.front(chosen_on="test", band="high", decision_maker="standard").has_data()


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        (
            "front",
            {"model": "ordinl"},
            r"model: 'ordinl' is unknown; allowed are ordinal; did you mean",
        ),
        ("front", {"chosen_on": "train"}, "chosen_on: 'train' is unknown; allowed are validation, test"),
        ("deferral_cdf", {"group": "2"}, "group: '2' is unknown; allowed are all, 0, 1"),
        ("by_alpha", {"metric": "speed"}, "metric: 'speed' is unknown; allowed are di, error"),
        ("by_group", {"outcome": 3}, "outcome: '3' is unknown; allowed are 0, 1"),
    ],
)
def test_wrong_names_are_one_clear_error(name: str, given: dict[str, object], words: str, plots) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UserError, match=words):
        getattr(plots, name)(**given)


def test_nothing_finished_is_said(tiny_copy: ResultsDirectory) -> None:
    for path in tiny_copy.runs.iterdir():
        path.unlink()
    plots = Study(tiny_copy.root).plot
    for name in FIGURES:
        with pytest.raises(LedgerError, match="nothing to draw: there are no "):
            getattr(plots, name)()
