"""Paired differences against what could be done instead, counted person by person and by drawing lots."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from study.results.choice.alternatives import (
    ALONE,
    BASELINE,
    RANDOM,
    Comparison,
    baseline_of,
    compared_lines,
    comparisons,
    people_first,
)
from study.results.group_metrics import RESAMPLES, SEED
from study.results.outcomes import Outcomes
from study.words import Costs

CASES = 300


def outcomes_of(seed: int = 0, person_wrong: float = 0.2) -> Outcomes:
    """A run that leaves a third of the cases to a person, and a baseline that leaves none."""
    rng = np.random.default_rng(seed)
    label, sensitive = rng.random((2, CASES)) < 0.45
    deferred = np.array([rng.random(CASES) < 0.35, np.zeros(CASES, dtype=bool)])
    positive = label ^ (rng.random((2, CASES)) < [[0.25], [0.3]])
    person = label ^ (rng.random(CASES) < person_wrong)
    return Outcomes(["chosen", "plain"], deferred, positive, label, sensitive, {"judge": person})


def by_hand(wrong: np.ndarray, outcomes: Outcomes, times: np.ndarray) -> dict[str, float]:
    """Metrics of a system that is wrong about each case with this probability."""

    def rate(rows: Any) -> float:
        return float((wrong * times)[rows].sum() / times[rows].sum())

    y, a = outcomes.label, outcomes.sensitive
    gaps = [abs(rate((y == of) & a) - rate((y == of) & ~a)) for of in (False, True)]
    return {
        "error": rate(slice(None)),
        "di": sum(gaps) / 2,
        "balanced_error": (rate(~y) + rate(y)) / 2,
    }


def test_differences_and_intervals_are_those_counted_by_hand_on_the_same_resamples() -> None:
    outcomes = outcomes_of()
    found = {one.to: one for one in comparisons(outcomes, ["judge", "none"], baseline=["plain"])}
    assert list(found) == [BASELINE, ALONE, RANDOM]
    deferred, model = outcomes.deferred[0], outcomes.positive[0] != outcomes.label
    person = outcomes.decisions["judge"] != outcomes.label
    joint = np.where(deferred, person, model)
    drawn = outcomes.resampled(np.random.default_rng(SEED), RESAMPLES)
    versions = np.vstack([np.ones(CASES, dtype=int), drawn])
    others = {BASELINE: outcomes.positive[1] != outcomes.label, ALONE: person}
    for name in ("error", "di", "balanced_error"):
        for to, one in found.items():
            gaps = []
            for times in versions:
                rate = (deferred * times).sum() / times.sum()
                other = (1 - rate) * model + rate * person if to == RANDOM else others[to]
                both = (by_hand(of, outcomes, times)[name] for of in (joint, other))
                gaps.append(next(both) - next(both))
            difference = one.differences[name]
            assert difference.value == pytest.approx(gaps[0], abs=1e-9)
            assert difference.chosen - difference.other == pytest.approx(gaps[0], abs=1e-9)
            ends = np.quantile(gaps[1:], [0.025, 0.975])
            assert difference.interval == pytest.approx(tuple(ends), abs=1e-9)


def test_random_deferral_is_what_drawing_as_many_cases_by_lot_gives_on_average() -> None:
    outcomes, rng = outcomes_of(1), np.random.default_rng(2)
    (found,) = (one for one in comparisons(outcomes, ["judge", "none"]) if one.to == RANDOM)
    model = outcomes.positive[0] != outcomes.label
    person = outcomes.decisions["judge"] != outcomes.label
    number, errors = int(outcomes.deferred[0].sum()), []
    for _ in range(4000):
        lot = np.zeros(CASES, dtype=bool)
        lot[rng.permutation(CASES)[:number]] = True
        errors.append(np.where(lot, person, model).mean())
    assert found.differences["error"].other == pytest.approx(np.mean(errors), abs=0.001)


def test_where_errors_have_costs_they_are_compared_first_and_tell_who_does_better() -> None:
    costs = Costs(1.0, 4.0, 0.2)
    outcomes = replace(outcomes_of(), costs=costs)
    found = {one.to: one for one in comparisons(outcomes, ["judge", "none"], baseline=["plain"])}
    deferred, label = outcomes.deferred[0], outcomes.label
    wrong = np.where(deferred, outcomes.decisions["judge"], outcomes.positive[0]) != label
    of_error = np.where(label, costs.false_negative, costs.false_positive)
    chosen = (wrong * of_error + costs.deferral * deferred).mean()
    others = {
        BASELINE: ((outcomes.positive[1] != label) * of_error).mean(),
        ALONE: ((outcomes.decisions["judge"] != label) * of_error).mean() + costs.deferral,
    }
    for to, other in others.items():
        assert list(found[to].differences) == ["cost", "error", "di", "balanced_error"]
        one = found[to].differences["cost"]
        assert (one.chosen, one.other) == pytest.approx((chosen, other), abs=1e-6)
        assert f" cost per case than {to}: {chosen:.3f} against {other:.3f} (" in found[to].sentence()
    assert 0 < found[RANDOM].differences["cost"].other < max(others.values()) + 1
    assert "cost per case" in compared_lines(tuple(found.values()))[0]
    assert not people_first(tuple(found.values())) or found[ALONE].differences["cost"].value > 0


def test_what_does_not_exist_is_not_compared_with() -> None:
    outcomes = outcomes_of()
    never = replace(outcomes, deferred=np.zeros_like(outcomes.deferred))
    assert [one.to for one in comparisons(never, ["none", "none"], baseline=["plain"])] == [BASELINE, ALONE]
    two = replace(outcomes, decisions=outcomes.decisions | {"clerk": outcomes.label})
    never = replace(two, deferred=never.deferred)
    assert comparisons(never, ["none", "none"]) == ()
    (clerk,) = comparisons(never, ["none", "none"], alone="clerk")
    assert clerk.differences["error"].other == 0
    always = replace(outcomes, deferred=np.ones_like(outcomes.deferred))
    assert [one.to for one in comparisons(always, ["judge", "judge"])] == [ALONE]


def alone(found: tuple[Comparison, ...]) -> Comparison:
    return next(one for one in found if one.to == ALONE)


def test_people_who_do_better_alone_are_the_first_thing_said() -> None:
    good = comparisons(outcomes_of(person_wrong=0.02), ["judge", "none"])
    (line,) = people_first(good)
    error = alone(good).differences["error"]
    assert line.startswith(
        "People alone do better: the chosen run has a higher error than the decision-maker alone: "
        f"{error.chosen:.3f} against {error.other:.3f} ({100 * error.value:.1f} points; 95 % interval +"
    )
    assert "chance" not in line
    assert people_first(comparisons(outcomes_of(person_wrong=0.6), ["judge", "none"])) == []
    near = comparisons(outcomes_of(3, person_wrong=0.24), ["judge", "none"])
    interval = alone(near).differences["error"].interval
    assert interval is not None
    assert interval.low < 0 < interval.high
    assert alone(near).sentence().endswith("), which may be chance")
    assert all(line.startswith("People alone may do better: ") for line in people_first(near))
    assert compared_lines(()) == []
    assert len(compared_lines(good)) == 1 + len(good)


def test_baseline_is_that_of_the_same_seed_or_else_the_median_one() -> None:
    rows = [
        ("b0", "binary", "mlp", 0.0, 0, 0.30),
        ("b1", "binary", "mlp", 0.0, 1, 0.28),
        ("b2", "binary", "mlp", 0.0, 2, 0.31),
        ("fair", "binary", "mlp", 0.5, 3, 0.20),
        ("other", "binary", "bayes", 0.0, 3, 0.20),
        ("run", "defer", "ordinal", 0.1, 1, 0.25),
        ("late", "defer", "ordinal", 0.1, 7, 0.25),
    ]
    columns = ["run_id", "method", "model", "alpha", "seed", "validation_error"]
    runs = pd.DataFrame(rows, columns=columns).assign(split=0)
    assert baseline_of(runs, runs.iloc[5])["run_id"].tolist() == ["b1"]
    assert baseline_of(runs, runs.iloc[6])["run_id"].tolist() == ["b0"]
    assert baseline_of(runs[3:], runs.iloc[6]).empty
    given = [("given", "binary", "given", 0.0, 1, 0.4)]
    of_both = pd.concat([runs, pd.DataFrame(given, columns=columns).assign(split=0)])
    assert baseline_of(of_both, runs.iloc[5])["run_id"].tolist() == ["given"]
    assert baseline_of(runs.assign(split=[1, *[0] * 6]), runs.iloc[6])["run_id"].tolist() == ["b1"]
