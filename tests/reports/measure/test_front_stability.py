import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.reports.measure.front_stability import (
    MARGIN,
    front_by_seed,
    front_stability,
    near_front,
    runs_on_front,
)
from study.results.fronts import fronts
from study.results.settings import GROUP, medians_by_setting
from tests.reports.synthetic import ledger

POINT = ["validation_error", "validation_di"]
RUNS = ledger(600)
OWN = runs_on_front(RUNS)
FRONTS = fronts(medians_by_setting(RUNS))
RATES = st.integers(0, 8).map(lambda n: n * MARGIN / 2)
POINTS = st.lists(st.tuples(RATES, RATES), min_size=1, max_size=8)


def test_runs_on_a_seed_s_own_front_are_those_that_no_other_of_it_dominates() -> None:
    expected = set()
    for _, own in RUNS.dropna(subset=POINT).groupby(["seed", *GROUP]):
        points = own[POINT].to_numpy()
        for run, point in zip(own["run_id"], points, strict=True):
            worse = (points <= point).all(axis=1) & (points < point).any(axis=1)
            if not worse.any():
                expected.add(run)
    assert set(OWN["run_id"]) == expected


@settings(max_examples=80, deadline=None)
@given(POINTS, POINTS)
def test_a_point_is_near_a_front_unless_it_is_beaten_by_more_than_the_margin_in_both(
    points: list[tuple[float, float]], front: list[tuple[float, float]]
) -> None:
    given_, on_front = np.array(points), np.array(front)
    found = near_front(given_, on_front)
    for point, near in zip(given_, found, strict=True):
        margins = (point - on_front).min(axis=1)
        # Within rounding of the margin itself either answer will do.
        if abs(margins.max() - MARGIN) > 1e-9:
            assert near == (margins.max() < MARGIN)


def test_a_point_without_figures_is_near_no_front() -> None:
    assert not near_front(np.array([[np.nan, 0.1]]), np.array([[0.1, 0.1]])).any()


def test_the_front_of_the_medians_is_counted_seed_by_seed() -> None:
    found = front_by_seed(RUNS, OWN, FRONTS)
    honest = FRONTS[FRONTS["front"] == "honest"]
    assert list(found["setting_id"]) == list(honest["setting_id"])
    for row in found.to_dict("records"):
        own = RUNS[RUNS["setting_id"] == row["setting_id"]].dropna(subset=POINT)
        assert row["seeds"] == len(own)
        assert row["on_front"] == own["run_id"].isin(OWN["run_id"]).sum()
        assert row["on_front"] <= row["near_front"] <= row["seeds"]


def test_stability_is_the_mean_over_settings_and_pairs_of_seeds() -> None:
    """Two settings under three seeds: A always on the front, B only under seed 0."""
    better = {"A": [(0.1, 0.1), (0.1, 0.1), (0.1, 0.1)], "B": [(0.05, 0.2), (0.3, 0.3), (0.3, 0.3)]}
    rows = [
        [f"{setting}{seed}", setting, seed, "defer", "m", "standard", *point]
        for setting, points in better.items()
        for seed, point in enumerate(points)
    ]
    runs = pd.DataFrame(rows, columns=["run_id", "setting_id", "seed", *GROUP, *POINT]).assign(split=0)
    own = runs_on_front(runs)
    assert set(own["run_id"]) == {"A0", "A1", "A2", "B0"}
    both = runs[["setting_id", *GROUP]].drop_duplicates().assign(front="honest")
    by_seed = front_by_seed(runs, own, both)
    (row,) = front_stability(by_seed, own).to_dict("records")
    assert (row["seeds"], row["points"]) == (3, 2)
    assert row["on_front"] == pytest.approx((1 + 1 / 3) / 2)
    assert row["near_front"] == pytest.approx((1 + 1 / 3) / 2)
    # Pairs (0, 1), (0, 2) and (1, 2): one of two settings in common, twice, and all.
    assert row["overlap"] == pytest.approx((1 / 2 + 1 / 2 + 1) / 3)


def test_the_same_figures_under_every_seed_are_the_same_front() -> None:
    one = RUNS[RUNS["seed"] == 0]
    runs = pd.concat([one.assign(seed=seed, run_id=one["run_id"] + str(seed)) for seed in range(3)])
    own = runs_on_front(runs)
    found = front_stability(front_by_seed(runs, own, fronts(medians_by_setting(runs))), own)
    assert (found[["on_front", "near_front", "overlap"]] == 1).all(axis=None)


def test_one_seed_has_no_overlap() -> None:
    runs = RUNS[RUNS["seed"] == 0]
    own = runs_on_front(runs)
    found = front_stability(front_by_seed(runs, own, fronts(medians_by_setting(runs))), own)
    assert found["overlap"].isna().all()
    assert (found["seeds"] == 1).all()
