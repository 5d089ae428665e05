"""Packs are the same whatever finishes first and however often the study is interrupted."""

import random
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from study.config.sections import ADAPTIVE
from study.config.study_file import StudyConfig
from study.errors import LedgerError
from study.results.directory import ResultsDirectory
from study.results.packs import Pack
from study.search.arm_state import LOOKAHEAD
from study.search.pack_queue import PackQueue
from tests.worlds.small_study import IDENTITY, config_of, write_failed, write_made_up

SPACES = {
    "alpha": {"low": 0.1, "high": 10, "log": True},
    "gamma": {"reject": {"low": 0.5, "high": 0.7}, "defer": {"low": 0.03, "high": 0.15}},
}
LISTS = {
    "alpha": [0, 0.1, 1],
    "gamma": {"reject": [0.5, 0.6], "defer": [0.05, 0.1]},
    "model_alpha": [0.1, 0.2],
}
SAMPLERS = ["grid", "random", "qmc", "nsga2", "tpe"]


def config_for(sampler: str, **changes: Any) -> StudyConfig:
    search = {"sampler": sampler, "settings": 9, **(LISTS if sampler == "grid" else SPACES)}
    return config_of({"search": search, "seeds": 2, "pack": {"settings": 2}}, **changes)


def long_search(sampler: str) -> StudyConfig:
    """Enough settings for an adaptive search to leave its random start behind."""
    search = {"sampler": sampler, "settings": 100, **SPACES}
    return config_of({"search": search, "seeds": 1, "pack": {"settings": 25}, "methods": "defer"})


def undisturbed(config: StudyConfig, directory: ResultsDirectory) -> list[Pack]:
    """One worker, from beginning to end."""
    queue = PackQueue(config.plan().search, IDENTITY, directory)
    while (pack := queue.next()) is not None:
        write_made_up(directory, pack)
        queue.finish(pack)
    assert queue.done
    return directory.read_packs()


@pytest.fixture
def directory(tmp_path: Path) -> ResultsDirectory:
    return ResultsDirectory(tmp_path / "results")


@pytest.fixture(scope="module", params=SAMPLERS)
def expected(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    config = config_for(request.param)
    if request.param in ADAPTIVE:
        config = long_search(request.param)
    packs = undisturbed(config, ResultsDirectory(tmp_path_factory.mktemp("undisturbed")))
    return config, packs


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_packs_do_not_depend_on_workers_order_or_interruptions(expected: Any, data: st.DataObject) -> None:
    config, packs = expected
    with tempfile.TemporaryDirectory() as folder:
        directory = ResultsDirectory(folder)
        queue = PackQueue(config.plan().search, IDENTITY, directory)
        out: list[Pack] = []
        workers = data.draw(st.integers(1, 5), label="workers")
        crashes = data.draw(st.integers(0, 3), label="crashes")
        while not queue.done:
            asked = queue.next() if len(out) < workers else None
            if asked is not None:
                out.append(asked)
            if not out or (asked is not None and data.draw(st.booleans(), label="ask on")):
                continue
            pack = out.pop(data.draw(st.integers(0, len(out) - 1), label="finishes"))
            write_made_up(directory, pack)
            if crashes and data.draw(st.booleans(), label="crash"):
                crashes -= 1
                # A worker that outlives its driver may still write its rows.
                for orphan in out[: data.draw(st.integers(0, len(out)), label="orphans")]:
                    write_made_up(directory, orphan)
                out = []
                queue = PackQueue(config.plan().search, IDENTITY, directory)
            else:
                queue.finish(pack)
        assert directory.read_packs() == packs
        runs, broken = directory.read_runs()
        assert not broken
        assert len(runs) == queue.finished_runs == queue.planned_runs == sum(p.runs for p in packs)
        assert runs["run_id"].is_unique


def test_packs_whose_files_are_lost_are_the_same_again(expected: Any, directory: ResultsDirectory) -> None:
    """Whether a file was deleted or damaged, had rows or not, and whatever is lost beside it."""
    config, packs = expected
    drawn = random.Random(config.search.sampler)
    queue = PackQueue(config.plan().search, IDENTITY, directory)
    asked = []
    while (pack := queue.next()) is not None and len(asked) < len(packs) - 1:
        write_made_up(directory, pack)
        queue.finish(pack)
        asked.append(pack)
    for lost in drawn.sample(asked, 4):
        path = directory.pack_file(lost.pack_id)
        if drawn.random() < 0.5:
            path.unlink()
        else:
            path.write_bytes(path.read_bytes()[:-3])
    for broken in directory.broken():
        directory.set_aside(broken)
    again = PackQueue(config.plan().search, IDENTITY, directory)
    assert again.finished_runs == sum(pack.runs for pack in asked)
    undisturbed(config, directory)
    assert directory.read_packs() == packs
    assert directory.read_runs()[0]["run_id"].is_unique


def test_pack_that_is_not_proposed_again_is_refused(directory: ResultsDirectory) -> None:
    """Rows whose pack neither its file nor the search knows."""
    packs = undisturbed(config_for("random"), directory)
    other = replace(IDENTITY, code="other")
    for pack in packs:
        directory.pack_file(pack.pack_id).unlink()
    with pytest.raises(LedgerError, match=rf"pack {packs[0].pack_id} is missing, and the search would not"):
        PackQueue(config_for("random").plan().search, other, directory)
    assert directory.read_packs() == []


def test_two_packs_with_one_number_are_refused(directory: ResultsDirectory) -> None:
    pack = undisturbed(config_for("random"), directory)[0]
    directory.write_pack(Pack.of(pack.arm, pack.index, pack.proposals[:1], pack.seeds))
    with pytest.raises(LedgerError, match="two packs have the same number"):
        PackQueue(config_for("random").plan().search, IDENTITY, directory)


def test_every_arm_is_searched_to_its_end(expected: Any) -> None:
    config, packs = expected
    asked = {
        str(arm): sum(len(p.of_search) for p in packs if p.arm == arm) for arm in {p.arm for p in packs}
    }
    sizes = {"grid": (3, 6, 6), "random": (9, 9, 9), "qmc": (9, 9, 9)}
    binary, reject, defer = sizes.get(config.search.sampler, (0, None, 100))
    arms = {"binary-mlp-none": binary, "reject-ordinal-standard": reject, "defer-ordinal-standard": defer}
    assert asked == {arm: size for arm, size in arms.items() if size is not None}


@pytest.mark.parametrize("sampler", ["nsga2", "tpe"])
def test_adaptive_search_waits_for_all_but_the_last_pack(sampler: str, directory: ResultsDirectory) -> None:
    queue = PackQueue(config_for(sampler, methods="defer").plan().search, IDENTITY, directory)
    out = []
    while (pack := queue.next()) is not None:
        out.append(pack)
    defer = [pack for pack in out if pack.method == "defer"]
    assert [pack.index for pack in defer] == list(range(LOOKAHEAD))
    write_made_up(directory, defer[1])
    queue.finish(defer[1])
    assert queue.next() is None
    assert not queue.done
    write_made_up(directory, defer[0])
    queue.finish(defer[0])
    assert [queue.next().index for _ in range(2)] == [2, 3]  # type: ignore[union-attr]
    assert queue.next() is None


@pytest.mark.parametrize("sampler", ["grid", "random", "qmc"])
def test_other_searches_hand_out_everything_at_once(sampler: str, directory: ResultsDirectory) -> None:
    queue = PackQueue(config_for(sampler).plan().search, IDENTITY, directory)
    runs = 0
    while (pack := queue.next()) is not None:
        runs += pack.runs
    assert runs == queue.planned_runs
    assert not queue.done


@pytest.mark.parametrize("sampler", ["nsga2", "tpe"])
def test_figures_of_finished_packs_steer_an_adaptive_search(
    sampler: str, directory: ResultsDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = long_search(sampler)
    packs = undisturbed(config, directory)
    monkeypatch.setattr("tests.worlds.small_study.made_up", lambda *keys: len(str(keys)) % 7 / 7)
    others = undisturbed(config, ResultsDirectory(tmp_path / "other"))
    same = [one == other for one, other in zip(packs, others, strict=True) if one.method == "defer"]
    assert same[:LOOKAHEAD] == [True] * LOOKAHEAD
    assert False in same


def test_pack_is_written_down_before_it_is_handed_out(directory: ResultsDirectory) -> None:
    pack = PackQueue(config_for("random").plan().search, IDENTITY, directory).next()
    assert pack is not None
    assert directory.read_packs() == [pack]


def test_pack_without_rows_is_handed_out_again(directory: ResultsDirectory) -> None:
    config = config_for("random")
    pack = PackQueue(config.plan().search, IDENTITY, directory).next()
    assert PackQueue(config.plan().search, IDENTITY, directory).next() == pack


def test_nothing_is_left_of_a_finished_study(directory: ResultsDirectory) -> None:
    config = config_for("random")
    undisturbed(config, directory)
    queue = PackQueue(config.plan().search, IDENTITY, directory)
    assert queue.done
    assert queue.next() is None
    assert queue.finished_runs == queue.planned_runs == (3 * 9 + 1) * 2


# Counts


def test_counts_follow_what_finishes_and_fails(directory: ResultsDirectory) -> None:
    queue = PackQueue(config_for("random").plan().search, IDENTITY, directory)
    planned = queue.planned_runs
    first, second = queue.next(), queue.next()
    assert first is not None
    assert second is not None
    assert (queue.finished_runs, queue.failed_runs) == (0, 0)
    write_made_up(directory, first)
    queue.finish(first)
    assert (queue.finished_runs, queue.failed_runs) == (first.runs, 0)
    half, other = second.halves()
    write_made_up(directory, half)
    queue.finish(half)
    write_failed(directory, other)
    queue.finish(other, failed=True)
    assert (queue.finished_runs, queue.failed_runs) == (first.runs + half.runs, other.runs)
    assert queue.planned_runs == planned == (3 * 9 + 1) * 2


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_study_ends_though_every_pack_fails_and_resume_tries_them_again(
    sampler: str, directory: ResultsDirectory
) -> None:
    config = config_for(sampler)
    queue = PackQueue(config.plan().search, IDENTITY, directory)
    while (pack := queue.next()) is not None:
        write_failed(directory, pack)
        queue.finish(pack, failed=True)
    assert queue.done
    assert queue.finished_runs == 0
    assert queue.failed_runs == queue.planned_runs
    again = PackQueue(config.plan().search, IDENTITY, directory)
    assert not again.done
    assert again.failed_runs == 0
    undisturbed(config, directory)


def test_failed_pack_does_not_hold_up_an_adaptive_search(directory: ResultsDirectory) -> None:
    queue = PackQueue(config_for("nsga2", methods="defer").plan().search, IDENTITY, directory)
    handed = []
    while (pack := queue.next()) is not None:
        handed.append(pack.index)
        write_failed(directory, pack)
        queue.finish(pack, failed=True)
    assert queue.done
    assert max(handed) == 4


# Settings that meet


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_decision_maker_meets_the_same_settings(sampler: str, directory: ResultsDirectory) -> None:
    """All of them where the search looks at no results; else those before there are any."""
    makers = ["standard", "inconsistent"]
    config = config_for(sampler, decision_maker=makers, methods=["reject", "defer"], model="posthoc")
    packs = undisturbed(config, directory)
    settings_of_arm: dict[str, dict[str, list[Any]]] = {}
    for pack in packs:
        if sampler not in ADAPTIVE or pack.index < LOOKAHEAD:
            of_maker = settings_of_arm.setdefault(f"{pack.method} {pack.model}", {})
            of_maker.setdefault(pack.decision_maker, []).extend(p.setting.params for p in pack.of_search)
    del settings_of_arm["binary mlp"]
    assert len(settings_of_arm) == 2
    for of_maker in settings_of_arm.values():
        assert set(of_maker) == set(makers)
        first = of_maker["standard"]
        assert len(first) >= 4
        assert all(found == first for found in of_maker.values())
    runs = directory.read_runs()[0]
    assert runs["run_id"].is_unique


@pytest.mark.parametrize("sampler", ["random", "qmc", "nsga2", "tpe"])
@pytest.mark.parametrize(("model", "coordinates"), [("posthoc", 4), ("bayes", 2)])
def test_search_proposes_thresholds_as_quantiles(
    sampler: str, model: str, coordinates: int, directory: ResultsDirectory
) -> None:
    config = config_of(
        {"search": {"sampler": sampler, "settings": 40, "model_alpha": {"low": 2, "high": 3}}, "seeds": 1},
        **{"methods": "defer", "model": model, "thresholds": {"sampler": "search"}},
        pack={"settings": 10},
    )
    packs = undisturbed(config, directory)
    params = [p.setting.params for pack in packs for p in pack.of_search]
    assert len(params) == 40
    points = np.array([[value for name, value in p.items() if name != "model_alpha"] for p in params])
    assert points.shape == (40, coordinates)
    assert ((points >= 0) & (points <= 1)).all()
    assert (np.ptp(points, axis=0) > 0.3).all()
    runs = directory.read_runs()[0]
    runs = runs[runs["method"] == "defer"]
    assert runs["gamma"].isna().all()
    assert (runs["alpha"] == runs["model_alpha"]).all()
    assert runs["alpha"].between(2, 3).all()


def test_baseline_that_the_grid_has_too_runs_once(directory: ResultsDirectory) -> None:
    search = {"sampler": "grid", "alpha": [0, 1], "gamma": {"defer": 0.1, "reject": 0.5}}
    config = config_of({"search": search, "seeds": 3, "methods": "binary"})
    packs = undisturbed(config, directory)
    assert [(str(p.arm), p.runs, len(p.proposals)) for p in packs] == [("binary-mlp-none", 6, 3)]
    assert sorted(directory.read_runs()[0]["alpha"]) == [0.0] * 3 + [1.0] * 3


def test_every_study_has_the_baseline(directory: ResultsDirectory) -> None:
    config = config_for("random", methods="defer", decision_maker=["standard", "biased"])
    packs = undisturbed(config, directory)
    baseline = [pack for pack in packs if pack.method == "binary"]
    assert [[s.params for s in pack.settings] for pack in baseline] == [[{"alpha": 0.0}]]


@pytest.mark.parametrize("sampler", ["random", "nsga2", "tpe"])
def test_setting_proposed_twice_runs_once(sampler: str, directory: ResultsDirectory) -> None:
    search = {"sampler": sampler, "settings": 10, "alpha": [1, 2], "gamma": {"defer": [0.1], "reject": 0.5}}
    config = config_of({"search": search, "seeds": 2, "methods": "defer", "pack": {"settings": 3}})
    undisturbed(config, directory)
    queue = PackQueue(config.plan().search, IDENTITY, directory)
    runs = directory.read_runs()[0]
    assert runs["run_id"].is_unique
    assert len(runs) == queue.planned_runs <= (2 + 1) * 2
    assert set(runs.loc[runs["method"] == "defer", "alpha"]) <= {1.0, 2.0}


def test_binary_is_trained_once_for_all_decision_makers(directory: ResultsDirectory) -> None:
    config = config_for("random", decision_maker=["standard", "biased", "oracle"])
    undisturbed(config, directory)
    counts = directory.read_runs()[0].groupby(["method", "decision_maker"]).size().to_dict()
    with_makers = {(m, d): 18 for m in ("reject", "defer") for d in ("standard", "biased", "oracle")}
    assert counts == {("binary", "none"): 20, **with_makers}


# What does not belong


def test_pack_of_another_study_is_refused(directory: ResultsDirectory) -> None:
    undisturbed(config_for("random", methods="defer"), directory)
    with pytest.raises(LedgerError, match=r"pack defer-\S+ is not of this study's arms; they are binary"):
        PackQueue(config_for("random", methods="binary").plan().search, IDENTITY, directory)


def test_garbage_in_place_of_a_manifest_is_named(directory: ResultsDirectory) -> None:
    config = config_for("random")
    pack = PackQueue(config.plan().search, IDENTITY, directory).next()
    assert pack is not None
    path = directory.packs / f"{pack.pack_id}.json"
    for garbage in ("", "{", "[]", '{"proposals": 3}', "\x80"):
        path.write_text(garbage, "latin-1")
        with pytest.raises(LedgerError, match=rf"{pack.pack_id}.*; `study resume` makes it again"):
            PackQueue(config.plan().search, IDENTITY, directory)
