"""Directories that code is loaded from: this user's alone, or new ones."""

import os
import stat
from pathlib import Path

import pytest

from study.storage.locations import RemotePath, local_logs
from study.storage.user_cache import own_directory
from study.training.backend import code_directory


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def assert_new(found: Path, wanted: Path) -> None:
    assert found != wanted
    assert found.name.startswith("learning-to-defer-study-")
    assert (mode(found), found.stat().st_uid) == (0o700, os.getuid())
    assert list(found.iterdir()) == []


def test_directory_is_made_for_this_user_alone(tmp_path: Path) -> None:
    wanted = tmp_path / "a" / "b"
    for _ in range(2):
        assert own_directory(wanted) == wanted
        assert mode(wanted) == 0o700
    wanted.chmod(0o755)
    assert own_directory(wanted) == wanted
    assert mode(wanted) == 0o700


@pytest.mark.parametrize("writable", [0o777, 0o770, 0o1777])
def test_directory_that_others_may_have_written_to_is_not_used(tmp_path: Path, writable: int) -> None:
    wanted = tmp_path / "taken"
    wanted.mkdir()
    wanted.chmod(writable)
    (wanted / "code.pt2").write_bytes(b"theirs")
    assert_new(own_directory(wanted), wanted)
    assert own_directory(wanted) == own_directory(wanted)


def test_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "theirs")
    assert_new(own_directory(tmp_path / "link"), tmp_path / "link")
    (tmp_path / "file").write_text("")
    assert_new(own_directory(tmp_path / "file"), tmp_path / "file")


def test_directory_below_one_that_others_can_write_to_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    assert_new(own_directory(tmp_path / "open" / "ours"), tmp_path / "open" / "ours")
    (tmp_path / "open").chmod(0o1777)
    assert own_directory(tmp_path / "open" / "ours") == tmp_path / "open" / "ours"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a directory to another user")
def test_directory_of_another_user_is_not_used(tmp_path: Path) -> None:
    wanted = tmp_path / "theirs"
    wanted.mkdir(mode=0o700)
    os.chown(wanted, 12345, 12345)
    assert_new(own_directory(wanted), wanted)
    assert_new(own_directory(wanted / "below"), wanted / "below")


def test_second_choice_is_taken_where_the_first_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "first").chmod(0o777)
    assert own_directory(tmp_path / "first", tmp_path / "second") == tmp_path / "second"


def test_machine_code_torchs_files_and_logs_lie_in_directories_of_this_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    planted = tmp_path / f"study-logs-{os.getuid()}"
    planted.symlink_to(tmp_path)
    directories = [code_directory(), Path(os.environ["TORCHINDUCTOR_CACHE_DIR"])]
    directories.append(local_logs(RemotePath("s3://bucket", "", "study")).parent)
    for directory in directories:
        assert (mode(directory), directory.is_symlink()) == (0o700, False)
    assert directories[2] != planted
