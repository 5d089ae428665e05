"""A pack that was saved in training is resumed to the same rows, by the training it belongs to."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load, save

from study.errors import OutputError
from study.results.directory import ResultsDirectory
from study.results.packs import Pack, Proposal
from study.training import checkpoint
from study.training.pack import Advance, run_pack
from study.words import BASELINE
from tests.training.test_pack import small_data
from tests.worlds.small_study import IDENTITY, assert_same_rows

PACK = Pack.of(
    BASELINE,
    0,
    [Proposal(IDENTITY.setting(BASELINE, {"alpha": alpha / 40}), {}) for alpha in range(40)],
    [0, 1],
    set(),
)


@pytest.fixture(autouse=True)
def _after_every_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "CHECKPOINT_EVERY", 0.0)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> ResultsDirectory:
    directory = ResultsDirectory(tmp_path_factory.mktemp("undisturbed"))
    list(run_pack(PACK, small_data(), directory))
    return directory


def interrupt(directory: ResultsDirectory, epochs: int, pack: Pack = PACK) -> Iterator[Advance]:
    """Train for some epochs and stop there, as a worker does that is killed."""
    training = run_pack(pack, small_data(), directory)
    for _ in range(epochs):
        next(training)
    return training


def test_pack_killed_again_and_again_ends_with_the_same_rows_and_weights(
    tmp_path, undisturbed: ResultsDirectory
) -> None:
    directory = ResultsDirectory(tmp_path)
    for tries in range(3):
        training = interrupt(directory, 2)
        assert next(training).taken_up == 2 * tries + tries
    assert {advance.taken_up for advance in run_pack(PACK, small_data(), directory)} == {9}
    rows = directory.read_pack_runs(PACK.pack_id)
    assert_same_rows(rows, undisturbed.read_pack_runs(PACK.pack_id))
    for run in rows["run_id"]:
        assert np.array_equal(*(of.read_weights(run, PACK.pack_id) for of in (directory, undisturbed)))
    assert list(directory.checkpoints.iterdir()) == []


def test_time_of_all_tries_is_counted(tmp_path) -> None:
    directory = ResultsDirectory(tmp_path)
    interrupt(directory, 3)
    content = directory.read_checkpoint(PACK.pack_id)
    assert content is not None
    state = load(content[32:])
    later = save(state | {"seconds": state["seconds"] + 1000})
    longer = ResultsDirectory(tmp_path / "longer")
    seal = checkpoint.Checkpoint(PACK, longer, backend="eager")._seal(later)
    longer.write_checkpoint(PACK.pack_id, seal + later)
    list(run_pack(PACK, small_data(), longer))
    assert 1000 < longer.read_pack_runs(PACK.pack_id)["seconds"].sum() < 2000


def test_nothing_is_written_of_a_pack_that_takes_moments(tmp_path, monkeypatch) -> None:
    monkeypatch.undo()
    directory = ResultsDirectory(tmp_path)
    list(run_pack(PACK, small_data(), directory))
    assert not directory.checkpoints.exists()


def test_training_continues_where_no_checkpoint_can_be_written(
    tmp_path, undisturbed: ResultsDirectory, monkeypatch
) -> None:
    def full(*words: object) -> None:
        raise OutputError("no space left")

    directory = ResultsDirectory(tmp_path)
    monkeypatch.setattr(directory, "write_checkpoint", full)
    list(run_pack(PACK, small_data(), directory))
    assert_same_rows(directory.read_pack_runs(PACK.pack_id), undisturbed.read_pack_runs(PACK.pack_id))


def test_checkpoint_of_another_pack_torch_or_step_is_not_used(tmp_path, monkeypatch) -> None:
    directory = ResultsDirectory(tmp_path)
    interrupt(directory, 3)
    content = directory.read_checkpoint(PACK.pack_id)
    assert content is not None
    other = Pack.of(BASELINE, 1, PACK.proposals[::-1], PACK.seeds, set())
    directory.write_checkpoint(other.pack_id, content)
    assert next(run_pack(other, small_data(), directory)).taken_up == 0
    assert taken_up(directory, content, backend="eager")
    assert not taken_up(directory, content, backend="compiled")
    monkeypatch.setattr(torch, "__version__", "1.0")
    assert not taken_up(directory, content, backend="eager")


def taken_up(directory: ResultsDirectory, content: bytes, *, backend: str = "eager") -> bool:
    class Training:
        def restore(self, state: object) -> None:
            pass

    directory.write_checkpoint(PACK.pack_id, content)
    return checkpoint.Checkpoint(PACK, directory, backend=backend).restore(Training())  # type: ignore


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_torn_or_damaged_checkpoint_is_never_used(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    directory = ResultsDirectory(tmp_path_factory.getbasetemp() / "damaged")
    content = bytearray(kept(directory))
    if data.draw(st.booleans(), "torn"):
        content = content[: data.draw(st.integers(0, len(content) - 1), "length")]
    else:
        at = data.draw(st.integers(0, len(content) - 1), "byte")
        content[at] ^= data.draw(st.integers(1, 255), "flip")
    assert not taken_up(directory, bytes(content))


_kept: list[bytes] = []


def kept(directory: ResultsDirectory) -> bytes:
    if not _kept:
        interrupt(directory, 3)
        _kept.append(directory.read_checkpoint(PACK.pack_id) or b"")
    return _kept[0]
