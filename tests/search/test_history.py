"""The search as an Optuna study: loaded with Optuna, it says what the ledger says."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest
from optuna.trial import TrialState

from study import Study
from study.errors import LedgerError, OutputError
from study.results.choice.chosen_run import select
from study.results.directory import ResultsDirectory
from study.results.limits import Question
from study.search.samplers import OBJECTIVES, Observation, Point, propose
from tests.worlds.small_study import TINY, config_of, write_rows

SEARCHED: dict[str, Any] = {
    **TINY,
    "study": "searched",
    "methods": ["binary", "defer"],
    "search": {"sampler": "nsga2", "settings": 4},
    "training": {"max_epochs": 2},
}


def silent(text: str) -> None:
    """Say nothing."""


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> ResultsDirectory:
    """A finished study of a sampler that remembers. Only to be read."""
    out = tmp_path_factory.mktemp("searched") / "results"
    return Study.run(SEARCHED, out=out, in_process=True).directory


@pytest.fixture(scope="module")
def history(searched: ResultsDirectory, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of its history."""
    path = tmp_path_factory.mktemp("history") / "history.db"
    assert Study(searched.root).optuna(path, log=silent) == 8
    return f"sqlite:///{path}"


@contextmanager
def opened(history: str) -> Iterator[optuna.storages.RDBStorage]:
    """Its storage, closed at the end: Optuna leaves that to the garbage collector."""
    storage = optuna.storages.RDBStorage(history)
    try:
        yield storage
    finally:
        storage.remove_session()
        storage.engine.dispose()


def names_in(history: str) -> list[str]:
    with opened(history) as storage:
        return optuna.get_all_study_names(storage)


def loaded(history: str, name: str) -> optuna.Study:
    memory = optuna.storages.InMemoryStorage()
    with opened(history) as storage:
        optuna.copy_study(from_study_name=name, from_storage=storage, to_storage=memory)
    return optuna.load_study(study_name=name, storage=memory)


def medians(runs: pd.DataFrame) -> pd.DataFrame:
    return runs.groupby("setting_id").median(numeric_only=True)


def test_there_is_a_study_for_every_arm_and_a_trial_for_every_setting(history: str) -> None:
    assert names_in(history) == [
        "searched-binary-mlp-none",
        "searched-defer-ordinal-standard",
    ]
    for name in names_in(history):
        study = loaded(history, name)
        assert len(study.trials) == 4
        assert {trial.state for trial in study.trials} == {TrialState.COMPLETE}
        assert study.directions == [optuna.study.StudyDirection.MINIMIZE] * 3
        assert study.metric_names == list(OBJECTIVES)


def test_trials_say_what_the_ledger_says(history: str, searched: ResultsDirectory) -> None:
    runs = searched.read_runs()[0]
    of_setting = medians(runs)
    for planned in Study(searched.root).config.plan().search.arms:
        arm = planned.arm
        study = loaded(history, f"searched-{arm}")
        assert study.user_attrs == {
            "study": "searched",
            "dataset": "compas-two-year",
            "sampler": "nsga2",
            "method": arm.method,
            "model": arm.model,
            "decision_maker": arm.decision_maker,
        }
        here = runs[(runs["method"] == arm.method) & (runs["setting_id"] != baseline(runs))]
        assert {trial.user_attrs["setting_id"] for trial in study.trials} == set(here["setting_id"])
        for trial in study.trials:
            row = of_setting.loc[trial.user_attrs["setting_id"]]
            assert trial.values == [row[name] for name in OBJECTIVES]
            assert set(trial.params) == set(planned.spaces)
            for name, value in trial.params.items():
                assert row[name] == value
            for name in ("test_error", "test_di", "test_idk_rate"):
                assert trial.user_attrs[name] == row[name]
            assert trial.user_attrs["seeds"] == 2
            assert trial.duration is not None
            assert trial.datetime_complete is not None


def baseline(runs: pd.DataFrame) -> str:
    (found,) = set(runs.query("method == 'binary' and alpha == 0")["setting_id"])
    return str(found)


def test_run_of_a_trial_is_the_one_that_select_names(history: str, searched: ResultsDirectory) -> None:
    chosen = select(searched.read_runs()[0], searched.read_outcomes, Question.of(method="defer"), planned=0)
    trials = loaded(history, "searched-defer-ordinal-standard").trials
    (trial,) = (t for t in trials if t.user_attrs["setting_id"] == chosen.setting_id)
    assert trial.user_attrs["run_id"] == chosen.run_id


def test_sampler_finds_what_it_must_remember(history: str, searched: ResultsDirectory) -> None:
    """A search continues from the file exactly as it would from the ledger."""
    (_, planned) = Study(searched.root).config.plan().search.arms
    arm = planned.arm
    trials = loaded(history, f"searched-{arm}").trials
    observed = [Observation(Point(t.params, t.system_attrs), tuple(t.values)) for t in trials]
    packs = [p for p in searched.read_packs() if p.arm == arm]
    remembered = [proposal.memory for pack in packs for proposal in pack.of_search]
    assert [past.point.memory for past in observed] == remembered
    assert any(memory for memory in remembered)
    assert len(propose("nsga2", planned.spaces, 3, seed=(0, "an arm", 9), observed=observed)) == 3


def test_best_trials_are_the_front_of_the_validation_figures(history: str) -> None:
    study = loaded(history, "searched-defer-ordinal-standard")
    points = np.array([trial.values for trial in study.trials])
    undominated = [
        not any((other <= point).all() and (other < point).any() for other in points) for point in points
    ]
    best = [trial.number in {t.number for t in study.best_trials} for trial in study.trials]
    assert best == undominated


def test_setting_without_figures_has_failed_and_one_that_has_not_finished_is_not_there(
    tiny_copy: ResultsDirectory, tmp_path: Path
) -> None:
    config = Study(tiny_copy.root).config
    (pack, gone) = (p for p in tiny_copy.read_packs() if str(p.arm) == "defer-ordinal-standard")
    rows = tiny_copy.read_pack_runs(pack.pack_id)
    lost = pack.of_search[0].setting.setting_id
    rows.loc[rows["setting_id"] == lost, "validation_di"] = None
    write_rows(tiny_copy, pack, rows.astype(object).where(rows.notna(), None).to_dict("list"))
    (tiny_copy.runs / f"{gone.pack_id}.parquet").unlink()
    assert Study(tiny_copy.root).optuna(tmp_path / "h.db", log=silent) == 8
    study = loaded(f"sqlite:///{tmp_path / 'h.db'}", "tiny-defer-ordinal-standard")
    assert {t.user_attrs["setting_id"]: t.state for t in study.trials} == {
        proposal.setting.setting_id: (
            TrialState.FAIL if proposal.setting.setting_id == lost else TrialState.COMPLETE
        )
        for proposal in pack.of_search
    }
    assert all(trial.values is None for trial in study.trials if trial.state == TrialState.FAIL)
    assert [str(planned.arm) for planned in config.plan().search.arms] == [
        name.removeprefix("tiny-") for name in names_in(f"sqlite:///{tmp_path / 'h.db'}")
    ]


def test_pack_whose_file_is_gone_is_named(tiny_copy: ResultsDirectory, tmp_path: Path) -> None:
    pack = next(p for p in tiny_copy.read_packs() if str(p.arm) == "defer-ordinal-standard")
    tiny_copy.pack_file(pack.pack_id).unlink()
    study = Study(tiny_copy.root)
    for verb in (study.status, study.select, study.full_results, lambda: study.optuna(tmp_path / "h.db")):
        with pytest.raises(LedgerError, match=rf"{pack.pack_id}\.json: is missing; `study resume` makes"):
            verb()


def test_thresholds_chosen_afterwards_and_lists_are_parameters_as_well(tmp_path: Path) -> None:
    given = {
        **{**TINY, "methods": "defer", "model": "posthoc", "seeds": 1},
        "search": {"sampler": "random", "settings": 3, "model_alpha": [0.1, 0.2]},
        "thresholds": {"sampler": "search"},
    }
    study = Study.run(given, out=tmp_path / "out", in_process=True)
    assert study.optuna(tmp_path / "h.db", log=silent) == 3
    trials = loaded(f"sqlite:///{tmp_path / 'h.db'}", "tiny-defer-posthoc-standard").trials
    for trial in trials:
        assert set(trial.params) == {"model_alpha", "q0_a0", "q1_a0", "q0_a1", "q1_a1"}
        assert trial.params["model_alpha"] in (0.1, 0.2)
    assert isinstance(trials[0].distributions["model_alpha"], optuna.distributions.CategoricalDistribution)


def test_study_that_has_just_begun_has_a_history_without_trials(
    results: ResultsDirectory, tmp_path: Path
) -> None:
    results.write_study(config_of(TINY).resolved())
    assert Study(results.root).optuna(tmp_path / "h.db", log=silent) == 0
    assert len(names_in(f"sqlite:///{tmp_path / 'h.db'}")) == 3


def test_progress_is_said_now_and_then(
    tiny_results: ResultsDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("study.search.history._LOG_EVERY", 0.0)
    said: list[str] = []
    Study(tiny_results.root).optuna(tmp_path / "h.db", log=said.append)
    assert said == [f"{done} of 9 settings" for done in range(1, 10)]


# What is refused


def test_file_that_is_there_already_is_left_alone(tiny_results: ResultsDirectory, tmp_path: Path) -> None:
    (tmp_path / "h.db").write_text("mine")
    with pytest.raises(OutputError, match=r"h\.db: already exists; give another --out, or delete it"):
        Study(tiny_results.root).optuna(tmp_path / "h.db", log=silent)
    with pytest.raises(OutputError, match="below: cannot be written"):
        Study(tiny_results.root).optuna(tmp_path / "h.db" / "below", log=silent)
    assert (tmp_path / "h.db").read_text() == "mine"
    with pytest.raises(LedgerError, match="no study there"):
        Study(tmp_path / "nothing").optuna(tmp_path / "new.db", log=silent)
    assert [path.name for path in tmp_path.iterdir()] == ["h.db"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_file_appears_whole_or_not_at_all(
    error: BaseException, tiny_results: ResultsDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, calls = optuna.Study.add_trial, []

    def fails(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        calls.append(trial)
        if len(calls) == 3:
            raise error
        original(study, trial)

    monkeypatch.setattr(optuna.Study, "add_trial", fails)
    wanted: Callable[..., Any] = OutputError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(wanted):  # type: ignore[call-overload]
        Study(tiny_results.root).optuna(tmp_path / "h.db", log=silent)
    assert list(tmp_path.iterdir()) == []
