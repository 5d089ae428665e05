"""The certified set is that of MAPIE, an independent implementation of Learn then Test."""

import warnings

import numpy as np
import pandas as pd
import pytest

from study.results.guarantee.bounds import CellCounts, Limit, certified, largest_p_value

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from mapie.risk_control._base_controller import ltt_procedure  # type: ignore[import-untyped]

LIMITS = {"error": 0.30, "idk": 0.45, "fpr": 0.35, "fnr": 0.40}


def counts(rng: np.random.Generator, cases: np.ndarray, error: float, deferral: float) -> CellCounts:
    return CellCounts(cases, rng.binomial(cases, deferral), rng.binomial(cases, error))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("names", [["error"], ["error", "idk"], ["fpr", "fnr", "idk"]])
def test_p_values_and_certified_sets_are_those_of_mapie(seed: int, names: list[str]) -> None:
    rng = np.random.default_rng(seed)
    cases = np.array([120, 80, 140, 110])
    # The better ones come first, as validation would order them.
    of_runs = [counts(rng, cases, error, 0.35) for error in np.linspace(0.18, 0.34, 12)]
    delta = 0.1
    p_values = [
        largest_p_value(of_run, [Limit(name, LIMITS[name]) for name in names]) for of_run in of_runs
    ]
    rates = pd.DataFrame([_rates(of_run, names) for of_run in of_runs])
    wrong, n_obs = (np.array([rates[name].str[part] for name in names], dtype=float) for part in (0, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It says that the risks need not be monotonic in the order.
        valid, theirs = ltt_procedure(
            (wrong - 1e-9) / n_obs,
            np.array([[LIMITS[name]] for name in names]),
            delta,
            n_obs,
            binary=True,
            fwer_method="split_fixed_sequence",
        )
    assert p_values == pytest.approx(np.asarray(theirs).ravel().tolist(), rel=1e-6)
    assert list(range(certified(p_values, delta))) == sorted(valid[0])


def _rates(of_run: CellCounts, names: list[str]) -> dict[str, tuple[int, int]]:
    """(k, n) by metric, counted once more; cells are 00, 01, 10, 11."""
    by_name = {
        "error": (of_run.wrong, slice(None)),
        "idk": (of_run.deferred, slice(None)),
        "fpr": (of_run.wrong, slice(0, None, 2)),
        "fnr": (of_run.wrong, slice(1, None, 2)),
    }
    return {
        n: (int(by_name[n][0][by_name[n][1]].sum()), int(of_run.cases[by_name[n][1]].sum())) for n in names
    }
