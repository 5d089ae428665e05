from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from study.reports.measure.resampling import NotRunError, Settings, resample
from study.reports.measure.seed_statistics import Statistic, difference, front_gain, front_of
from study.reports.paper import claim_statistics as of
from study.reports.paper.method_claims import error_at
from study.results.fronts import BANDS, areas, fronts, hypervolume, hypervolumes, idk_band
from study.results.intervals import medians
from study.results.settings import medians_by_setting
from tests.reports.decided import world
from tests.reports.synthetic import ledger, results

RATES = st.lists(st.integers(0, 20).map(lambda k: k / 20), min_size=1, max_size=9)
GIVEN = {"model": "ordinal", "decision_maker": "standard"}


def settings(runs: pd.DataFrame) -> Settings:
    """Of the first seed."""
    return resample(results(runs), np.random.default_rng(0)).observed[0]


def binary(alpha: list[float], di: list[float], error: list[float], median_di: list[float]) -> Settings:
    names = {"method": "binary", "model": "mlp"}
    facts = pd.DataFrame({"alpha": alpha, "median_validation_di": median_di}).assign(**names)
    figures = {"di": np.array(di)[:, None], "error": np.array(error)[:, None]}
    return Settings(facts, figures, {})


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=7), min_size=1, max_size=3
    )
)
def test_areas_are_the_hypervolumes_of_the_columns(columns: list[list[tuple[int, int]]]) -> None:
    points = np.full((7, len(columns), 2), np.nan)
    for b, column in enumerate(columns):
        for i, point in enumerate(column):
            points[i, b] = np.array(point) / 20
    found = areas(points[..., 0], points[..., 1])
    assert found == pytest.approx([hypervolume(points[:, b]) for b in range(len(columns))])


@given(
    st.lists(
        st.lists(st.one_of(st.just(np.nan), st.floats(0, 1)), min_size=4, max_size=4),
        min_size=1,
        max_size=5,
    )
)
def test_medians_leave_out_what_is_unknown(rows: list[list[float]]) -> None:
    found = medians(np.array(rows))
    for b in range(4):
        known = [row[b] for row in rows if not np.isnan(row[b])]
        assert found[b] == pytest.approx(np.median(known) if known else np.nan, nan_ok=True)


def test_front_gains_are_differences_of_the_reported_hypervolumes() -> None:
    # With one seed the report's medians are the runs themselves.
    runs = ledger(150, seeds=1)
    reported = hypervolumes(fronts(medians_by_setting(runs)))
    one = settings(runs)
    for kind in ("paper", "honest"):
        for name in ("standard", "biased"):
            gain = front_gain("defer", "reject", kind=kind, model="ordinal", decision_maker=name)
            assert gain(one)[0] == pytest.approx(reported_gain(reported, kind, name))


def reported_gain(areas: pd.DataFrame, kind: str, name: str) -> float:
    own = areas[(areas["front"] == kind) & (areas["decision_maker"] == name)]
    by_method = own.set_index("method")["hypervolume"]
    return float(by_method["defer"] - by_method["reject"])


@pytest.mark.parametrize("kind", ["paper", "honest"])
@pytest.mark.parametrize("band", BANDS)
def test_gains_in_a_band_are_those_among_its_settings_alone(band: str, kind: str) -> None:
    runs = ledger(600, seeds=1, decision_makers=("standard",))
    of_settings = medians_by_setting(runs)
    alone = fronts(idk_band(of_settings, band, kind))
    expected = reported_gain(hypervolumes(alone), kind, "standard")
    gain = of.band_gain(band, kind=kind, **GIVEN)
    assert gain(settings(runs))[0] == pytest.approx(expected)


@pytest.mark.parametrize("kind", ["paper", "honest"])
def test_a_band_without_settings_has_no_gain(kind: str) -> None:
    runs = ledger(300, seeds=1, decision_makers=("standard",))
    rate = "test_idk_rate" if kind == "paper" else "validation_idk_rate"
    kept = runs[~((runs["method"] == "reject") & (runs[rate] >= 0.5))]
    gains = {band: of.band_gain(band, kind=kind, **GIVEN)(settings(kept))[0] for band in BANDS}
    assert np.isnan(gains["high"])
    assert np.isfinite([gains["low"], gains["medium"]]).all()


def test_a_system_is_compared_with_both_of_its_parts() -> None:
    facts = pd.DataFrame(
        [("defer", "ordinal", "standard"), ("binary", "mlp", "none")],
        columns=["method", "model", "decision_maker"],
    ).assign(validation_error=0.1, validation_di=0.1)
    figures = {"error": np.array([[0.2], [0.3]]), "di": np.array([[0.1], [0.05]])}
    maker = {"standard": {"error": np.array([0.1]), "di": np.array([0.3])}}
    found = of.system_gain("defer", kind="honest", **GIVEN)(Settings(facts, figures, maker))
    both = hypervolume([[0.3, 0.05], [0.1, 0.3]])
    assert found[0] == pytest.approx(0.3 * 0.4 - both)


def test_the_rates_of_figure_6_by_hand() -> None:
    rates = {("biased", "defer"): [0.0, 0.1, 0.19, 0.5], ("standard", "defer"): [0.1, 0.3, 0.5, 0.96]}
    rates |= {(maker, "reject"): [0.2, 0.4, 0.6, 0.8] for maker in ("biased", "standard")}
    facts = pd.DataFrame(
        [key for key, column in rates.items() for _ in column], columns=["decision_maker", "method"]
    )
    rate = np.concatenate([*rates.values()])[:, None]
    figures = {
        "idk_rate": rate,
        "idk_rate_a0": rate,
        "idk_rate_a1": rate + np.linspace(0.1, 0.25, 16)[:, None],
    }
    one = Settings(facts.assign(model="ordinal"), figures, {})
    assert of.idk_distance("defer", model="ordinal")(one)[0] == pytest.approx((0.1 + 0.2 + 0.31 + 0.46) / 4)
    assert of.idk_distance("reject", model="ordinal")(one)[0] == 0
    assert of.share_rarely(model="ordinal", decision_maker="biased")(one)[0] == 0.75
    # Of the deferring settings with the standard DM, the fifth to seventh row defer between 5 and 95 %.
    assert of.idk_gap("defer", **GIVEN)(one)[0] == pytest.approx(0.15)


def test_binary_models_against_alpha_by_hand() -> None:
    one = binary(
        [0.0, 0.1, 0.5, 1.0], [0.2, 0.25, 0.08, 0.05], [0.3, 0.3, 0.31, 0.4], [0.2, 0.18, 0.1, 0.05]
    )
    assert of.fall("mlp")(one)[0] == pytest.approx(0.15)
    assert of.rank_correlation("mlp")(one)[0] == pytest.approx(-0.8)
    # Half of 0.2 is first reached at alpha 0.5.
    assert of.cost("mlp")(one)[0] == pytest.approx(0.01)
    never = binary([0.0, 1.0], [0.2, 0.2], [0.3, 0.3], [0.2, 0.15])
    assert np.isnan(of.cost("mlp")(never)[0])
    assert np.isnan(of.rank_correlation("mlp")(never)[0])


@given(st.lists(st.integers(0, 4), min_size=3, max_size=8))
def test_rank_correlation_is_spearmans(di: list[int]) -> None:
    alpha = [0.0, *range(1, len(di))]
    found = of.rank_correlation("mlp")(binary(alpha, [float(d) for d in di], alpha, alpha))[0]
    expected = stats.spearmanr(alpha, di).statistic if len(set(di)) > 1 else np.nan
    assert found == pytest.approx(expected, nan_ok=True)


@given(st.lists(st.tuples(*[st.integers(0, 20)] * 3), min_size=1, max_size=6), st.integers(0, 20))
def test_error_at_a_rate_is_that_of_the_mixture_with_the_lowest_validation_error(
    rows: list[tuple[int, int, int]], rate: int
) -> None:
    share, validation, test = np.array(rows).T / 20
    facts = pd.DataFrame({"validation_error": validation, "validation_idk_rate": share})
    facts = facts.assign(method="ce", model="actions", decision_maker="standard")
    one = Settings(facts, {"error": np.column_stack([test, 1 - test])}, {})
    found = error_at(rate / 20, "ce", "standard")(one)
    mixtures = []
    for i, (low, *_) in enumerate(rows):
        for j, (high, *_) in enumerate(rows):
            if low <= rate <= high:
                w = (rate - low) / (high - low) if high > low else 0.0
                mixtures.append([(1 - w) * x[i] + w * x[j] for x in (validation, test, 1 - test)])
    if not mixtures:
        assert np.isnan(found).all()
        return
    least = min(mixed[0] for mixed in mixtures)
    of_best = [mixed[1:] for mixed in mixtures if mixed[0] == pytest.approx(least)]
    assert any(found.tolist() == pytest.approx(mixed) for mixed in of_best)


def test_the_oracle_is_compared_with_the_rejecting_models_of_its_own_arm() -> None:
    samples = resample(world(seeds=1), np.random.default_rng(0), resamples=2)
    one = samples.observed[0]
    defer = one.where(method="defer", decision_maker="oracle")
    reject = one.where(method="reject", decision_maker="oracle")
    found = of.oracle_difference(kind="paper", model="ordinal")(one)
    points = [np.column_stack([s.test["error"], s.test["di"]]) for s in (defer, reject)]
    assert found[0] == pytest.approx(hypervolume(points[0]) - hypervolume(points[1]))


STATISTICS: dict[str, Statistic] = {
    "front": front_gain("defer", "reject", kind="paper", **GIVEN),
    "honest": front_gain("defer", "binary", kind="honest", **GIVEN),
    "system": of.system_gain("reject", kind="paper", **GIVEN),
    "band": of.band_gain("low", kind="paper", **GIVEN),
    "distance": of.idk_distance("defer", model="ordinal"),
    "gap": of.idk_gap("defer", **GIVEN),
    "share": of.share_rarely(model="ordinal", decision_maker="biased"),
    "fall": of.fall("mlp"),
    "rank": of.rank_correlation("bayes"),
    "cost": of.cost("mlp"),
    "baseline": difference(of.baseline("error"), of.alone("standard", "error")),
    "oracle": of.oracle_difference(kind="honest", model="ordinal"),
    "within": error_at(0.4, "defer", "standard"),
    "area": front_of("defer", kind="honest", model="ordinal", decision_maker="standard"),
}


@pytest.mark.parametrize("statistic", STATISTICS.values(), ids=STATISTICS)
def test_every_version_of_the_figures_is_treated_by_itself(statistic: Statistic) -> None:
    resampled = resample(world(seeds=1), np.random.default_rng(5), resamples=4).resampled[0]
    together = statistic(resampled)

    def only(b: int, figures: Any) -> Any:
        return {name: values[..., b : b + 1] for name, values in figures.items()}

    for b in range(4):
        alone = {name: only(b, figures) for name, figures in resampled.alone.items()}
        one = Settings(resampled.facts, only(b, resampled.test), alone)
        assert statistic(one)[0] == pytest.approx(together[b], nan_ok=True)


@pytest.mark.parametrize("statistic", STATISTICS.values(), ids=STATISTICS)
def test_what_has_not_been_run_is_not_guessed(statistic: Callable[[Settings], Any]) -> None:
    runs = ledger(40, seeds=1, models=("gate",), methods=("reject",), decision_makers=("inconsistent",))
    with pytest.raises(NotRunError):
        statistic(settings(runs))
