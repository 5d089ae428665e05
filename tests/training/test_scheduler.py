"""A pack with runs that cannot be trained: all others get their rows, and these get rows that say why."""

import io
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from study.results.directory import ResultsDirectory
from study.results.files.schema import RUN_SCHEMA
from study.results.packs import Pack
from study.search.pack_queue import PackQueue
from study.training.pack import Advance
from study.training.progress import Progress
from study.training.scheduler import RETRIES, SPLITS, Attempts
from study.words import FAILED
from tests.training.test_pack import small_data
from tests.worlds.small_study import IDENTITY, assert_same_rows, config_of, write_made_up

CONFIG = config_of(
    {
        "search": {"sampler": "random", "settings": 24},
        "seeds": 3,
        "methods": "defer",
        "pack": {"settings": 12},
    }
)
"""Two packs of 36 runs and the baseline's of 3."""


class Session:
    """A driver and its only worker, for which some runs are too much."""

    def __init__(self, directory: ResultsDirectory, bad: Collection[str] = ()) -> None:
        self.directory, self.bad = directory, bad
        self.said, self.counts = io.StringIO(), dict[str, Any]()
        self.queue = PackQueue(CONFIG.plan().search, IDENTITY, directory)
        progress = Progress(self.queue, lambda: "", self.said)
        self.attempts = Attempts(self.queue, [small_data()], directory, progress, self.counts)
        self.trained: list[str] = []

    def step(self) -> bool:
        """Try one pack; return whether there was any."""
        pack_id = self.attempts.next()
        if pack_id is None:
            return False
        pack = self.directory.read_pack(pack_id)
        assert not self.directory.has_runs(pack_id)
        if not {*pack.run_ids} & {*self.bad}:
            write_made_up(self.directory, pack)
            self.trained += pack.run_ids
        self.attempts.ended(pack_id, "MemoryError: too much")
        return True

    def run(self) -> "Session":
        while self.step():
            pass
        assert self.attempts.done
        return self


@pytest.fixture
def directory(tmp_path: Path) -> ResultsDirectory:
    return ResultsDirectory(tmp_path / "results")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    directory = ResultsDirectory(tmp_path_factory.mktemp("undisturbed"))
    Session(directory).run()
    return rows_of(directory)


def rows_of(directory: ResultsDirectory) -> pd.DataFrame:
    """Every row in every file of the ledger, in the order of run_id."""
    rows = pd.concat([pd.read_parquet(path) for path in directory.runs.iterdir()])
    # Counts are null where a run failed, which pandas would have as another type.
    rows = rows.astype({field.name: "Int32" for field in RUN_SCHEMA if field.type == "int32"})
    assert rows["run_id"].is_unique
    return rows.sort_values("run_id", ignore_index=True)


def assert_same_runs(one: pd.DataFrame, other: pd.DataFrame) -> None:
    """The rows are the same bit for bit, but for which part of a pack they were trained in."""
    whole = [rows.assign(pack_id=rows["pack_id"].str.partition(".")[0]) for rows in (one, other)]
    assert_same_rows(*whole)


def assert_nothing_left_over(directory: ResultsDirectory) -> None:
    """Every file of rows is of a pack that was written down, or of a part of one."""
    packs = {path.stem for path in directory.packs.iterdir()}
    of_runs = {path.stem for path in directory.runs.iterdir()}
    assert {pack_id.partition(".")[0] for pack_id in of_runs} == packs
    for folder in (directory.weights, directory.outcomes):
        assert {path.stem for path in folder.iterdir()} == of_runs
    for pack_id in of_runs:
        rows = directory.read_pack_runs(pack_id)
        assert set(rows["pack_id"]) == {pack_id}
        assert sorted(rows["run_id"]) == sorted(directory.read_pack(pack_id).run_ids)


def runs_of(pack: str, undisturbed: pd.DataFrame) -> list[str]:
    return list(undisturbed.loc[undisturbed["pack_id"].str.startswith(pack), "run_id"])


@pytest.mark.parametrize("count", [1, 2, 5, 36])
def test_runs_at_fault_get_rows_that_say_why_and_all_others_finish(
    count: int, directory: ResultsDirectory, undisturbed: pd.DataFrame
) -> None:
    bad = runs_of("defer-ordinal-standard-00001", undisturbed)[:count]
    session = Session(directory, bad).run()
    rows = rows_of(directory)
    failed = rows[rows["status"] == FAILED]
    assert sorted(failed["run_id"]) == sorted(bad)
    assert set(failed["reason"]) == {"MemoryError: too much"}
    assert failed["test_error"].isna().all()
    of_study = ["pack_id", "method", "model", "decision_maker", "setting_id", "seed", "alpha", "gamma"]
    expected = undisturbed[undisturbed["run_id"].isin(bad)]
    asked_for = failed[of_study].assign(pack_id=failed["pack_id"].str.partition(".")[0])
    pd.testing.assert_frame_equal(asked_for, expected[of_study])
    assert_same_runs(rows[~rows["run_id"].isin(bad)], undisturbed[~undisturbed["run_id"].isin(bad)])
    assert_nothing_left_over(directory)
    assert (session.queue.finished_runs, session.queue.failed_runs) == (75 - count, count)
    assert "of pack defer-ordinal-standard-00001" in session.said.getvalue()


def test_retries_and_splits_are_said_and_counted(
    directory: ResultsDirectory, undisturbed: pd.DataFrame
) -> None:
    (bad,) = runs_of("binary", undisturbed)[:1]
    session = Session(directory, [bad]).run()
    assert session.counts == {"taken_up": 0, "retried": 2 * RETRIES + 1, "split": 2}
    lines = session.said.getvalue()
    assert re.search(r"pack binary-\S+ is tried again, 1 of 3: MemoryError: too much\n", lines)
    assert re.search(r"pack binary-\S+ is split, 3 runs: MemoryError: too much\n", lines)
    assert re.search(rf"run {bad} of pack binary-\S+ failed: MemoryError: too much\n", lines)


def test_pack_whose_every_part_fails_is_given_up_after_few_splits(
    directory: ResultsDirectory, undisturbed: pd.DataFrame
) -> None:
    session = Session(directory, runs_of("defer-ordinal-standard-00000", undisturbed)).run()
    assert session.counts["split"] == SPLITS


def test_failed_runs_are_tried_again_in_the_next_session_and_no_others(
    directory: ResultsDirectory, undisturbed: pd.DataFrame
) -> None:
    bad = runs_of("defer", undisturbed)[::20]
    Session(directory, bad).run()
    again = Session(directory, bad[:1]).run()
    assert sorted(again.trained) == sorted(bad[1:])
    rows = rows_of(directory)
    assert list(rows.loc[rows["status"] == FAILED, "run_id"]) == bad[:1]
    last = Session(directory).run()
    assert last.trained == bad[:1]
    assert_same_runs(rows_of(directory), undisturbed)
    assert_nothing_left_over(directory)
    assert Session(directory).run().trained == []


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_driver_killed_at_any_time_while_packs_are_split_loses_and_repeats_nothing(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory, undisturbed: pd.DataFrame
) -> None:
    directory = ResultsDirectory(tmp_path_factory.mktemp("killed"))
    ids = sorted(undisturbed["run_id"])
    bad = data.draw(st.sets(st.sampled_from(ids), max_size=3), "bad")
    trained: list[str] = []
    for _ in range(data.draw(st.integers(0, 4), "kills")):
        session = Session(directory, bad)
        for _ in range(data.draw(st.integers(1, 40), "steps")):
            session.step()
        trained += session.trained
    trained += Session(directory, bad).run().trained
    assert len(set(trained)) == len(trained)
    trained += Session(directory).run().trained
    assert sorted(trained) == ids
    assert_same_runs(rows_of(directory), undisturbed)
    assert_nothing_left_over(directory)


def test_killed_between_writing_that_runs_failed_and_noting_it(
    directory: ResultsDirectory, undisturbed: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = PackQueue.finish

    def killed(queue: PackQueue, pack: Pack, *, failed: bool) -> None:
        if failed:
            raise KeyboardInterrupt
        finish(queue, pack)

    bad = runs_of("defer-ordinal-standard-00001", undisturbed)[:1]
    with monkeypatch.context() as patch:
        patch.setattr("study.search.pack_queue.PackQueue.finish", killed)
        with pytest.raises(KeyboardInterrupt):
            Session(directory, bad).run()
    assert bad[0] in set(rows_of(directory)["run_id"])
    Session(directory).run()
    assert_same_runs(rows_of(directory), undisturbed)
    assert_nothing_left_over(directory)


def test_pack_that_gets_on_between_its_failures_is_not_split(directory: ResultsDirectory) -> None:
    session = Session(directory)
    name = session.attempts.next()
    assert name is not None
    for epoch in range(1, 20):
        session.attempts.advanced(name, Advance(0, taken_up=epoch))
        session.attempts.ended(name, "the worker died")
        while (other := session.attempts.next()) != name:
            assert other is not None
            session.attempts.ended(other, "")
    assert f"pack {name} continues from epoch 19\n" in session.said.getvalue()
    assert f"pack {name} is split" not in session.said.getvalue()
    assert session.counts["taken_up"] == 19
