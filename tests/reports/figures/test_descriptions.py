import pandas as pd

from study.group_names import GroupNames
from study.reports.figures.deferral import cdf_described, gamma_described
from study.reports.figures.plane import bands, plane
from study.reports.measure.deferral_rates import deferral_by_gamma, deferral_cdf
from study.reports.measure.measures import Measures
from study.reports.measure.panels import baselines
from study.results.settings import medians_by_setting
from tests.reports.synthetic import ledger, results

RUNS = ledger(600)
SETTINGS = medians_by_setting(RUNS)


def test_a_plane_is_told_by_the_ranges_of_its_honest_fronts() -> None:
    measures = Measures(results(RUNS))
    _, said = plane(measures, ("ordinal",))
    table = measures.fronts
    own = table.query("front == 'honest' and method == 'defer' and decision_maker == 'biased'")
    assert (
        f"The validation-selected front of defer with biased has {len(own)} points, error "
        f"{own['error'].min():.3f} to {own['error'].max():.3f}, odds "
        f"difference {own['di'].min():.3f} to {own['di'].max():.3f}."
    ) in said
    assert said.count("The validation-selected front of binary has") == 1
    (base,) = baselines(SETTINGS).itertuples()
    assert f"The baseline has error {base.test_error:.3f} and odds difference {base.test_di:.3f}." in said
    assert "The decision-maker standard alone has error 0.244 and odds difference 0.129." in said


def test_bands_are_told_one_by_one() -> None:
    drawn = bands("paper", Measures(results(RUNS)), ("ordinal",))
    assert drawn is not None
    for band in ("low", "medium", "high"):
        assert f"At a {band} deferral rate, reject with standard has" in drawn[1]
    assert bands("paper", Measures(results(ledger(60, methods=("binary",)))), ("ordinal",)) is None


def test_a_distribution_is_told_by_its_middle() -> None:
    rates = {"test_idk_rate": [0.1, 0.2, 0.9], "test_idk_rate_a0": [0.1] * 3, "test_idk_rate_a1": [1.0] * 3}
    settings = pd.DataFrame({"method": "defer", "model": "mlp", "decision_maker": "standard", **rates})
    named = GroupNames(("women", "men"))
    said = cdf_described(deferral_cdf(settings), ("mlp",), named)
    assert said.endswith(
        "Half of the settings of defer with standard stay within 20 % for all cases, 10 % for women, "
        "100 % for men."
    )


def test_a_dependence_on_gamma_is_told_by_its_ends() -> None:
    settings = pd.DataFrame(
        {"method": "defer", "model": "mlp", "decision_maker": "standard", "gamma": [0.03, 0.1, 0.15]}
    ).assign(validation_idk_rate=[0.95, 0.5, 0.04])
    said = gamma_described(deferral_by_gamma(settings), ("mlp",))
    assert said.endswith("With defer and standard, it goes from 95 % at gamma 0.03 to 4 % at gamma 0.15.")
