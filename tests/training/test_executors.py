"""What holds however packs are trained: one suite over this process and Ray."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from study.api import Study
from study.config.study_file import StudyConfig
from study.results.directory import ResultsDirectory
from study.results.files.schema import open_table, to_parquet
from study.training.launch import launch
from tests.worlds.small_study import TINY, assert_same_rows, config_of, resume

Train = Callable[[ResultsDirectory, StudyConfig | None], bool]

ASKED = config_of(TINY, decision_maker=["standard", "oracle"], methods=["binary", "defer"])


@pytest.fixture(scope="module", params=["in this process", "on Ray"])
def train(request: pytest.FixtureRequest) -> Train:
    """Launch a study, or resume it where none is given."""
    in_process = request.param == "in this process"
    if not in_process:
        request.getfixturevalue("ray_here")

    def run(directory: ResultsDirectory, config: StudyConfig | None) -> bool:
        options: dict[str, Any] = {"in_process": in_process, "log": lambda text: None}
        if config is None:
            return resume(directory, **options)
        return launch(config, directory, **options)

    return run


@pytest.fixture(scope="module")
def finished(train: Train, tmp_path_factory: pytest.TempPathFactory) -> ResultsDirectory:
    directory = ResultsDirectory(tmp_path_factory.mktemp("finished") / "results")
    assert train(directory, ASKED)
    return directory


@pytest.fixture
def own_copy(finished: ResultsDirectory, tmp_path: Path) -> ResultsDirectory:
    """The finished study, to do what one likes with."""
    shutil.copytree(finished.root, tmp_path / "copy")
    return ResultsDirectory(tmp_path / "copy")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """The same runs, from packs of one setting: none is trained beside another."""
    resolved = ASKED.resolved() | {"pack": {"settings": 1}}
    study = Study.run(resolved, out=tmp_path_factory.mktemp("alone") / "results", in_process=True)
    return study.results()


def without_pack(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.drop(columns="pack_id")


def times(directory: ResultsDirectory) -> dict[str, int]:
    return {path.name: os.stat(path).st_mtime_ns for path in directory.runs.iterdir()}


def test_rows_are_the_same_bit_for_bit_whatever_trains_them_beside_what(
    finished: ResultsDirectory, alone: pd.DataFrame
) -> None:
    rows, broken = finished.read_runs()
    assert not broken
    assert len(rows) == 20
    assert rows["run_id"].is_unique
    assert_same_rows(without_pack(rows), without_pack(alone))


def test_rows_say_what_was_asked_for(finished: ResultsDirectory) -> None:
    rows = finished.read_runs()[0]
    assert set(rows["study"]) == {"tiny"}
    assert set(rows["dataset"]) == {"compas-two-year"}
    assert set(rows["data_fingerprint"]) == {finished.read_manifest()["data_fingerprint"]}
    counts = rows.groupby(["method", "model", "decision_maker"]).size().to_dict()
    assert counts == {
        ("binary", "mlp", "none"): 8,
        ("defer", "ordinal", "standard"): 6,
        ("defer", "ordinal", "oracle"): 6,
    }
    binary = rows[rows["method"] == "binary"]
    assert (binary["alpha"] == 0).sum() == 2
    undefined = ["gamma", "t0_a0", "t1_a0", "t0_a1", "t1_a1", "test_dm_error"]
    assert binary[undefined].isna().all(axis=None)
    assert (binary["test_idk_rate"] == 0).all()
    defer = rows[rows["method"] == "defer"]
    assert defer["gamma"].between(0.03, 0.15).all()
    assert (defer["t0_a0"] < defer["t1_a0"]).all()
    assert (rows["epochs"] == 3).all()
    assert rows["best_epoch"].between(1, 3).all()
    assert (rows["status"] == "max_epochs").all()
    assert (rows["seconds"] > 0).all()


def test_an_oracle_makes_no_error(finished: ResultsDirectory) -> None:
    rows = finished.read_runs()[0]
    oracle = rows[(rows["decision_maker"] == "oracle") & (rows["test_idk_rate"] > 0)]
    assert len(oracle) > 0
    assert (oracle["test_dm_error"] == 0).all()


def test_every_run_has_its_weights(finished: ResultsDirectory) -> None:
    rows = finished.read_runs()[0]
    sizes = {model: set() for model in ("mlp", "ordinal")}  # type: dict[str, set[int]]
    for row in rows.itertuples():
        sizes[row.model].add(len(finished.read_weights(row.run_id, row.pack_id)))
    assert all(len(size) == 1 for size in sizes.values())


def test_every_run_has_its_decisions(finished: ResultsDirectory) -> None:
    rows = finished.read_runs()[0]
    outcomes = finished.read_outcomes(rows)
    assert outcomes is not None
    assert sorted(outcomes.run_id) == sorted(rows["run_id"])
    idk_rate = rows.set_index("run_id").loc[list(outcomes.run_id), "test_idk_rate"]
    assert list(outcomes.deferred.mean(1)) == pytest.approx(list(idk_rate), abs=1e-12)
    assert set(outcomes.decisions) == {"standard", "oracle"}


def test_session_is_written_down(finished: ResultsDirectory) -> None:
    manifest = finished.read_manifest()
    assert manifest["rows"] == 7214
    (session,) = manifest["sessions"]
    assert session["state"] == "done"
    assert session["started"] <= session["ended"]
    assert {"torch", "ray", "optuna", "numpy"} <= set(session["versions"])


def test_finished_study_is_left_alone(train: Train, own_copy: ResultsDirectory) -> None:
    before = times(own_copy)
    assert train(own_copy, None)
    assert train(own_copy, ASKED)
    assert times(own_copy) == before
    assert len(own_copy.read_manifest()["sessions"]) == 3


def test_pack_that_raises_leaves_rows_that_say_why_and_resume_tries_its_runs_again(
    train: Train, own_copy: ResultsDirectory, alone: pd.DataFrame
) -> None:
    before = times(own_copy)
    bad, sound = sorted(own_copy.packs.iterdir())[3:5]
    whole = own_copy.decision_makers_file.read_bytes()
    makers = own_copy.read_decision_makers()
    own_copy.write_decision_makers(makers[makers["decision_maker"] != "oracle"].to_dict("list"))
    own_copy.test_rows_file.unlink()
    for path in own_copy.outcomes.iterdir():
        # Else other decision-makers than those of the finished runs are refused before a pack fails.
        path.write_bytes(to_parquet(open_table(path.read_bytes()).replace_schema_metadata()))
    for pack in (bad, sound):
        (own_copy.runs / f"{pack.stem}.parquet").unlink()

    assert not train(own_copy, None)
    status = Study(own_copy.root).status()
    assert (status.state, status.planned) == ("interrupted", 20)
    assert status.failed > 0
    assert status.finished + status.failed == status.planned
    reason = "ValueError: unknown decision-maker oracle"
    (failure,) = status.failures
    assert failure.startswith(f"{bad.stem}: {status.failed} runs: ")
    assert failure.endswith(reason)
    assert own_copy.has_runs(sound.stem)
    rows = own_copy.read_runs()[0]
    rows = rows[rows["pack_id"].str.startswith(bad.stem)]
    assert sorted(rows["run_id"]) == sorted(own_copy.read_pack(bad.stem).run_ids)
    assert set(rows["status"]) == {"failed"}
    assert all(words.endswith(reason) for words in rows["reason"])
    assert rows["test_error"].isna().all()

    own_copy.decision_makers_file.write_bytes(whole)
    own_copy.test_rows_file.unlink()
    assert train(own_copy, None)
    status = Study(own_copy.root).status()
    assert (status.state, status.finished, status.failed) == ("finished", 20, 0)
    assert_same_rows(without_pack(own_copy.read_runs()[0]), without_pack(alone))
    untouched = before.keys() - {f"{pack.stem}.parquet" for pack in (bad, sound)}
    assert {name: times(own_copy)[name] for name in untouched} == {name: before[name] for name in untouched}
