import pandas as pd

from study.reports.measure.deferral_rates import deferral_by_gamma, deferral_cdf
from study.reports.measure.panels import baselines
from study.reports.measure.reductions import reductions
from study.reports.page import descriptions
from study.results.fronts import fronts_by_idk_rate
from study.results.settings import medians_by_setting
from tests.reports.synthetic import decision_makers, ledger, results

RUNS = ledger(600)
SETTINGS = medians_by_setting(RUNS)


def test_a_plane_is_told_by_the_ranges_of_its_honest_fronts() -> None:
    reduced = reductions(results(RUNS))
    said = descriptions.of_plane(reduced, decision_makers(), model="ordinal")
    table = reduced.fronts
    own = table.query("front == 'honest' and method == 'defer' and decision_maker == 'biased'")
    assert (
        f"The honest front of defer with biased has {len(own)} points, error {own['error'].min():.3f} "
        f"to {own['error'].max():.3f}, DI {own['di'].min():.3f} to {own['di'].max():.3f}."
    ) in said
    assert said.count("The honest front of binary has") == 1
    (base,) = baselines(SETTINGS).itertuples()
    assert f"The baseline has error {base.test_error:.3f} and DI {base.test_di:.3f}." in said
    assert "The decision-maker standard alone has error 0.244 and DI 0.129." in said


def test_bands_are_told_one_by_one() -> None:
    said = descriptions.of_bands(fronts_by_idk_rate(SETTINGS), kind="paper", model="ordinal")
    for band in ("low", "medium", "high"):
        assert f"At {band} IDK rate, reject with standard has" in said
    assert "none" not in descriptions.of_bands(fronts_by_idk_rate(SETTINGS), kind="paper", model="other")


def test_a_distribution_is_told_by_its_middle() -> None:
    rates = {"test_idk_rate": [0.1, 0.2, 0.9], "test_idk_rate_a0": [0.1] * 3, "test_idk_rate_a1": [1.0] * 3}
    settings = pd.DataFrame({"method": "defer", "model": "mlp", "decision_maker": "standard", **rates})
    said = descriptions.of_cdf(deferral_cdf(settings), model="mlp")
    assert said.endswith(
        "Half of the settings of defer with standard stay within 20 % for everyone, 10 % for A = 0, "
        "100 % for A = 1."
    )


def test_a_dependence_on_gamma_is_told_by_its_ends() -> None:
    settings = pd.DataFrame(
        {"method": "defer", "model": "mlp", "decision_maker": "standard", "gamma": [0.03, 0.1, 0.15]}
    ).assign(validation_idk_rate=[0.95, 0.5, 0.04])
    said = descriptions.of_gamma(deferral_by_gamma(settings), model="mlp")
    assert said.endswith("Of defer with standard, it goes from 95 % at gamma 0.03 to 4 % at gamma 0.15.")
