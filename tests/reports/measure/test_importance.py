"""Shares of variance against Sobol indices in closed form."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from study.reports.measure.importance import PER_BIN, REST, TOGETHER, importance
from study.results.limits import OBJECTIVES

COUNT = 6000


def settings_of(count: int = COUNT, seed: int = 0, **columns: Any) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    given = {"alpha": rng.random(count), "gamma": rng.random(count)}
    names = {"method": "defer", "model": "m", "decision_maker": "standard"}
    return pd.DataFrame({**given, **columns}).assign(**{k: v for k, v in names.items() if k not in columns})


def shares(settings: pd.DataFrame, values: Any) -> dict[str, float]:
    """The shares of one metric by what; the other metrics are noise."""
    rng = np.random.default_rng(9)
    noise = {f"validation_{name}": rng.random(len(settings)) for name in OBJECTIVES}
    found = importance(settings.assign(**noise | {"validation_di": values}))
    return dict(zip(found["what"], found["di"], strict=True))


def test_a_sum_has_the_shares_of_its_parts() -> None:
    """Of a + 2 g with both uniform, the variances are 1 / 12 and 4 / 12."""
    frame = settings_of()
    found = shares(frame, frame["alpha"] + 2 * frame["gamma"])
    assert found["alpha"] == pytest.approx(0.2, abs=0.02)
    assert found["gamma"] == pytest.approx(0.8, abs=0.02)
    assert found[TOGETHER] == pytest.approx(0, abs=0.02)
    assert found[REST] == pytest.approx(0, abs=0.03)


def test_a_product_around_the_middle_is_all_combination() -> None:
    """(a - 1/2) (g - 1/2) depends on neither alone."""
    frame = settings_of()
    found = shares(frame, (frame["alpha"] - 0.5) * (frame["gamma"] - 0.5))
    assert max(found["alpha"], found["gamma"]) < 0.02
    assert found[TOGETHER] > 0.95


def test_a_product_has_the_indices_of_sobol() -> None:
    """Of a g: variance 1/9 - 1/16 = 7/144, main effects 1/48 = 3/144 each, interaction 1/144."""
    frame = settings_of()
    found = shares(frame, frame["alpha"] * frame["gamma"])
    assert (found["alpha"], found["gamma"]) == pytest.approx((3 / 7, 3 / 7), abs=0.03)
    assert found[TOGETHER] == pytest.approx(1 / 7, abs=0.03)


def test_any_shape_of_dependence_counts() -> None:
    frame = settings_of()
    assert shares(frame, np.sin(2 * np.pi * frame["alpha"]))["alpha"] > 0.95


@pytest.mark.parametrize("count", [60, 400])
def test_noise_depends_on_nothing_on_average(count: int) -> None:
    """Without the adjustment for chance, 10 bins of 60 settings would seem to explain 15 %."""
    rng = np.random.default_rng(5)
    found = pd.DataFrame([shares(settings_of(count, seed), rng.random(count)) for seed in range(20)])
    assert found["alpha"].mean() < 0.06
    assert found[REST].mean() > 0.85


def test_names_have_the_variance_between_their_means() -> None:
    """Half 0 and half 1, and noise of the same variance, 1/4."""
    names = np.array(["biased", "standard"])[np.arange(COUNT) % 2]
    noise = np.random.default_rng(1).normal(0, 0.5, COUNT)
    found = shares(settings_of(decision_maker=names), (names == "biased") + noise)
    assert found["decision-maker"] == pytest.approx(0.5, abs=0.03)
    assert found["alpha"] == pytest.approx(0, abs=0.02)


def test_coefficients_are_compared_within_the_model_for_which_they_mean_something() -> None:
    """Each model has its own range of alpha, and within it the same effect."""
    models = np.array(["a", "b"])[np.arange(COUNT) % 2]
    place = np.random.default_rng(2).random(COUNT)
    frame = settings_of(model=models, alpha=place + 100 * (models == "b"))
    found = shares(frame, place)
    assert found["alpha"] > 0.95
    assert found["model"] == pytest.approx(0, abs=0.01)


def test_what_has_one_value_has_no_row_and_a_figure_that_does_not_vary_no_share() -> None:
    frame = settings_of(200, gamma=np.full(200, np.nan))
    found = shares(frame, np.zeros(200))
    assert set(found) == {"alpha", REST}
    assert all(np.isnan(share) for share in found.values())


def test_too_few_settings_for_two_bins_have_no_share_rather_than_none() -> None:
    models = np.array(["a", "b", "c"])[np.arange(18) % 3]
    assert len(settings_of(18)) // 3 < 2 * PER_BIN
    found = shares(settings_of(18, model=models), np.random.default_rng(3).random(18))
    assert np.isnan([found["alpha"], found["gamma"], found[TOGETHER], found[REST]]).all()
    assert not np.isnan(found["model"])


def test_few_settings_have_main_effects_and_no_combination() -> None:
    count = 3 * PER_BIN
    found = shares(settings_of(count), settings_of(count)["alpha"])
    assert found["alpha"] > 0.5
    assert np.isnan(found[TOGETHER])
    assert not np.isnan(found[REST])


def test_a_method_with_hardly_any_setting_is_left_out() -> None:
    frame = settings_of(2 * PER_BIN - 1)
    assert shares(frame, frame["alpha"]) == {}
