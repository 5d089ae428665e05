"""The directory of machine code is kept small; no test here compiles anything."""

import os
import time
from pathlib import Path

import pytest
import torch
from filelock import FileLock

from study.engines import machine_code
from study.engines.code_cache import mark_used, prune
from study.engines.machine_code import Traceable

DAY = 24 * 3600.0


def aged(path: Path, days: float, *, folder: bool = False) -> Path:
    """Make what was last used so many days ago."""
    if folder:
        path.mkdir()
        (path / "half.cpp").write_text("int")
    else:
        path.write_bytes(b"code")
    then = time.time() - days * DAY
    os.utime(path, (then, then))
    return path


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_what_is_old_goes_and_what_is_in_use_or_being_written_stays(tmp_path: Path) -> None:
    for age, days in (("old", 31), ("young", 29), ("new", 0)):
        aged(tmp_path / f"{age}.pt2", days)
        aged(tmp_path / f"{age}.lock", days)
        aged(tmp_path / f"tmp{age}", days, folder=True)
    prune(tmp_path)
    assert names(tmp_path) == ["new.lock", "new.pt2", "tmpnew", "tmpyoung", "young.lock", "young.pt2"]
    assert (tmp_path / "tmpyoung" / "half.cpp").exists()


def test_files_that_are_not_ours_and_what_a_link_leads_to_stay(tmp_path: Path) -> None:
    directory, elsewhere = tmp_path / "code", tmp_path / "elsewhere"
    directory.mkdir()
    aged(directory / "notes.txt", 400)
    aged(elsewhere, 400, folder=True)
    (directory / "tmplink").symlink_to(elsewhere)
    os.utime(directory / "tmplink", (0, 0), follow_symlinks=False)
    prune(directory)
    assert names(directory) == ["notes.txt"]
    assert names(elsewhere) == ["half.cpp"]


def test_old_lock_that_is_held_stays(tmp_path: Path) -> None:
    path = aged(tmp_path / "a.lock", 31)
    with FileLock(path):
        prune(tmp_path)
        assert names(tmp_path) == ["a.lock"]
    prune(tmp_path)
    assert names(tmp_path) == []


def test_use_keeps_a_file(tmp_path: Path) -> None:
    path = aged(tmp_path / "a.pt2", 400)
    mark_used(path)
    prune(tmp_path)
    assert names(tmp_path) == ["a.pt2"]


def test_what_cannot_be_touched_or_removed_is_left_and_the_rest_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a cache that is read-only, and beside another process that prunes."""
    unlink = Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path.name == "a.pt2":
            raise PermissionError(path)
        if path.name == "b.pt2":
            unlink(path)
        unlink(path, missing_ok)

    for name in "abc":
        aged(tmp_path / f"{name}.pt2", 31)
    monkeypatch.setattr(Path, "unlink", refuse)
    monkeypatch.setattr(os, "utime", lambda path: (_ for _ in ()).throw(PermissionError(path)))
    mark_used(tmp_path / "a.pt2")
    prune(tmp_path)
    assert names(tmp_path) == ["a.pt2"]
    prune(tmp_path / "nowhere")
    mark_used(tmp_path / "nowhere" / "a.pt2")


@pytest.mark.parametrize("there", [True, False], ids=["loading", "compiling"])
def test_loading_marks_and_compiling_prunes(
    there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def graph() -> None:
        traceable = Traceable(
            "a-step", "source", lambda *tensors: None, [torch.zeros(7, 4, 32)], seeds=7, lanes=32
        )
        machine_code.machine_code(traceable, tmp_path)

    made: list[Path] = []

    def compile_(traceable: object, path: Path) -> None:
        made.append(path)
        path.write_bytes(b"code")

    monkeypatch.setattr(machine_code, "compile_graph", compile_)
    monkeypatch.setattr(machine_code, "_load", lambda path: path)
    if there:
        graph()
        (path,) = made
        os.utime(path, (0, 0))
    other = aged(tmp_path / "other.pt2", 31)
    graph()
    (path,) = made
    assert path.stat().st_mtime > time.time() - DAY
    assert other.exists() == there
