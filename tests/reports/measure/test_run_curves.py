import numpy as np
import pandas as pd
import pytest

from study.reports.measure.shown_runs import SHARES, run_curves
from study.results.directory import ResultsDirectory
from study.results.outcomes import Outcomes, outcomes_of
from tests.reports.decided import world
from tests.reports.synthetic import ledger, results


def test_a_curve_has_the_error_of_deferring_so_many_of_the_largest_benefit() -> None:
    given = world(seeds=1, settings=2)
    runs = given.runs[given.runs["method"] != "binary"].reset_index(drop=True)
    rng = np.random.default_rng(3)
    benefits = {run: rng.normal(size=240).astype(np.float32) for run in runs["run_id"][:4]}
    curves = run_curves(given.runs, given.outcomes, lambda rows: benefits.items())
    assert set(curves) == set(benefits)
    outcomes = outcomes_of(given.outcomes, runs)
    for number, (run, benefit) in enumerate(benefits.items()):
        maker = outcomes.decisions[runs["test_decision_maker"][number]]
        for share, error in zip(SHARES, curves[run], strict=True):
            deferred = np.zeros(240, dtype=bool)
            deferred[np.argsort(-benefit)[: round(240 * share)]] = True
            decided = np.where(deferred, maker, outcomes.positive[number])
            assert error == pytest.approx((decided != outcomes.label).mean())


def test_runs_of_different_splits_are_read_one_split_after_the_other() -> None:
    given = world(seeds=2, settings=1)
    runs = given.runs.assign(split=given.runs["seed"])
    asked = []

    def read(wanted: pd.DataFrame) -> Outcomes | None:
        asked.append(set(wanted["split"]))
        return given.outcomes(wanted)

    benefit = np.zeros(240, dtype=np.float32)
    curves = run_curves(runs, read, lambda rows: ((run, benefit) for run in rows["run_id"]))
    assert asked == [{0}, {1}]
    assert set(curves) == set(runs.loc[runs["method"] != "binary", "run_id"])


def test_without_outcomes_there_are_none() -> None:
    given = results(ledger(30))
    assert run_curves(given.runs, given.outcomes, given.benefits) == {}


def test_benefits_of_many_runs_are_those_of_each(tiny_results: ResultsDirectory) -> None:
    runs, _ = tiny_results.read_runs()
    found = dict(tiny_results.read_benefits(runs))
    assert set(found) == set(runs.loc[runs["method"] != "binary", "run_id"])
    for row in runs.to_dict("records"):
        for run_id, alone in tiny_results.read_benefits(runs[runs["run_id"] == row["run_id"]]):
            assert np.array_equal(found[run_id], alone)
