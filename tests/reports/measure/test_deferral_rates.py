import numpy as np
import pandas as pd

from study.reports.measure.deferral_rates import deferral_by_gamma, deferral_cdf
from study.results.settings import medians_by_setting
from tests.reports.synthetic import ledger

COLUMNS = {"all": "test_idk_rate", "0": "test_idk_rate_a0", "1": "test_idk_rate_a1"}


def test_idk_cdf_equals_a_naive_loop() -> None:
    settings = medians_by_setting(ledger(400))
    curves = deferral_cdf(settings)
    assert list(curves) == ["method", "model", "decision_maker", "group", "cutoff", "fraction"]
    assert len(curves) == 2 * 2 * 3 * 101
    for row in curves.itertuples():
        own = settings[
            (settings["method"] == row.method)
            & (settings["model"] == row.model)
            & (settings["decision_maker"] == row.decision_maker)
        ]
        rates = [rate for rate in own[COLUMNS[row.group]] if rate == rate]
        assert row.fraction == sum(rate <= row.cutoff for rate in rates) / len(rates)


def test_a_rate_counts_at_its_own_cutoff() -> None:
    base = {"method": "defer", "model": "mlp", "decision_maker": "standard"}
    rates = {"test_idk_rate": 0.29, "test_idk_rate_a0": np.nan, "test_idk_rate_a1": 1.0}
    curves = deferral_cdf(pd.DataFrame([base | rates]))
    assert set(curves["group"]) == {"all", "1"}
    everyone = curves[curves["group"] == "all"].set_index("cutoff")["fraction"]
    assert everyone[0.28] == 0.0
    assert everyone[0.29] == everyone[1.0] == 1.0


def test_binary_has_no_curve() -> None:
    settings = medians_by_setting(ledger(50, methods=("binary",)))
    assert len(deferral_cdf(settings)) == len(deferral_by_gamma(settings)) == 0
    assert list(deferral_cdf(settings)) == list(deferral_cdf(medians_by_setting(ledger(400))))


def test_idk_by_gamma_has_a_bin_per_value_where_they_are_few() -> None:
    runs = ledger(2000)
    runs["gamma"] = runs["gamma"].round(2).where(runs["method"] == "reject", 0.1)
    settings = medians_by_setting(runs)
    curves = deferral_by_gamma(settings, bins=100)
    for row in curves.itertuples():
        own = settings[
            (settings["method"] == row.method)
            & (settings["decision_maker"] == row.decision_maker)
            & (settings["gamma"] == row.gamma)
        ]["validation_idk_rate"].dropna()
        assert row.idk_rate == np.median(own)
        assert row.lower == np.quantile(own, 0.25)
        assert row.upper == np.quantile(own, 0.75)


def test_idk_by_gamma_has_bins_where_values_are_many() -> None:
    curves = deferral_by_gamma(medians_by_setting(ledger(2000)), bins=7)
    assert set(curves.groupby(["method", "model", "decision_maker"]).size()) == {7}
    falling = curves.groupby(["method", "decision_maker"])["idk_rate"].apply(
        lambda rates: rates.is_monotonic_decreasing
    )
    assert falling.all()
