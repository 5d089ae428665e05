"""A Ray that a study starts is ours alone: it asks for a token, and leaves the machine as it was."""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import ray

from study.errors import UserError
from study.training import local_ray
from tests.training.driver import environment

KNOCK = """
import sys
from ray._raylet import GcsClient
from ray.exceptions import AuthenticationError
try:
    GcsClient(address=sys.argv[1]).internal_kv_keys(b"", namespace=b"fun", timeout=10)
except AuthenticationError:
    print("refused")
else:
    print("let in")
"""


@pytest.mark.parametrize(
    ("known", "answer"),
    [
        ({}, "refused"),
        ({"RAY_AUTH_MODE": "disabled"}, "refused"),
        ({"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0" * 64}, "refused"),
        ({"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": None}, "let in"),
    ],
    ids=["nothing", "disabled", "wrong", "right"],
)
def test_only_who_knows_the_token_can_talk_to_a_ray_of_ours(
    known: dict[str, str | None], answer: str, ray_here: int
) -> None:
    there = ray.get_runtime_context().gcs_address
    given = {name: value or os.environ["RAY_AUTH_TOKEN"] for name, value in known.items()}
    asked = subprocess.run(
        [sys.executable, "-c", KNOCK, there], capture_output=True, text=True, env=environment() | given
    )
    assert asked.stdout == f"{answer}\n", asked.stderr
    # Whose token it is, only our own processes can read.
    assert len(os.environ["RAY_AUTH_TOKEN"]) == 64
    assert ray.get(ray.remote(lambda: 3).remote()) == 3


def test_files_of_ray_lie_in_a_directory_of_this_user(ray_here: int) -> None:
    session = Path(ray._private.worker._global_node.get_session_dir_path())
    ours = session.parents[1]
    assert ours.name.startswith("study-")
    assert (ours.stat().st_mode & 0o777, ours.stat().st_uid) == (0o700, os.getuid())


@pytest.mark.usefixtures("_own_sigterm")
def test_sigterm_is_heard_when_ray_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray, which is not Python, leaves no handler behind; a study is then still to be reported."""
    libc = ctypes.CDLL(None)
    libc.signal.argtypes, libc.signal.restype = [ctypes.c_int, ctypes.c_void_p], ctypes.c_void_p
    monkeypatch.setattr(ray, "shutdown", lambda: libc.signal(signal.SIGTERM, None))
    heard = []
    signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    local_ray.shut_down()
    os.kill(os.getpid(), signal.SIGTERM)
    assert heard == [signal.SIGTERM]


def test_socket_has_room_however_long_the_name_of_the_temporary_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("a-long-name-" * 8)
    long.mkdir()
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(long))
    with local_ray._session_folder() as folder:
        assert len(str(folder)) < 30
    assert not folder.exists()
    monkeypatch.setenv("RAY_TMPDIR", "/dev/null")
    with pytest.raises(UserError, match=r"/dev/null: cannot be written .*; set TMPDIR"):
        local_ray._session_folder().__enter__()


def test_logs_are_kept_without_following_links(tmp_path: Path) -> None:
    logs = tmp_path / "ray" / "session_2026" / "logs"
    (logs / "old").mkdir(parents=True)
    (logs / "raylet.out").write_text("fine")
    (tmp_path / "secret").write_text("hidden")
    (logs / "link").symlink_to(tmp_path / "secret")
    (logs / "old" / "folder").symlink_to(tmp_path)
    local_ray._keep_logs(tmp_path / "ray", tmp_path / "kept")
    kept = {str(path.relative_to(tmp_path / "kept")) for path in (tmp_path / "kept").rglob("*")}
    assert kept == {"raylet.out", "old"}
    shutil.rmtree(tmp_path / "kept")


def test_environment_is_as_before_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_ray, "_read_again", lambda: None)
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    with local_ray._random_token():
        assert os.environ["RAY_AUTH_MODE"] == "token"
        first = os.environ["RAY_AUTH_TOKEN"]
    assert os.environ["RAY_AUTH_MODE"] == "disabled"
    assert "RAY_AUTH_TOKEN" not in os.environ
    with local_ray._random_token():
        assert os.environ["RAY_AUTH_TOKEN"] != first
