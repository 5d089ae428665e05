from dataclasses import replace

import numpy as np
import pytest

from study.reports.measure.resampling import Settings, resample
from study.reports.measure.seed_statistics import Estimate, Statistic, difference, estimate, front_gain
from study.reports.paper import claim_statistics as of
from study.reports.paper.claims import Claim, Expected, Part, Verdict, judge, together, verdict
from study.results.fronts import hypervolume
from study.results.group_metrics import RESAMPLES
from study.results.intervals import Interval, resampled_examples
from tests.reports.decided import brute_figures, world

H, P, N = Verdict.HOLDS, Verdict.IN_PART, Verdict.NOT
UNDEFINED, NOT_RUN = Verdict.UNDEFINED, Verdict.NOT_RUN
ABOVE, BELOW = Expected("above", 1.0), Expected("below", 1.0)
NEAR, WITHIN = Expected("near", 0.24), Expected("within", 0.005)
GIVEN = {"model": "ordinal", "decision_maker": "standard"}


def part(statistic: Statistic, expected: Expected = ABOVE, *, by_seed: bool = True) -> Part:
    return Part("a statistic", statistic, expected, by_seed=by_seed)


@pytest.mark.parametrize(
    ("expected", "estimate", "seeds", "test_set", "outcome"),
    [
        (ABOVE, 2.0, (1.5, 2.5), (1.1, 2.9), H),
        (ABOVE, 2.0, (0.5, 3.5), (1.1, 2.9), P),
        (ABOVE, 2.0, (1.5, 2.5), (0.9, 2.9), P),
        (ABOVE, 2.0, (1.5, 2.5), None, H),
        (ABOVE, 2.0, None, (1.5, 2.5), H),
        (ABOVE, 2.0, None, None, P),
        (ABOVE, 2.0, (1.0, 3.0), None, P),
        (ABOVE, 1.0, (1.0, 1.0), None, N),
        (ABOVE, 0.5, (0.0, 3.0), (0.0, 3.0), N),
        (BELOW, 0.5, (0.2, 0.8), (0.2, 0.8), H),
        (BELOW, 0.5, (0.2, 1.2), (0.2, 0.8), P),
        (BELOW, 1.5, (0.2, 2.0), None, N),
        (NEAR, 0.244, None, None, H),
        (NEAR, 0.235, None, None, H),
        (NEAR, 0.251, (0.249, 0.253), (0.239, 0.262), H),
        (NEAR, 0.251, (0.249, 0.253), None, P),
        (NEAR, 0.22, None, None, P),
        (NEAR, 0.219, (0.2, 0.23), None, N),
        (NEAR, 0.3, (0.2, 0.4), None, H),
        (WITHIN, 0.001, (-0.002, 0.004), (-0.004, 0.005), H),
        (WITHIN, -0.001, (-0.006, 0.004), (-0.004, 0.005), P),
        (WITHIN, 0.001, None, None, P),
        (WITHIN, -0.006, (-0.02, 0.02), None, N),
        (ABOVE, np.nan, None, None, UNDEFINED),
    ],
)
def test_the_rule_for_one_statistic(
    expected: Expected,
    estimate: float,
    seeds: tuple[float, float] | None,
    test_set: tuple[float, float] | None,
    outcome: Verdict,
) -> None:
    intervals = (Interval(*ends) if ends else None for ends in (seeds, test_set))
    assert verdict(expected, Estimate(estimate, *intervals, 5, 5)) is outcome


def test_what_was_not_measured_has_no_verdict() -> None:
    assert verdict(ABOVE, None) is NOT_RUN


@pytest.mark.parametrize(
    ("parts", "outcome"),
    [
        ([H], H),
        ([H, H], H),
        ([H, N], P),
        ([P, N], P),
        ([P, P], P),
        ([N, N], N),
        ([H, UNDEFINED], P),
        ([H, NOT_RUN], P),
        ([N, NOT_RUN], N),
        ([UNDEFINED, NOT_RUN], UNDEFINED),
        ([NOT_RUN, NOT_RUN], NOT_RUN),
    ],
)
def test_the_rule_for_several_parts(parts: list[Verdict], outcome: Verdict) -> None:
    assert together(parts) is outcome
    assert together(reversed(parts)) is outcome


@pytest.mark.parametrize("kind", ["paper", "honest"])
def test_what_is_better_on_every_example_is_found_better(kind: str) -> None:
    samples = resample(world(), np.random.default_rng(0), resamples=100)
    gain = front_gain("defer", "reject", kind=kind, **GIVEN)
    found = estimate(gain, samples)
    assert found is not None
    assert found.seeds is not None
    assert found.test_set is not None
    assert min(found.mean, found.test_set.low) > 0
    assert found.test_set.low < found.mean < found.test_set.high
    assert (found.defined, found.run) == (3, 3)
    claim = Claim("Figure 0", "It is.", (part(gain, Expected("above", 0.0)),))
    assert judge(claim, samples).verdict in (H, P)


def test_what_decides_alike_is_found_equal() -> None:
    samples = resample(world(equal=True), np.random.default_rng(0), resamples=50)
    gain = front_gain("defer", "reject", kind="honest", **GIVEN)
    found = estimate(gain, samples)
    assert found == Estimate(0.0, Interval(0.0, 0.0), Interval(0.0, 0.0), 3, 3)
    assert verdict(WITHIN, found) is H
    assert verdict(Expected("above", 0.0), found) is N


def test_the_estimate_and_its_intervals_are_those_of_a_loop_over_people() -> None:
    given = world(seeds=2, settings=2)
    outcomes, runs = given.outcomes(given.runs), given.runs
    assert outcomes is not None
    samples = resample(given, np.random.default_rng(11), resamples=15)
    found = estimate(front_gain("defer", "reject", kind="paper", **GIVEN), samples)
    ones = np.ones((1, len(outcomes.label)), dtype=int)
    weights = np.vstack([ones, resampled_examples(np.random.default_rng(11), len(outcomes.label), 15)])
    by_seed = []
    for seed in (0, 1):
        own = runs[(runs["seed"] == seed) & (runs["decision_maker"] == "standard")]
        areas = {}
        for method in ("defer", "reject"):
            rows = own.index[own["method"] == method]
            figures = [[brute_figures(outcomes, run, runs, counts) for run in rows] for counts in weights]
            areas[method] = [hypervolume([[f["error"], f["di"]] for f in drawn]) for drawn in figures]
        by_seed.append(np.subtract(areas["defer"], areas["reject"]))
    mean = np.mean(by_seed, axis=0)
    assert found is not None
    assert found.mean == pytest.approx(mean[0])
    assert found.test_set == pytest.approx(np.quantile(mean[1:], [0.025, 0.975]), abs=1e-6)


def test_the_same_people_are_drawn_in_all_runs() -> None:
    # Two runs that decide alike stay alike, whoever is drawn.
    resampled = resample(world(equal=True), np.random.default_rng(0), resamples=20).resampled[0]
    defer, reject = (resampled.where(method=m, decision_maker="biased") for m in ("defer", "reject"))
    assert np.array_equal(defer.test["error"], reject.test["error"])
    assert len(np.unique(defer.test["error"][0])) > 5


def test_outcomes_are_found_by_the_name_of_their_run() -> None:
    given = world(seeds=1)
    outcomes = given.outcomes(given.runs)
    assert outcomes is not None
    shuffled = outcomes.take(np.random.default_rng(0).permutation(len(outcomes.run_id)))
    known = resample(given, np.random.default_rng(0), resamples=3)
    found = resample(
        replace(given, outcomes=lambda wanted: shuffled), np.random.default_rng(0), resamples=3
    )
    assert np.array_equal(known.resampled[0].test["di"], found.resampled[0].test["di"])


def test_without_outcomes_the_second_interval_is_absent_and_said_to_be() -> None:
    given = world()
    outcomes = given.outcomes(given.runs)
    assert outcomes is not None
    few = outcomes.take(np.arange(5))
    statistic = difference(of.baseline("error"), of.alone("standard", "error"))
    for loads, said in (
        (lambda wanted: None, "are missing"),
        (lambda wanted: few, f"of {len(given.runs) - 5} runs"),
    ):
        samples = resample(replace(given, outcomes=loads), np.random.default_rng(0))
        found = estimate(statistic, samples)
        assert found is not None
        assert found.seeds is not None
        assert found.test_set is None
        assert said in samples.missing


def test_diverged_runs_are_left_out() -> None:
    given = world()
    lost = given.runs["setting_id"].eq("defer-ordinal-standard-0.1-0.0") & given.runs["seed"].eq(1)
    runs = given.runs.copy()
    runs.loc[lost, [c for c in runs if c.startswith(("test_", "validation_")) and "maker" not in c]] = (
        np.nan
    )
    samples = resample(replace(given, runs=runs), np.random.default_rng(0), resamples=2)
    sizes = [len(s.facts) for s in samples.observed]
    assert sizes == [len(s.facts) for s in samples.resampled]
    assert sizes[1] == sizes[0] - 1


def test_seeds_under_which_a_statistic_is_undefined_are_counted() -> None:
    samples = resample(world(), np.random.default_rng(0), resamples=5)
    last = set(samples.observed[2].facts.index)

    def statistic(settings: Settings) -> np.ndarray:
        shape = settings.test["error"].shape[1]
        return np.full(shape, np.nan if set(settings.facts.index) == last else 2.0)

    assert estimate(statistic, samples) == Estimate(2.0, Interval(2, 2), Interval(2, 2), 2, 3)


def test_a_statistic_that_knows_no_seed_has_no_interval_over_seeds() -> None:
    samples = resample(world(), np.random.default_rng(0), resamples=RESAMPLES)
    found = estimate(of.alone("standard", "error"), samples, by_seed=False)
    assert found is not None
    assert found.seeds is None
    assert found.test_set is not None
    # The bootstrap of a share is that of a binomial.
    spread = (found.mean * (1 - found.mean) / 240) ** 0.5
    assert found.test_set.high - found.test_set.low == pytest.approx(2 * 1.96 * spread, rel=0.15)


def test_nothing_run_is_not_run() -> None:
    claim = Claim("Figure 0", "It is.", (part(of.baseline("di")), part(of.baseline("error"))))
    assert judge(claim, None).verdict is NOT_RUN


def test_names_from_parquets_dictionaries_are_names_as_well() -> None:
    given = world(seeds=2)
    texts = ["setting_id", "method", "model", "decision_maker", "test_decision_maker"]
    categories = given.runs.astype(dict.fromkeys(texts, "category"))
    gain = front_gain("defer", "binary", kind="honest", **GIVEN)
    found = [
        resample(replace(given, runs=runs), np.random.default_rng(0)) for runs in (given.runs, categories)
    ]
    assert estimate(gain, found[0]) == estimate(gain, found[1])
    assert found[1].models() == ["ordinal"]
