"""What the samplers propose."""

import logging
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import qmc

from study.config.spaces import FoundRange, Range, Space
from study.config.study_file import StudyConfig
from study.search.samplers import NEWEST, UNBEATEN, Observation, Point, grid, looked_at, propose
from tests.worlds.small_study import config_of

SAMPLERS = ["random", "qmc", "nsga2", "tpe"]
UNIT: Mapping[str, Space] = {"alpha": Range(low=0, high=1), "gamma": Range(low=0, high=1)}
MIXED: Mapping[str, Space] = {"alpha": Range(low=0.1, high=30, log=True), "gamma": (0.05, 0.1, 0.2)}


def spread(count: int) -> list[Point]:
    """Settings all over the unit square, as if point for earlier."""
    return propose("random", UNIT, count, seed=(99, "earlier", 0))


def two_objectives(params: Mapping[str, float]) -> tuple[float, float, float]:
    """Zitzler, Deb and Thiele's first problem in two variables; the third objective says nothing."""
    g = 1 + 9 * params["gamma"]
    return params["alpha"], g * (1 - (params["alpha"] / g) ** 0.5), 0.0


# Grids


def test_grid_crosses_all_listed_values() -> None:
    points = [dict(point.params) for point in grid({"alpha": (0.0, 1.0), "gamma": (0.1, 0.2, 0.3)})]
    assert points == [{"alpha": a, "gamma": g} for a in (0.0, 1.0) for g in (0.1, 0.2, 0.3)]
    assert [dict(point.params) for point in grid({"alpha": (2.0,)})] == [{"alpha": 2.0}]


def test_grid_refuses_a_range() -> None:
    with pytest.raises(TypeError, match="listed values"):
        grid(UNIT)


# All samplers


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_proposals_are_a_function_of_the_arguments(sampler: str) -> None:
    observed = [Observation(point, two_objectives(point.params)) for point in spread(30)]
    pending = spread(40)[30:]
    first = propose(sampler, UNIT, 12, seed=(0, "arm", 3), observed=observed, pending=pending)
    np.random.default_rng().random()
    again = propose(sampler, UNIT, 12, seed=(0, "arm", 3), observed=list(observed), pending=list(pending))
    assert first == again
    assert len(first) == 12


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_search_seed_arm_and_pack_each_change_the_proposals(sampler: str) -> None:
    seeds = [(0, "arm", 1), (1, "arm", 1), (0, "other", 1), (0, "arm", 2)]
    point = [propose(sampler, UNIT, 4, seed=seed) for seed in seeds]
    assert len({str([dict(a.params) for a in one]) for one in point}) == 4


@pytest.mark.parametrize("sampler", ["nsga2", "tpe"])
def test_what_was_observed_changes_the_proposals_of_an_adaptive_search(sampler: str) -> None:
    earlier = propose(sampler, UNIT, 60, seed=(0, "arm", 0))
    good_left = [Observation(a, (a.params["alpha"], 0.0, 0.0)) for a in earlier]
    good_right = [Observation(a, (1 - a.params["alpha"], 0.0, 0.0)) for a in earlier]
    left, right = (
        np.mean(
            [a.params["alpha"] for a in propose(sampler, UNIT, 20, seed=(0, "arm", 1), observed=observed)]
        )
        for observed in (good_left, good_right)
    )
    assert left < right - 0.1


@pytest.mark.parametrize("sampler", SAMPLERS)
@settings(max_examples=15, deadline=None)
@given(
    low=st.floats(-5, 5),
    width=st.floats(1e-3, 100),
    listed=st.lists(st.floats(-1, 1), min_size=1, max_size=4, unique=True),
    count=st.integers(1, 9),
)
def test_proposals_lie_within_their_spaces(
    sampler: str, low: float, width: float, listed: list[float], count: int
) -> None:
    spaces: dict[str, Space] = {"alpha": Range(low=low, high=low + width), "gamma": tuple(listed)}
    point = propose(sampler, spaces, count, seed=(0, "arm", 0))
    assert len(point) == count
    for one in point:
        assert set(one.params) == {"alpha", "gamma"}
        assert low <= one.params["alpha"] <= low + width
        assert one.params["gamma"] in listed


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_each_method_gets_gammas_from_its_own_range(sampler: str) -> None:
    own = {"reject": (0.5, 0.7), "defer": (0.03, 0.15)}
    for searched in config_of({}).plan().search.arms:
        arm = searched.arm
        for point in propose(sampler, searched.spaces, 20, seed=(0, str(arm), 0)):
            assert ("gamma" in point.params) == (arm.method in own)
            if arm.method in own:
                low, high = own[arm.method]
                assert low <= point.params["gamma"] <= high


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_settings_without_values_are_tolerated(sampler: str) -> None:
    earlier = spread(20)
    none = [Observation(point, None) for point in earlier]
    some = none[:10] + [Observation(point, two_objectives(point.params)) for point in earlier[10:]]
    for observed in (none, some):
        assert len(propose(sampler, UNIT, 5, seed=(0, "arm", 1), observed=observed)) == 5


def test_memory_is_plain_and_lets_the_search_continue() -> None:
    first = propose("nsga2", UNIT, 50, seed=(0, "arm", 0))
    observed = [Observation(point, two_objectives(point.params)) for point in first]
    second = propose("nsga2", UNIT, 50, seed=(0, "arm", 1), observed=observed)
    generations = [{value for a in point for value in a.memory.values()} for point in (first, second)]
    assert generations[0] == {0}
    assert generations[1] == {1}


def test_log_ranges_are_searched_by_their_logarithm() -> None:
    for sampler in ("random", "qmc"):
        point = propose(sampler, {"alpha": MIXED["alpha"]}, 256, seed=(0, "arm", 0))
        assert 1.4 < np.median([one.params["alpha"] for one in point]) < 2.1  # sqrt(0.1 * 30) = 1.73


FOUND: Mapping[str, Space] = {
    "alpha": Range(low=0, high=1),
    "gamma": FoundRange(gamma=(-0.3, 0.0, 0.01, 0.02, 0.5), deferral=(1, 0.6, 0.4, 0.2, 0)),
}


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_settings_lie_evenly_between_the_gammas_that_a_pilot_found(sampler: str) -> None:
    gammas = [point.params["gamma"] for point in propose(sampler, FOUND, 64, seed=(0, "arm", 0))]
    counts = np.histogram(gammas, bins=[-0.3, 0.0, 0.01, 0.02, 0.5])[0]
    assert counts.sum() == 64
    assert counts.min() >= (16 if sampler == "qmc" else 5)


def test_a_search_learns_about_gammas_from_their_place_among_those_found() -> None:
    # Good where gamma is just below 0.02: 1 % of the range, and a quarter of what was found.
    def values(point: Point) -> tuple[float, float, float]:
        away = abs(point.params["gamma"] - 0.0175)
        return away, away, away

    observed: list[Observation] = []
    for pack in range(8):
        new = propose("tpe", FOUND, 16, seed=(0, "arm", pack), observed=observed)
        observed += [Observation(point, values(point)) for point in new]
    latest = [past.point.params["gamma"] for past in observed[-32:]]
    assert all(-0.3 <= gamma <= 0.5 for gamma in latest)
    assert np.mean([0.01 <= gamma <= 0.02 for gamma in latest]) > 0.6


def test_a_sequence_goes_through_every_listed_value_alike() -> None:
    point = propose("qmc", MIXED, 96, seed=(0, "arm", 0))
    counts = Counter(one.params["gamma"] for one in point)
    assert set(counts) == {0.05, 0.1, 0.2}
    assert max(counts.values()) - min(counts.values()) <= 4


@pytest.mark.parametrize("sampler", ["random", "qmc"])
def test_drawing_a_hundred_thousand_settings_gives_so_many_different_ones(sampler: str) -> None:
    point = propose(sampler, UNIT, 100_000, seed=(0, "arm", 0))
    assert len({(one.params["alpha"], one.params["gamma"]) for one in point}) == 100_000


# Long histories


def test_short_history_is_looked_at_whole() -> None:
    observed = [Observation(point, two_objectives(point.params)) for point in spread(NEWEST)]
    assert looked_at(observed) == observed


def test_of_a_long_history_the_newest_count_and_the_unbeaten_before_them() -> None:
    observed = [Observation(point, two_objectives(point.params)) for point in spread(NEWEST + 700)]
    observed[5] = Observation(observed[5].point, None)
    seen = looked_at(observed)
    assert seen[-NEWEST:] == observed[-NEWEST:]
    older = [past for past in observed[:700] if past.values is not None]
    unbeaten = [
        past
        for past in older
        if not any(
            other.values != past.values
            and all(theirs <= mine for theirs, mine in zip(other.values, past.values, strict=True))
            for other in observed
            if other.values is not None
        )
    ]
    assert 0 < len(unbeaten) < 100
    assert seen[:-NEWEST] == unbeaten


def test_no_history_makes_asking_dearer_than_a_bound() -> None:
    """Of settings none of which beats another, as many as there can be are still too many to look at."""
    observed = [
        Observation(point, (point.params["alpha"], -point.params["alpha"], 0.0)) for point in spread(3000)
    ]
    seen = looked_at(observed)
    assert len(seen) == NEWEST + UNBEATEN
    assert seen == observed[-NEWEST - UNBEATEN :]


@pytest.mark.parametrize("sampler", ["nsga2", "tpe"])
def test_good_settings_of_long_ago_are_not_forgotten(sampler: str) -> None:
    generation = propose("nsga2", UNIT, 1, seed=(0, "arm", 0))[0].memory
    key = next(iter(generation))
    good = [
        Observation(Point({"alpha": 0.9, "gamma": i / 60}, {key: 0}), (0.0, i / 60, -i / 60))
        for i in range(60)
    ]
    bad = [
        Observation(
            Point({**point.params, "alpha": point.params["alpha"] / 2}, {key: 1 + index // 50}),
            (1.0, 1.0, 1.0),
        )
        for index, point in enumerate(spread(NEWEST + 200))
    ]
    point = propose(sampler, UNIT, 40, seed=(0, "arm", 9), observed=[*good, *bad])
    assert np.mean([one.params["alpha"] > 0.75 for one in point]) > 0.3


# Their quality


def test_qmc_fills_a_range_more_evenly_than_random() -> None:
    for seed in range(3):
        found = {}
        for sampler in ("random", "qmc"):
            point = propose(sampler, UNIT, 64, seed=(seed, "arm", 0))
            found[sampler] = qmc.discrepancy([[a.params["alpha"], a.params["gamma"]] for a in point])
        assert found["qmc"] < 0.5 * found["random"]


def searched(sampler: str, packs: int, seed: int) -> list[tuple[float, float, float]]:
    """What packs of 25 settings come to, each proposed knowing all but the one before."""
    observed: list[Observation] = []
    for index in range(packs):
        known, pending = observed[: max(0, index - 1) * 25], observed[max(0, index - 1) * 25 :]
        point = propose(
            sampler,
            UNIT,
            25,
            seed=(seed, "arm", index),
            observed=known,
            pending=[past.point for past in pending],
        )
        observed += [Observation(one, two_objectives(one.params)) for one in point]
    return [past.values for past in observed if past.values]


@pytest.mark.parametrize(("sampler", "packs"), [("nsga2", 16), ("tpe", 6)])
def test_adaptive_search_beats_random_on_a_known_problem(sampler: str, packs: int) -> None:
    def volume(name: str, seed: int) -> float:
        points = np.array(searched(name, packs, seed))[:, :2]
        return dominated_area(points, corner=(1.0, 10.0))

    for seed in range(3):
        assert volume(sampler, seed) > volume("random", seed)


def dominated_area(points: np.ndarray[Any, Any], corner: tuple[float, float]) -> float:
    """The area between the points' front and ``corner``, by adding up rectangles."""
    area, height = 0.0, corner[1]
    for x, y in sorted(map(tuple, points)):
        if x < corner[0] and y < height:
            area += (corner[0] - x) * (height - y)
            height = y
    return area


def test_the_area_used_above_is_right_on_a_staircase() -> None:
    assert dominated_area(np.array([[0.0, 2.0], [1.0, 1.0], [1.0, 3.0]]), (2.0, 3.0)) == 3.0


# Manners


def test_optuna_says_nothing_on_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    for sampler in SAMPLERS:
        propose(sampler, MIXED, 3, seed=(0, "arm", 0))
    assert capfd.readouterr() == ("", "")


def test_unknown_sampler_is_an_error() -> None:
    with pytest.raises(ValueError, match="unknown sampler guess"):
        propose("guess", UNIT, 1, seed=(0, "arm", 0))
    assert "guess" not in str(StudyConfig.model_json_schema()["$defs"]["SearchSection"])


def test_logging_of_the_program_is_left_alone() -> None:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    propose("random", UNIT, 1, seed=(0, "arm", 0))
    assert (root.handlers, root.level) == (handlers, level)
    assert optuna.logging.get_verbosity() == optuna.logging.WARNING
