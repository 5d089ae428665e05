"""The expected drop from validation to test, by simulation where the truth is known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from study.results.choice.optimism import optimism
from study.results.limits import NAMES, Question
from study.results.outcomes import MissingOutcomesError, Outcomes
from study.words import Costs
from tests.results.counts import with_counts

VALIDATION, TEST = 300, 600


def drawn(
    rng: np.random.Generator, rates: np.ndarray, shared: float
) -> tuple[pd.DataFrame, Outcomes, np.ndarray]:
    """Runs that are wrong at these rates, `shared` of the variance of why being the case's own."""
    cases = VALIDATION + TEST
    hard = rng.standard_normal(cases)
    own = rng.standard_normal((len(rates), cases))
    rank = np.sqrt(shared) * hard + np.sqrt(1 - shared) * own
    population = np.sort(rng.standard_normal(100_000))
    limits = population[np.minimum((rates * len(population)).astype(int), len(population) - 1)]
    wrong = rank < limits[:, None]
    label, sensitive = rng.random((2, TEST)) < 0.5
    names = [f"r{number}" for number in range(len(rates))]
    nothing = np.zeros((len(rates), TEST), dtype=bool)
    of_test = wrong[:, VALIDATION:]
    outcomes = Outcomes(names, nothing, label ^ of_test, label, sensitive, {})
    error = wrong[:, :VALIDATION].mean(axis=1)
    runs = pd.DataFrame({"run_id": names, "test_decision_maker": "none"})
    runs = runs.assign(**{f"validation_{name}": 0.1 for name in NAMES} | {"validation_error": error})
    return with_counts(runs, cases=VALIDATION // 4), outcomes, error


@pytest.mark.parametrize("shared", [0.0, 0.8])
def test_the_estimate_is_near_the_drop_that_choosing_costs(shared: float) -> None:
    rng = np.random.default_rng(0)
    rates = np.linspace(0.25, 0.35, 40)
    found, true = [], []
    for _ in range(30):
        runs, outcomes, error = drawn(rng, rates, shared)
        found.append(optimism(runs, Question(), lambda _, read=outcomes: read)["error"])
        chosen = error.argmin()
        true.append(rates[chosen] - error[chosen])
    assert 0.65 * np.mean(true) < np.mean(found) < 1.2 * np.mean(true)


def test_runs_that_err_on_the_same_cases_have_less_of_it_than_resampling_each_alone_would_say() -> None:
    """The negative control: binomials for each run would find a drop that is not there."""
    rng = np.random.default_rng(1)
    rates = np.linspace(0.25, 0.35, 40)
    true, alone = [], []
    for _ in range(30):
        _, _, error = drawn(rng, rates, shared=0.95)
        true.append(rates[error.argmin()] - error.min())
        again = rng.binomial(VALIDATION, error, (400, len(error))) / VALIDATION
        chosen = again.argmin(axis=1)
        alone.append(np.mean(error[chosen] - again.min(axis=1)))
    assert np.mean(alone) > 1.5 * np.mean(true)


def test_of_one_run_or_of_runs_that_are_far_apart_there_is_hardly_any() -> None:
    rng = np.random.default_rng(2)
    runs, outcomes, _ = drawn(rng, np.array([0.1, 0.4, 0.6]), 0.5)
    found = optimism(runs, Question(), lambda _: outcomes)
    assert abs(found["error"]) < 0.002
    assert optimism(runs.head(1), Question(), lambda _: outcomes) == {}


def test_limits_count_and_other_metrics_are_estimated_too() -> None:
    rng = np.random.default_rng(3)
    runs, outcomes, _ = drawn(rng, np.full(40, 0.3), 0.5)
    free = optimism(runs, Question("fnr"), lambda _: outcomes)
    assert list(free) == list(NAMES)
    assert free["fnr"] > free["fpr"]
    assert free["cost"] == pytest.approx(free["error"], abs=1e-6)
    priced = replace(outcomes, costs=Costs(0.0, 5.0, 0.1))
    dear = optimism(runs, Question("fnr"), lambda _: priced)
    # Cost is 5 times the share of false negatives, and Y = 1 in half of the cases.
    assert dear["cost"] == pytest.approx(2.5 * free["fnr"], rel=0.1)
    assert {**dear, "cost": 0} == {**free, "cost": 0}
    assert free["idk_rate"] == 0
    held = optimism(runs, Question("fnr", {"error": runs["validation_error"].min()}), lambda _: outcomes)
    assert held["error"] > free["error"]


def test_without_outcomes_there_is_none() -> None:
    runs, _, _ = drawn(np.random.default_rng(4), np.array([0.1, 0.4]), 0.5)
    with pytest.raises(MissingOutcomesError):
        optimism(runs, Question(), lambda _: None)
