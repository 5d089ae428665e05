"""The pilot: it finds the prices between always and never deferring, once, from what training may see."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from study.config.reading import load_config, stored
from study.config.study_file import StudyConfig
from study.data import load_section
from study.results.directory import ResultsDirectory
from study.search.identity import Identity
from study.training.launch import launch
from study.training.pilot import OFTEN, SELDOM, crossing, falling, find_ranges, spread
from study.training.study_data import StudyData
from tests.worlds.small_study import config_of, resume, write_cases


@pytest.fixture
def pilot_of(tmp_path: Path) -> Any:
    """A study of a table of one's own, of one deferring method, whose file names no gamma."""

    def study(method: str = "defer", model: str = "ordinal", **search: Any) -> StudyConfig:
        given = {"methods": method, "model": model, "decision_maker": "column", "seeds": 1}
        given |= {"training": {"max_epochs": 60, "batch_size": 16, "patience": 5}}
        searched = {"sampler": "random", "settings": 2, "gamma": {}, **search}
        return config_of({"dataset": write_cases(tmp_path / "cases.csv"), **given}, search=searched)

    return study


def data_of(config: StudyConfig) -> StudyData:
    plan, dataset = config.plan(), load_section(config.dataset)
    assert dataset.decisions is not None
    identity = Identity.of(plan, dataset.fingerprint, None)
    return StudyData.of(plan, dataset, identity, {"column": dataset.decisions.probability}, backend="eager")


def found_by(config: StudyConfig, data: StudyData) -> Any:
    arms = {arm.arm: arm.middle for arm in config.plan().search.arms if arm.unpriced}
    return find_ranges(arms, data, log=lambda line: None)


@pytest.mark.parametrize(
    ("rates", "ends"),
    [
        ([1, 1, 0.95, 0.5, 0.1, 0.01, 0], (2, 5)),
        ([1, 0.6, 0.95, 0.5, 0.01, 0.03, 0], (0, 4)),
        ([1, 1, 1, 0, 0], (2, 3)),
        # It never defers often enough, or seldom enough: its own extremes count.
        ([0.6, 0.59, 0.3, 0.0], (1, 3)),
        ([1, 0.7, 0.31, 0.3], (0, 2)),
        ([0.4, 0.4, 0.4], (0, 1)),
        ([0.0, 0.0, 0.0], (0, 1)),
        ([1.0, 1.0, 1.0], (1, 2)),
        ([1.0, 1.0], (0, 1)),
    ],
)
def test_crossing_is_where_deferral_goes_from_often_to_seldom(
    rates: list[float], ends: tuple[int, int]
) -> None:
    assert crossing(rates) == ends


def test_prices_lie_where_the_deferral_rate_falls() -> None:
    gammas = np.linspace(0, 1, 101)
    # Nearly all of the fall is between 0.2 and 0.25, and one price is out of order.
    rates = np.interp(gammas, [0.1, 0.2, 0.25, 0.9], [1.0, 0.95, 0.05, 0.0])
    rates[[22, 23]] = rates[[23, 22]]
    found = spread(gammas, rates.tolist(), 101)
    assert (found[0], found[-1]) == (0, 1)
    assert (np.diff(found) > 0).all()
    # 90 % of the fall have 0.8 * 0.9 of the prices, and what lies evenly has its own there.
    assert np.mean((found > 0.2) & (found < 0.25)) == pytest.approx(0.8 * 0.9 + 0.2 * 0.05, abs=0.02)
    rate = np.interp(found, gammas, falling(rates))
    for tenth in range(10):
        assert np.mean((rate >= tenth / 10) & (rate <= (tenth + 1) / 10)) > 0.07


def test_prices_lie_evenly_where_the_deferral_rate_is_the_same_at_all() -> None:
    assert spread(np.array([0.0, 0.1, 1.0]), [0.3, 0.3, 0.3], 5).tolist() == [0, 0.25, 0.5, 0.75, 1]


@pytest.mark.parametrize(
    ("method", "model"),
    [
        ("reject", "ordinal"),
        ("defer", "posthoc"),
        ("confidence", "mlp"),
        ("compare", "pair"),
        ("ce", "actions"),
    ],
)
def test_found_range_goes_from_often_to_seldom(pilot_of: Any, method: str, model: str) -> None:
    config = pilot_of(method, model)
    (found,) = found_by(config, data_of(config)).values()
    assert found.gamma == tuple(sorted(set(found.gamma)))
    assert found.deferral == tuple(sorted(found.deferral, reverse=True))
    assert found.deferral[0] > OFTEN - 0.1
    assert found.deferral[-1] <= SELDOM + 0.1


def test_people_who_are_always_right_are_worth_a_higher_price(pilot_of: Any) -> None:
    config = pilot_of("ce", "actions")
    data = data_of(config)
    right, wrong = (
        replace(data, decision_makers={"column": abs(data.label - flip).astype(np.float32)})
        for flip in (0.0, 1.0)
    )
    found = [found_by(config, who)["ce-actions-column"] for who in (right, wrong)]
    assert found[0].gamma[0] > found[1].gamma[0]
    assert found[1].gamma[-1] < 0 < found[0].gamma[-1]


def test_pilot_never_looks_at_the_test_split_and_draws_the_same_again(pilot_of: Any) -> None:
    config = pilot_of()
    data = data_of(config)
    features = data.features.copy()
    features[data.rows["test"]] = np.nan
    assert found_by(config, data) == found_by(config, replace(data, features=features))


def test_exact_thresholds_are_not_piloted_below_a_price_of_zero(pilot_of: Any) -> None:
    config = pilot_of("defer", "posthoc")
    data = data_of(config)
    always_wrong = replace(data, decision_makers={"column": 1 - data.label})
    assert found_by(config, always_wrong)["defer-posthoc-column"].gamma[0] < 0
    exact = replace(always_wrong, thresholds=replace(data.thresholds, sampler="exact"))
    assert found_by(config, exact)["defer-posthoc-column"].gamma[0] == 0


def test_study_makes_a_pilot_once_and_every_later_session_uses_it(pilot_of: Any, tmp_path: Path) -> None:
    config, directory, lines = pilot_of(), ResultsDirectory(tmp_path / "out"), list[str]()
    assert launch(config, directory, in_process=True, log=lines.append)
    assert sum(line.startswith("pilot: defer-ordinal-column: gamma from") for line in lines) == 1
    there = stored(directory.read_study(), "there")
    found = there.search.pilot["defer-ordinal-column"]
    gammas = directory.read_runs()[0].query("method == 'defer'")["gamma"]
    assert gammas.between(found.gamma[0], found.gamma[-1]).all()

    lines.clear()
    assert launch(config, directory, in_process=True, log=lines.append)
    assert resume(directory, in_process=True, log=lines.append)
    assert not any("pilot" in line for line in lines)
    # The study as resolved is the same study on another machine.
    other = ResultsDirectory(tmp_path / "other")
    assert launch(load_config(directory.study_file), other, in_process=True, log=lines.append)
    assert not any("pilot" in line for line in lines)
    assert set(other.read_runs()[0]["run_id"]) == set(directory.read_runs()[0]["run_id"])


def test_study_that_was_stopped_before_its_pilot_makes_it_when_resumed(
    pilot_of: Any, tmp_path: Path
) -> None:
    config, whole, cut = pilot_of(), *(ResultsDirectory(tmp_path / name) for name in ("whole", "cut"))
    assert launch(config, whole, in_process=True, log=lambda line: None)
    cut.write_study(config.resolved())
    assert resume(cut, in_process=True, log=lambda line: None)
    assert cut.read_study() == whole.read_study()
    assert set(cut.read_runs()[0]["run_id"]) == set(whole.read_runs()[0]["run_id"])


def test_a_range_in_the_study_file_needs_no_pilot(pilot_of: Any, tmp_path: Path) -> None:
    config, lines = pilot_of(gamma=[0.1]), list[str]()
    assert launch(config, ResultsDirectory(tmp_path / "out"), in_process=True, log=lines.append)
    assert not any("pilot" in line for line in lines)
