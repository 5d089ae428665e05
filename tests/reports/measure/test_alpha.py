import math
import statistics

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from study.reports.figures.alpha import by_alpha, described, scale_alpha
from study.reports.figures.render import Rendered
from study.reports.measure.alpha import binary_runs, curves_by_alpha
from study.reports.measure.measures import Measures
from tests.reports.browser import section, undrawn
from tests.reports.synthetic import ledger, results

RUNS = ledger(600)
FIGURES = ("di", "error")
NO_COMPARISONS = pd.DataFrame(columns=["first", "second"])


def runs_of(alphas: list[float], model: str = "mlp", seeds: int = 5) -> pd.DataFrame:
    """The ledger of a binary model; every run has its own figures."""
    n = len(alphas) * seeds
    rng = np.random.default_rng(0)
    columns = {"alpha": np.repeat(alphas, seeds), "seed": np.tile(np.arange(seeds), len(alphas))}
    figures = {"test_di": rng.uniform(0, 0.3, n), "test_error": rng.uniform(0.2, 0.4, n)}
    return pd.DataFrame({"method": "binary", "model": model, **columns, **figures})


def quartile(values: list[float], share: float) -> float:
    """Linear between the order statistics."""
    place = share * (len(values) - 1)
    low = math.floor(place)
    above = values[min(low + 1, len(values) - 1)]
    return values[low] + (place - low) * (above - values[low])


def test_every_binary_run_with_figures_is_a_point() -> None:
    points = binary_runs(RUNS)
    own = RUNS[(RUNS["method"] == "binary") & RUNS["test_di"].notna()]
    assert list(points) == ["model", "alpha", "seed", "di", "error"]
    expected = zip(own["alpha"], own["seed"], own["test_di"], own["test_error"], strict=True)
    assert list(points.drop(columns="model").itertuples(index=False, name=None)) == sorted(expected)


def test_a_model_needs_four_different_alphas_with_figures() -> None:
    few, enough = runs_of([0, 1, 2], "bayes"), runs_of([0, 1, 2, 3])
    assert set(binary_runs(pd.concat([few, enough]))["model"]) == {"mlp"}
    enough.loc[enough["alpha"] == 3, "test_di"] = np.nan
    assert not len(binary_runs(enough))
    assert not len(binary_runs(runs_of([0, 1, 2, 3]).assign(method="reject")))


@pytest.mark.parametrize("alphas", [[0.0, 0.01, 0.1, 1.0], [0.0, *(2.0**n for n in range(16))]])
def test_a_curve_has_the_median_and_quartiles_of_each_alpha_where_they_are_few(alphas: list[float]) -> None:
    runs = runs_of(alphas, seeds=4)
    curves = curves_by_alpha(binary_runs(runs))
    assert list(curves["alpha"]) == alphas
    for row in curves.to_dict("records"):
        own = runs[runs["alpha"] == row["alpha"]]
        assert row["runs"] == 4
        for name in FIGURES:
            values = sorted(own[f"test_{name}"])
            assert row[name] == pytest.approx(statistics.median(values))
            assert row[f"{name}_lower"] == pytest.approx(quartile(values, 0.25))
            assert row[f"{name}_upper"] == pytest.approx(quartile(values, 0.75))


@settings(max_examples=25, deadline=None)
@given(st.sets(st.integers(1, 200), min_size=7, max_size=60), st.booleans())
def test_many_alphas_make_bins_of_neighbours_and_zero_stays_alone(above: set[int], zero: bool) -> None:
    alphas = [*([0.0] if zero else []), *(number / 100 for number in sorted(above))]
    points = binary_runs(runs_of(alphas, seeds=2))
    curves = curves_by_alpha(points, bins=6)
    assert len(curves) == 6 + zero
    assert curves["alpha"].is_monotonic_increasing
    assert curves["runs"].sum() == len(points)
    if zero:
        assert tuple(curves.loc[0, ["alpha", "runs"]]) == (0.0, 2)
    sizes = curves["runs"].iloc[int(zero) :]
    assert sizes.max() - sizes.min() <= 2


def test_curves_do_not_depend_on_the_order_of_the_runs() -> None:
    shuffled = binary_runs(RUNS.sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(curves_by_alpha(shuffled), curves_by_alpha(binary_runs(RUNS)))


def test_no_runs_give_no_points_and_no_curves_with_all_columns() -> None:
    none = binary_runs(pd.DataFrame(columns=RUNS.columns))
    assert list(none) == list(binary_runs(RUNS))
    assert list(curves_by_alpha(none)) == list(curves_by_alpha(binary_runs(RUNS)))
    assert len(none) == len(curves_by_alpha(none)) == 0


def drawn(points: pd.DataFrame, curves: pd.DataFrame) -> Figure:
    measures = Measures(results(RUNS))
    measures.alpha_runs, measures.alpha = points, curves
    figure = by_alpha(measures)
    assert figure is not None
    return figure[0]


def test_a_figure_has_a_row_per_model_with_points_median_and_band() -> None:
    runs = pd.concat([runs_of([0, 0.01, 0.1, 1]), runs_of([0, 1, 2, 3, 4], "bayes")])
    points = binary_runs(runs)
    curves = curves_by_alpha(points)
    figure = drawn(points, curves)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == [f"{m}: {w}" for m in ("mlp", "bayes") for w in ("odds difference", "error rate")]
    for number, axes in enumerate(figure.axes):
        model, name = ("mlp", "bayes")[number // 2], FIGURES[number % 2]
        own, line = points[points["model"] == model], curves[curves["model"] == model]
        dots, median = axes.lines
        assert list(dots.get_ydata()) == list(own[name])
        assert list(median.get_xdata()) == list(line["alpha"])
        assert list(median.get_ydata()) == list(line[name])
        (band,) = axes.collections
        heights = {y for _, y in band.get_paths()[0].vertices}
        assert heights == {*line[f"{name}_lower"], *line[f"{name}_upper"]}


def test_a_small_cost_in_error_does_not_fill_the_panel() -> None:
    runs = runs_of([0, 0.1, 0.5, 1])
    for errors, spans in ((0.3 + runs["test_error"] / 100, 0.1), (runs["test_error"], None)):
        points = binary_runs(runs.assign(test_error=errors))
        low, high = drawn(points, curves_by_alpha(points)).axes[1].get_ylim()
        assert low < points["error"].min() < points["error"].max() < high
        assert high - low == pytest.approx(spans) if spans else high - low > 0.1


def axis(alphas: list[float]) -> Axes:
    axes = Figure().subplots()
    scale_alpha(axes, np.array(alphas))
    low, high = axes.get_xlim()
    assert low < min(alphas) <= max(alphas) < high
    return axes


@pytest.mark.parametrize(
    ("alphas", "scale", "numbers"),
    [
        ([0.0, 0.01, 0.1, 1.0, 10.0], "symlog", [0, 0.01, 0.1, 1, 10]),
        # A quasi-random search comes close to its ends.
        ([0.0, 0.0103, 0.05, 0.3, 0.97], "symlog", [0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1]),
        ([0.03, 0.1, 3.0, 30.0], "log", [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20]),
        ([0.001, 0.1, 3.0, 30.0], "log", [0.001, 0.01, 0.1, 1, 10]),
    ],
)
def test_alphas_of_different_magnitude_are_on_a_log_axis_with_zero(
    alphas: list[float], scale: str, numbers: list[float]
) -> None:
    axes = axis(alphas)
    assert axes.get_xscale() == scale
    assert list(axes.get_xticks()) == pytest.approx(numbers)
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels == [f"{number:g}" for number in numbers]


@pytest.mark.parametrize(
    "alphas",
    [
        [0, 0.1, 0.5, 1],
        # Small ones among evenly spread ones are no reason.
        [0, 0.001, 0.02, *(n / 10 for n in range(1, 11))],
        [0, 0, 0, 0],
        [-1, 0, 1, 100],
        [3, 4, 5, 6],
    ],
)
def test_other_alphas_are_on_a_plain_axis(alphas: list[float]) -> None:
    assert axis(alphas).get_xscale() == "linear"


def test_it_is_described_by_both_ends() -> None:
    curves = pd.DataFrame({"model": "mlp", "alpha": [0.0, 0.5, 1.0], "di": [0.21, 0.1, 0.02]})
    said = described(curves.assign(error=[0.3, 0.31, 0.325]))
    assert said.endswith(
        "From alpha 0 to 1, the median odds difference of the model mlp goes from 0.210 to 0.020, its "
        "median error from 0.300 to 0.325."
    )


def test_the_report_has_it_as_a_section_where_there_are_enough_alphas() -> None:
    runs = pd.concat([ledger(60, methods=("binary",), models=(m,)) for m in ("bayes", "mlp")])
    figure = by_alpha(Measures(results(runs)))
    assert figure is not None
    # The plain network comes first, as in the paper.
    titles = [axes.get_title(loc="left") for axes in figure[0].axes]
    assert titles[0::2] == ["mlp: odds difference", "bayes: odds difference"]
    pictures = {"di-and-error-by-alpha": Rendered("x", "", {"wide": "<svg></svg>"}, b"", "")}
    assert "neighbouring" not in section("alpha", results(runs), **pictures).text
    assert "neighbouring" in section("alpha", results(RUNS), **pictures).text
    none = results(ledger(60, methods=("defer",)))
    assert by_alpha(Measures(none)) is None
    assert "Fairness against alpha" not in undrawn(none).text
