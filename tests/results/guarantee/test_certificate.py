"""Choosing a run under a guarantee, on made-up runs whose truth is known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from study.errors import LedgerError
from study.results.guarantee.bounds import Limit
from study.results.guarantee.certificate import certify
from study.results.limits import Question
from study.results.outcomes import Clusters, Outcomes
from tests.results.counts import with_counts

CASES = 600


def world(rates: list[float], seed: int = 0) -> tuple[pd.DataFrame, Outcomes]:
    """Runs that are wrong with these rates on test, a little less often on validation; all ask in part."""
    rng = np.random.default_rng(seed)
    label, sensitive = rng.random((2, CASES)) < 0.4
    deferred = rng.random((len(rates), CASES)) < np.linspace(0.1, 0.5, len(rates))[:, None]
    person = label ^ (rng.random(CASES) < 0.2)
    wrong = rng.random((len(rates), CASES)) < np.array(rates)[:, None]
    names = [f"run{number}" for number in range(len(rates))]
    outcomes = Outcomes(names, deferred, label ^ wrong, label, sensitive, {"column": person})
    joint = np.where(deferred, person != label, wrong)
    runs = pd.DataFrame(
        {
            **{"run_id": names, "setting_id": [f"s{name}" for name in names], "seed": 0},
            **{"method": "ce", "model": "actions", "decision_maker": "column", "dataset": "d"},
            **{"test_decision_maker": "column", "alpha": 0.0, "gamma": 0.1, "pack_id": "p"},
            **{"validation_error": np.array(rates) - 0.02, "validation_di": 0.1},
            **{"validation_idk_rate": deferred.mean(1), "test_error": joint.mean(1), "test_di": 0.1},
            "test_idk_rate": deferred.mean(1),
        }
    )
    others = (
        f"{split}_{name}"
        for split in ("validation", "test")
        for name in ("balanced_error", "fpr", "fnr", "cost")
    )
    return with_counts(runs.assign(**dict.fromkeys(others, 0.1))), outcomes


def test_certified_run_has_the_smallest_validation_metric_among_those_that_pass_in_order() -> None:
    runs, outcomes = world([0.14, 0.10, 0.12, 0.3, 0.11])
    limit = Limit("error", 0.2)
    found = certify(runs, lambda wanted: outcomes, [limit], Question("idk_rate"), confidence=0.9)
    order = runs.sort_values("validation_error")
    passed = []
    for row in order.itertuples():
        wrong = round(row.test_error * CASES)
        if binomtest(wrong, CASES, 0.2, alternative="less").pvalue > 0.1:
            break
        passed.append(row.run_id)
    assert 2 <= len(passed) < len(runs)
    expected = runs[runs["run_id"].isin(passed)].sort_values("validation_idk_rate").iloc[0]
    assert (found.satisfies, found.certified, found.candidates) == (True, len(passed), len(runs))
    assert found.run["run_id"] == expected["run_id"]
    assert found.bounds["error"] <= 0.2
    assert found.p_value <= 0.1
    assert "keeps error<=0.2" in found.summary()
    assert found.to_json()["guarantee"]["certified"] == len(passed)


def test_what_cannot_be_certified_says_by_how_much() -> None:
    runs, outcomes = world([0.25, 0.3])
    found = certify(runs, lambda wanted: outcomes, [Limit("error", 0.1)], Question(), confidence=0.95)
    assert not found.satisfies
    assert found.run["run_id"] == "run0"
    assert found.missed().startswith("error<=0.1: p = ")
    assert "guarantee:" not in found.summary()


def test_bounds_of_all_metrics_are_those_of_a_count_by_hand() -> None:
    runs, outcomes = world([0.1])
    limits = [Limit(name, 0.9) for name in ("error", "idk", "fpr", "fnr", "error_a1", "idk_a0")]
    found = certify(
        runs.assign(validation_error_a1=0.1, validation_idk_rate_a0=0.1),
        lambda wanted: outcomes,
        limits,
        Question(),
        confidence=0.9,
    )
    joint = np.where(outcomes.deferred[0], outcomes.decisions["column"], outcomes.positive[0])
    wrong, deferred = joint != outcomes.label, outcomes.deferred[0]
    by_hand = {
        "error": (wrong, np.ones(CASES, bool)),
        "idk": (deferred, np.ones(CASES, bool)),
        "fpr": (wrong, ~outcomes.label),
        "fnr": (wrong, outcomes.label),
        "error_a1": (wrong, outcomes.sensitive),
        "idk_a0": (deferred, ~outcomes.sensitive),
    }
    for name, (counted, among) in by_hand.items():
        interval = binomtest(int((counted & among).sum()), int(among.sum()), 0.5, alternative="less")
        assert found.bounds[name] == pytest.approx(interval.proportion_ci(0.9, method="exact").high)


def test_only_as_many_outcomes_are_read_as_testing_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("study.results.guarantee.certificate.BLOCK", 2)
    runs, outcomes = world([0.1, 0.5, 0.5, 0.5, 0.5])
    read: list[str] = []

    def reader(wanted: pd.DataFrame) -> Outcomes:
        read.extend(wanted["run_id"])
        return outcomes

    certify(runs, reader, [Limit("error", 0.2)], Question(), confidence=0.9)
    assert len(read) == 2


def test_without_outcomes_or_candidates_nothing_is_certified() -> None:
    runs, _ = world([0.1])
    with pytest.raises(LedgerError, match="nothing can be certified"):
        certify(runs, lambda wanted: None, [Limit("error", 0.2)], Question(), confidence=0.9)
    with pytest.raises(LedgerError, match="nothing to certify"):
        certify(runs.head(0), lambda wanted: None, [Limit("error", 0.2)], Question(), confidence=0.9)


def correlated(
    rng: np.random.Generator, error: float, people: int, rows: int
) -> tuple[pd.DataFrame, Outcomes]:
    """One run about people with several rows each; wrong about all of them or none."""
    number = np.repeat(np.arange(people), rows)
    label, sensitive = rng.random((2, len(number))) < 0.5
    wrong = (rng.random(people) < error)[number]
    outcomes = Outcomes(
        ["run0"],
        np.zeros((1, len(number)), dtype=bool),
        (label ^ wrong)[None],
        label,
        sensitive,
        {"column": label},
        Clusters("person", number),
    )
    runs, _ = world([error])
    return runs, outcomes


def test_of_groups_one_case_each_counts_and_all_rows_would_break_the_guarantee() -> None:
    rng, limit = np.random.default_rng(4), [Limit("error", 0.3)]
    false, by_rows = 0, 0
    for _ in range(300):
        # The truth is above the limit: every certificate is false.
        runs, outcomes = correlated(rng, 0.302, people=60, rows=20)
        found = certify(runs, lambda wanted, read=outcomes: read, limit, Question(), confidence=0.9)
        assert (found.cases, found.groups) == (60, "60 groups by person")
        false += found.satisfies
        alone = replace(outcomes, clusters=None)
        by_rows += certify(
            runs, lambda wanted, read=alone: read, limit, Question(), confidence=0.9
        ).satisfies
    # At most a tenth: 300 trials of probability 0.1 exceed 44 less than once in a thousand times.
    assert false <= 44
    assert by_rows > 90


def test_the_case_of_a_group_is_drawn_evenly_and_the_same_again() -> None:
    clusters = Clusters("person", np.array([0, 1, 0, 2, 1, 0]))
    drawn = np.array([clusters.one_of_each(seed) for seed in range(3000)])
    assert (np.array([[rows[clusters.number == g].sum() for g in range(3)] for rows in drawn]) == 1).all()
    assert drawn.mean(axis=0) == pytest.approx([1 / 3, 1 / 2, 1 / 3, 1, 1 / 2, 1 / 3], abs=0.04)
    assert (clusters.one_of_each(7) == drawn[7]).all()
