"""Temporary directories go with their process, even one that is killed; those of others stay."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import study.storage.temporary
from study.storage.temporary import temporary_folder

HOLDING = """
import sys, time
from pathlib import Path
from study.storage.temporary import temporary_folder
with temporary_folder("study-", Path(sys.argv[1])) as folder:
    (folder / "session").mkdir()
    (folder / "session" / "link").symlink_to(sys.argv[1])
    print(folder, flush=True)
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def _young_for_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study.storage.temporary, "_YOUNG", 0.0)


def holder(base: Path) -> tuple[subprocess.Popen[str], Path]:
    """Another process with a temporary directory in ``base``."""
    process = subprocess.Popen([sys.executable, "-c", HOLDING, base], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_a_directory_stays_while_its_process_lives_and_goes_once_it_was_killed(tmp_path: Path) -> None:
    process, theirs = holder(tmp_path)
    try:
        for living in (True, False):
            with temporary_folder("study-", tmp_path) as ours:
                assert ours.parent == tmp_path
                assert theirs.exists() == living
            assert not ours.exists()
            process.send_signal(signal.SIGKILL)
            process.wait()
    finally:
        process.kill()
        process.communicate()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "kind", ["no lock", "a link", "the lock is a link", "another prefix", "a file", "young"]
)
def test_nothing_else_is_removed(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, name = tmp_path / "theirs", "study-x" if kind != "another prefix" else "x-study-"
    real.mkdir()
    (real / ".lock").touch()
    (real / "kept").touch()
    base = tmp_path / "base"
    base.mkdir()
    if kind == "a link":
        (base / name).symlink_to(real)
    elif kind == "a file":
        (base / name).touch()
    else:
        (base / name).mkdir()
        if kind == "the lock is a link":
            (base / name / ".lock").symlink_to(real / ".lock")
        elif kind != "no lock":
            (base / name / ".lock").touch()
    if kind == "young":
        monkeypatch.setattr(study.storage.temporary, "_YOUNG", 600.0)
    with temporary_folder("study-", base):
        assert os.path.lexists(base / name)
        assert (real / "kept").exists()


def test_a_prefix_is_no_pattern(tmp_path: Path) -> None:
    (tmp_path / "ab").mkdir()
    (tmp_path / "ab" / ".lock").touch()
    with temporary_folder("[a]", tmp_path) as folder:
        assert folder.name.startswith("[a]")
    assert [path.name for path in tmp_path.iterdir()] == ["ab"]
