from dataclasses import replace

import numpy as np
import pytest

from study.results.outcomes import WEIGHTED_METRICS, Outcomes, metrics_alone, weighted_metrics
from tests.reports import decided
from tests.reports.decided import brute_figures, world

GIVEN = world(seeds=1, settings=2)
RUNS, OUTCOMES = GIVEN.runs, GIVEN.outcomes(GIVEN.runs)
MAKERS = RUNS["test_decision_maker"].tolist()


def people(count: int) -> Outcomes:
    """One run on so many people, without decision-makers."""
    nothing = np.zeros((1, count), dtype=bool)
    return Outcomes(["r"], nothing, nothing, nothing[0], nothing[0], {})


@pytest.mark.parametrize("block", [1, 1000, 8_000_000])
def test_weighted_figures_are_those_counted_person_by_person(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("study.results.outcomes.BLOCK", block)
    assert OUTCOMES is not None
    weights = np.random.default_rng(1).multinomial(decided.PEOPLE, [1 / decided.PEOPLE] * decided.PEOPLE, 3)
    found = weighted_metrics(OUTCOMES, MAKERS, weights)
    assert tuple(found) == WEIGHTED_METRICS
    for run in range(len(RUNS)):
        for b, counts in enumerate(weights):
            expected = brute_figures(OUTCOMES, run, RUNS, counts)
            counted = {name: found[name][run, b] for name in WEIGHTED_METRICS}
            assert counted == pytest.approx(expected, abs=1e-6)


def test_a_decision_maker_alone_is_a_system_that_always_defers() -> None:
    assert OUTCOMES is not None
    weights = np.vstack([np.ones(decided.PEOPLE), np.arange(decided.PEOPLE) % 4])
    alone = metrics_alone(OUTCOMES, weights)
    always = replace(OUTCOMES, deferred=np.ones_like(OUTCOMES.deferred))
    for name in ("standard", "biased"):
        run = MAKERS.index(name)
        for b, counts in enumerate(weights.astype(int)):
            expected = brute_figures(always, run, RUNS, counts)
            assert {f: alone[name][f][b] for f in WEIGHTED_METRICS} == pytest.approx(expected, abs=1e-6)
    assert alone["oracle"]["error"].tolist() == [0, 0]


def test_disparate_impact_is_undefined_where_a_cell_is_empty() -> None:
    found = weighted_metrics(people(5), ["none"], np.ones((2, 5)))
    assert np.isnan(found["di"]).all()
    assert found["error"].tolist() == [[0, 0]]


def test_no_runs_have_no_figures() -> None:
    assert OUTCOMES is not None
    none = OUTCOMES.take(np.array([], dtype=np.intp))
    found = weighted_metrics(none, [], np.ones((3, decided.PEOPLE)))
    assert {values.shape for values in found.values()} == {(0, 3)}


def test_deferring_to_an_unknown_decision_maker_is_refused() -> None:
    assert OUTCOMES is not None
    with pytest.raises(ValueError, match="no decisions of somebody"):
        weighted_metrics(OUTCOMES, ["somebody"] * len(MAKERS), np.ones((1, decided.PEOPLE)))


@pytest.mark.parametrize("name", ["deferred", "positive", "sensitive"])
def test_shapes_that_do_not_fit_are_refused(name: str) -> None:
    given = people(5)
    with pytest.raises(ValueError, match=name):
        replace(given, **{name: getattr(given, name)[..., :4]})
