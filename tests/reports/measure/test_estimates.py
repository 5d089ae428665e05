from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from study.reports.measure.resampling import NotRunError, Samples, Settings
from study.reports.measure.seed_statistics import Values, estimate


def settings_of(values: list[float], setting: str = "s") -> Settings:
    """A seed with one setting, whose error has these versions."""
    facts = pd.DataFrame({"setting_id": [setting]})
    return Settings(facts, {"error": np.array([values], dtype=np.float64)}, {})


def samples(observed: Sequence[float], resampled: Sequence[list[float]] = ()) -> Samples:
    return Samples([settings_of([v]) for v in observed], [settings_of(v) for v in resampled], "")


def error(settings: Settings) -> Values:
    return np.asarray(settings.test["error"][0], np.float64)


def test_the_estimate_is_the_mean_over_seeds_with_student_s_interval() -> None:
    found = estimate(error, samples([1.0, 2.0, 3.0]))
    assert found is not None
    assert found.mean == 2.0
    # The standard deviation is 1, and t(0.975, 2) = 4.30265 (any table).
    half = 4.30265 / np.sqrt(3)
    assert found.seeds == pytest.approx((2 - half, 2 + half), abs=1e-5)
    assert found.test_set is None
    assert (found.defined, found.run) == (3, 3)


def test_resamples_are_averaged_over_seeds_one_by_one() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.random((2, 400))
    found = estimate(error, samples([0.5, 0.7], [first.tolist(), second.tolist()]))
    assert found is not None
    assert found.test_set == pytest.approx(np.quantile((first + second) / 2, [0.025, 0.975]))


def test_a_seed_under_which_it_is_undefined_is_left_out_of_everything() -> None:
    nan = float("nan")
    found = estimate(error, samples([1.0, nan, 3.0], [[1.0] * 9, [100.0] * 9, [3.0] * 9]))
    assert found is not None
    assert (found.mean, found.test_set) == (2.0, (2.0, 2.0))
    assert (found.defined, found.run) == (2, 3)
    nothing = estimate(error, samples([nan]))
    assert nothing is not None
    assert np.isnan(nothing.mean)
    assert (nothing.seeds, nothing.test_set) == (None, None)


def test_one_seed_has_no_interval_over_seeds() -> None:
    found = estimate(error, samples([1.0], [[0.0, 1.0, 2.0]]))
    assert found is not None
    assert found.seeds is None
    assert found.test_set is not None


def test_a_statistic_that_is_the_same_under_every_seed_is_measured_once() -> None:
    found = estimate(error, samples([1.0, 5.0]), by_seed=False)
    assert found is not None
    assert (found.mean, found.run, found.seeds) == (1.0, 1, None)


def test_what_was_not_run_is_not_measured() -> None:
    def only_b(settings: Settings) -> Values:
        return error(settings.where(setting_id="b"))

    both = Samples([settings_of([1.0], "a"), settings_of([2.0], "b")], [], "")
    found = estimate(only_b, both)
    assert found is not None
    assert (found.mean, found.run) == (2.0, 1)
    assert estimate(only_b, samples([1.0])) is None
    with pytest.raises(NotRunError):
        only_b(settings_of([1.0]))
