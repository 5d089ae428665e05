"""Figures by group and their intervals, against counting person by person and against simulation."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from study.reports.measure.deferral_budgets import operating_points
from study.reports.measure.metrics_by_group import COLUMNS, metrics_by_group
from study.reports.measure.panels import deciding_on_test
from study.results.group_metrics import group_metrics, resampled_cells, spreads
from study.results.outcomes import Cells, Outcomes
from tests.reports.decided import PEOPLE, brute_figures, world
from tests.reports.synthetic import ledger, results

GIVEN = world(seeds=2, settings=2)
RUNS = GIVEN.runs
OUTCOMES = GIVEN.outcomes(())
assert OUTCOMES is not None
MAKERS = RUNS["test_decision_maker"].tolist()


def counted(run: int, times: np.ndarray) -> dict[str, float]:
    """Every figure of one run, counted person by person."""
    assert OUTCOMES is not None
    maker = MAKERS[run]
    rows = []
    for i in range(PEOPLE):
        y, a = bool(OUTCOMES.label[i]), int(OUTCOMES.sensitive[i])
        model = bool(OUTCOMES.positive[run, i]) != y
        people = bool(OUTCOMES.decisions[maker][i]) != y if maker in OUTCOMES.decisions else np.nan
        rows += [[a, int(y), bool(OUTCOMES.deferred[run, i]), model, people]] * int(times[i])
    frame = pd.DataFrame(rows, columns=["a", "y", "left", "model", "people"])
    found = {}
    for suffix, own in (("", frame), ("_a0", frame[frame["a"] == 0]), ("_a1", frame[frame["a"] == 1])):
        kept, left = own[~own["left"]], own[own["left"]]
        wrong = np.where(own["left"], own["people"], own["model"]).astype(float)
        found |= {
            f"error{suffix}": wrong.mean(),
            f"selection_rate{suffix}": np.where(wrong == 1, 1 - own["y"], own["y"]).mean(),
            f"idk_rate{suffix}": own["left"].mean(),
            f"model_error{suffix}": kept["model"].mean() if len(kept) else np.nan,
            f"dm_error_on_kept{suffix}": kept["people"].mean() if len(kept) else np.nan,
            f"dm_error{suffix}": left["people"].mean() if len(left) else np.nan,
            f"model_error_on_left{suffix}": left["model"].mean() if len(left) else np.nan,
        }
    for suffix in ("", "_a0", "_a1"):
        found[f"cost{suffix}"] = found[f"error{suffix}"]
    for (a, y), own in frame.groupby(["a", "y"]):
        wrong = np.where(own["left"], own["people"], own["model"]).astype(float)
        found |= {f"error_a{a}_y{y}": wrong.mean(), f"idk_rate_a{a}_y{y}": own["left"].mean()}
    gaps = [abs(found[f"error_a0_y{y}"] - found[f"error_a1_y{y}"]) for y in (0, 1)]
    for y, name in ((0, "fpr"), (1, "fnr")):
        own = frame[frame["y"] == y]
        found[name] = float(np.where(own["left"], own["people"], own["model"]).astype(float).mean())
    found["balanced_error"] = (found["fpr"] + found["fnr"]) / 2
    both = [found[f"selection_rate_a{a}"] for a in (0, 1)]
    found["selection_ratio"] = min(both) / max(both)
    return found | {"di_y0": gaps[0], "di_y1": gaps[1], "di": sum(gaps) / 2}


def test_figures_by_group_are_those_counted_person_by_person() -> None:
    assert OUTCOMES is not None
    rng = np.random.default_rng(2)
    weights = np.vstack([np.ones(PEOPLE, dtype=int), rng.multinomial(PEOPLE, [1 / PEOPLE] * PEOPLE, 2)])
    found = group_metrics(OUTCOMES, MAKERS, Cells(OUTCOMES, weights))
    for run in range(0, len(RUNS), 5):
        for b, times in enumerate(weights):
            expected = counted(run, times)
            assert set(found) == set(expected)
            got = {name: values[run, b] for name, values in found.items()}
            assert got == pytest.approx(expected, abs=1e-6, nan_ok=True)
            assert {k: got[k] for k in ("error", "di")} == pytest.approx(
                {k: brute_figures(OUTCOMES, run, RUNS, times)[k] for k in ("error", "di")}, abs=1e-6
            )


def test_whoever_never_asks_has_no_error_of_those_left() -> None:
    assert OUTCOMES is not None
    found = group_metrics(OUTCOMES, MAKERS, resampled_cells(OUTCOMES, 3))
    binary = (RUNS["method"] == "binary").to_numpy()
    assert np.isnan(found["dm_error"][binary]).all()
    assert (found["idk_rate"][binary] == 0).all()


def test_a_spread_is_the_metric_of_a_run_and_the_middle_of_the_resamples() -> None:
    assert OUTCOMES is not None
    run = int(np.flatnonzero(RUNS["method"] == "defer")[0])
    outcomes = OUTCOMES.take(np.array([run]))
    cells = resampled_cells(outcomes, 200)
    by_hand = group_metrics(outcomes, [MAKERS[run]], cells)
    for name, spread in spreads(outcomes, MAKERS[run], cells).items():
        values = by_hand[name][0].astype(float)
        assert spread.value == pytest.approx(values[0])
        assert spread.test_set == pytest.approx(tuple(np.nanquantile(values[1:], [0.025, 0.975])))


def test_intervals_of_error_cover_the_truth_as_often_as_they_say() -> None:
    rng, people, true = np.random.default_rng(3), 300, 0.3
    hits = 0
    for _ in range(200):
        wrong, nothing = rng.random((1, people)) < true, np.zeros((1, people), dtype=bool)
        label, sensitive = rng.random((2, people)) < 0.5
        outcomes = Outcomes(["r"], nothing, label ^ wrong, label, sensitive, {})
        low, high = spreads(outcomes, "none", resampled_cells(outcomes))["error"].test_set or (1, 0)
        hits += low <= true <= high
    # 200 trials of probability 0.95: between 180 and 198 in all but one of a thousand.
    assert 180 <= hits <= 198


def test_points_are_measured_on_their_own_runs_alone() -> None:
    points = operating_points(RUNS, GIVEN.decision_makers)
    asked: list[str] = []

    def read(runs: pd.DataFrame) -> Outcomes:
        asked.extend(runs["run_id"])
        assert OUTCOMES is not None
        return OUTCOMES

    found = metrics_by_group(points, RUNS, GIVEN.decision_makers, deciding_on_test(RUNS), read)
    assert found.missing == ""
    assert set(asked) == set(points["run_id"].dropna())
    table = found.frame.set_index(["decision_maker", "what", "metric"])
    for point in points.dropna(subset=["run_id"]).itertuples():
        for figure in ("error", "di", "idk_rate"):
            row = table.loc[(point.decision_maker, point.what, figure)]
            assert row["value"] == pytest.approx(getattr(point, figure), abs=1e-6)
            assert row["low"] <= row["value"] <= row["high"]
    alone = found.frame[found.frame["what"] == "decision-maker"]
    assert len(alone)
    assert not alone["metric"].str.startswith("model_").any()
    assert (alone.loc[alone["metric"] == "idk_rate", "value"] == 1).all()


def test_without_outcomes_there_are_the_figures_of_the_ledger_and_the_reason() -> None:
    runs = ledger(300)
    given = results(runs)
    points = operating_points(runs, given.decision_makers)
    found = metrics_by_group(points, runs, given.decision_makers, {}, given.outcomes)
    assert found.missing == "the outcomes of the test examples are missing"
    assert list(found.frame) == list(COLUMNS)
    assert found.frame[["low", "high"]].isna().all(axis=None)
    table = found.frame.set_index(["decision_maker", "what", "metric"])["value"]
    for point in points.dropna(subset=["run_id"]).itertuples():
        own = runs[runs["run_id"] == point.run_id]
        for figure in ("error", "di_y0", "idk_rate_a1", "dm_error"):
            expected = own[f"test_{figure}"].iloc[0]
            assert table[point.decision_maker, point.what, figure] == pytest.approx(expected, nan_ok=True)


def test_no_points_have_no_figures() -> None:
    none = replace(GIVEN, runs=RUNS[:0])
    points = operating_points(RUNS[:0], GIVEN.decision_makers)
    assert len(metrics_by_group(points, none.runs, GIVEN.decision_makers, {}, GIVEN.outcomes).frame) == 0
