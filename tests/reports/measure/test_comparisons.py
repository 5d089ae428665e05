"""Hypervolumes and their differences, recomputed run by run; and intervals against simulation."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from study.reports.measure.comparisons import comparisons
from study.reports.measure.front_stability import runs_on_front
from study.results.fronts import hypervolume
from study.results.group_metrics import RESAMPLES, SEED
from study.results.intervals import resampled_examples
from study.results.outcomes import Outcomes, weighted_metrics
from study.results.study_results import Results
from tests.reports.decided import PEOPLE, world
from tests.reports.synthetic import ledger, results

GIVEN = world(seeds=3, settings=4)
OWN = runs_on_front(GIVEN.runs)
FRAME = comparisons(GIVEN, OWN).frame


def row_of(frame: pd.DataFrame, first: str, second: str | None, name: str = "standard") -> dict[str, float]:
    pair = frame["second"].isna() if second is None else frame["second"].eq(second)
    (row,) = frame[(frame["first"] == first) & pair & (frame["decision_maker"] == name)].to_dict("records")
    return row


def areas_by_hand(method: str, name: str) -> tuple[list[float], np.ndarray]:
    """Each seed's hypervolume, and the means over seeds of each resample."""
    outcomes = GIVEN.outcomes(())
    assert outcomes is not None
    weights = resampled_examples(np.random.default_rng(SEED), PEOPLE, RESAMPLES)
    own = OWN[(OWN["method"] == method) & OWN["decision_maker"].isin([name, "none"])]
    own = own[own["model"].isin(["ordinal", "mlp"])]
    observed, resampled = [], []
    for _, runs in own.groupby("seed"):
        observed.append(hypervolume(runs[["test_error", "test_di"]].to_numpy()))
        of_seed = outcomes.take(runs.index.to_numpy())
        figures = weighted_metrics(of_seed, runs["test_decision_maker"].tolist(), weights)
        points = np.stack([figures["error"], figures["di"]], axis=-1)
        resampled.append([hypervolume(points[:, b]) for b in range(RESAMPLES)])
    return observed, np.mean(resampled, axis=0)


@pytest.mark.parametrize("name", ["standard", "biased"])
def test_hypervolumes_and_differences_are_those_computed_run_by_run(name: str) -> None:
    areas = {method: areas_by_hand(method, name) for method in ("binary", "reject", "defer")}
    for method, (observed, resampled) in areas.items():
        row = row_of(FRAME, method, None, name)
        assert row["estimate"] == pytest.approx(np.mean(observed), abs=1e-6)
        ends = np.quantile(resampled, [0.025, 0.975])
        assert (row["test_low"], row["test_high"]) == pytest.approx(tuple(ends), abs=1e-5)
        # Student's t(0.975, 2) = 4.30265.
        half = 4.30265 * np.std(observed, ddof=1) / np.sqrt(3)
        assert row["seeds_high"] - row["estimate"] == pytest.approx(half, rel=1e-4, abs=1e-9)
    for first, second in (("reject", "binary"), ("defer", "binary"), ("defer", "reject")):
        row = row_of(FRAME, first, second, name)
        paired = np.array(areas[first][0]) - np.array(areas[second][0])
        assert row["estimate"] == pytest.approx(paired.mean(), abs=1e-6)
        ends = np.quantile(areas[first][1] - areas[second][1], [0.025, 0.975])
        assert (row["test_low"], row["test_high"]) == pytest.approx(tuple(ends), abs=1e-5)


def test_only_the_outcomes_of_runs_on_a_front_are_read() -> None:
    asked: set[str] = set()

    def noting(runs: pd.DataFrame) -> Outcomes | None:
        asked.update(runs["run_id"])
        return GIVEN.outcomes(runs)

    comparisons(replace(GIVEN, outcomes=noting), OWN)
    assert asked == set(OWN["run_id"])


def test_methods_that_do_the_same_differ_by_exactly_nothing() -> None:
    same = world(seeds=3, settings=4, equal=True)
    found = comparisons(same, runs_on_front(same.runs)).frame
    row = row_of(found, "defer", "reject")
    assert [row[name] for name in ("estimate", "seeds_low", "seeds_high", "test_low", "test_high")] == [
        0
    ] * 5
    assert row_of(found, "defer", None)["test_high"] > row_of(found, "defer", None)["test_low"]


def test_intervals_of_a_paired_difference_cover_the_truth() -> None:
    """Two methods of one setting each, wrong about 30 and 26 % of the people, largely of the same ones."""
    rng, people, hits, widths = np.random.default_rng(4), 400, 0, []
    truth = (0.5 - 0.26) * 0.5 - (0.5 - 0.30) * 0.5
    for _ in range(40):
        luck = rng.random(people)
        wrong = np.stack([luck < 0.30, luck < 0.26])
        given = of_wrong(wrong, rng)
        row = row_of(comparisons(given, given.runs).frame, "defer", "reject")
        # DI where no group is treated differently is small, but above 0: the true area is a little smaller.
        hits += row["test_low"] - 0.01 <= truth <= row["test_high"] + 0.01
        widths.append(row["test_high"] - row["test_low"])
    assert hits >= 36
    # Unpaired, the standard error of the error's difference alone would be 0.032 and this width 0.06.
    assert np.median(widths) < 0.045


def of_wrong(wrong: np.ndarray, rng: np.random.Generator) -> Results:
    """A study of two runs, `reject` and `defer`, that never defer and are wrong about these people."""
    people = wrong.shape[1]
    label, sensitive = rng.random((2, people)) < 0.5
    nothing = np.zeros_like(wrong)
    outcomes = Outcomes(["r0", "r1"], nothing, label ^ wrong, label, sensitive, {"standard": label})
    figures = weighted_metrics(outcomes, ["standard"] * 2, np.ones((1, people)))
    runs = pd.DataFrame(
        {
            **{
                "run_id": ["r0", "r1"],
                "setting_id": ["a", "b"],
                "method": ["reject", "defer"],
                "seed": 0,
                "split": 0,
            },
            **{"model": "m", "decision_maker": "standard", "test_decision_maker": "standard"},
            **{"alpha": 0.0, "gamma": 0.1},
            **{f"{s}_{f}": v[:, 0] for f, v in figures.items() for s in ("test", "validation")},
        }
    )
    return replace(results(runs), outcomes=lambda runs: outcomes)


def test_without_outcomes_there_are_intervals_over_seeds_and_the_reason() -> None:
    runs = ledger(600)
    found = comparisons(results(runs), runs_on_front(runs))
    assert found.missing == "the outcomes of the test examples are missing"
    assert found.frame[["test_low", "test_high"]].isna().all(axis=None)
    assert found.frame[["estimate", "seeds_low", "seeds_high"]].notna().all(axis=None)


def test_binary_models_alone_are_not_compared_with_anything() -> None:
    runs = ledger(100, methods=("binary",))
    frame = comparisons(results(runs), runs_on_front(runs)).frame
    assert list(frame["first"]) == ["binary"]
    assert frame["second"].isna().all()


def test_nothing_finished_compares_nothing() -> None:
    runs = ledger(5)[:0]
    assert len(comparisons(results(runs), runs_on_front(runs)).frame) == 0
