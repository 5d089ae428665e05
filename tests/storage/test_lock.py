"""The lease that keeps a second driver out of a study in an object store."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

import study.storage.lock
from study.errors import LedgerError
from study.results.directory import ResultsDirectory
from study.storage.locations import RemotePath
from study.storage.whole_files import write_whole
from tests.training.driver import environment, until
from tests.worlds.store import Store, answers

pytestmark = pytest.mark.waits

HOLD = """
import sys
import study.storage.lock
from study.results.directory import ResultsDirectory
study.storage.lock.BEAT, study.storage.lock.SETTLE = 0.2, 0.1
with ResultsDirectory(sys.argv[1]).locked():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beats many times a second and waits two seconds for a sign of life, where it would be a minute."""
    for name, seconds in (("BEAT", 0.2), ("STALE", 2.0), ("SETTLE", 0.3)):
        monkeypatch.setattr(study.storage.lock, name, seconds)


@pytest.fixture
def there(store: Store) -> ResultsDirectory:
    return ResultsDirectory(store.uri("one"))


@pytest.fixture
def holder(there: ResultsDirectory) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the study."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, there.where],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def lease(directory: ResultsDirectory) -> RemotePath:
    file = directory.root / ".lease"
    assert isinstance(file, RemotePath)
    return file


def leave_behind(directory: ResultsDirectory, **changes: object) -> None:
    """Leave the lease of a driver elsewhere, which may or may not live."""
    found = {"owner": "another", "host": "elsewhere", "process": None, "beat": 3}
    write_whole(lease(directory), json.dumps(found | changes).encode())


def refused(directory: ResultsDirectory, when_waiting: Callable[[], object] = lambda: None) -> bool:
    """Say whether we are kept out; ``when_waiting`` happens as soon as we have to wait."""
    try:
        with directory.locked(lambda text: when_waiting()):
            return False
    except LedgerError:
        return True


def test_second_driver_is_kept_out_and_status_says_running(
    there: ResultsDirectory, holder: subprocess.Popen[str]
) -> None:
    assert there.is_locked()
    with (
        pytest.raises(LedgerError, match="another `study run` or `study resume` is at work there"),
        there.locked(),
    ):
        pytest.fail("both drivers hold the study")
    assert there.is_locked()


def test_lease_is_given_back(there: ResultsDirectory) -> None:
    for _ in range(2):
        with there.locked():
            assert there.is_locked()
            assert lease(there).is_file()
        assert not lease(there).is_file()
    with pytest.raises(KeyboardInterrupt), there.locked():
        raise KeyboardInterrupt
    assert not there.is_locked()


def test_lease_of_a_process_that_was_killed_here_is_free_at_once(
    there: ResultsDirectory, holder: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    monkeypatch.setattr(study.storage.lock, "STALE", 10**6)
    assert not there.is_locked()
    assert not refused(there)


def test_lease_without_a_sign_of_life_is_taken_after_a_while_and_the_wait_is_said(
    there: ResultsDirectory,
) -> None:
    leave_behind(there)
    said: list[str] = []
    with there.locked(said.append):
        assert json.loads(lease(there).read_bytes())["owner"] != "another"
    assert said == ["a driver on elsewhere held the study; waiting up to 2 s for a sign of life"]


def test_one_beat_is_a_sign_of_life(there: ResultsDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study.storage.lock, "STALE", 60.0)
    leave_behind(there)
    beats = iter(range(4, 100))
    sleep = study.storage.lock.time.sleep
    monkeypatch.setattr(
        study.storage.lock.time,
        "sleep",
        lambda seconds: (leave_behind(there, beat=next(beats)), sleep(min(seconds, 0.1))),
    )
    assert refused(there)


def test_lease_that_is_given_back_while_we_wait_is_taken(
    there: ResultsDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study.storage.lock, "STALE", 60.0)
    leave_behind(there)
    assert not refused(there, lambda: lease(there).unlink())


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff", b'{"owner": 1}', b"null"])
def test_what_is_no_lease_holds_nothing(there: ResultsDirectory, content: bytes) -> None:
    write_whole(lease(there), content)
    assert not there.is_locked()
    assert not refused(there)


def test_of_several_that_come_at_once_one_gets_in(there: ResultsDirectory) -> None:
    leave_behind(there)
    count = 4
    at_once = threading.Barrier(count, timeout=60)
    all_known = threading.Barrier(count, timeout=60)
    got_in: list[bool] = []

    def come() -> None:
        directory = ResultsDirectory(there.where)
        at_once.wait()
        try:
            with directory.locked():
                got_in.append(True)
                all_known.wait()
        except LedgerError:
            got_in.append(False)
            all_known.wait()

    drivers = [threading.Thread(target=come) for _ in range(count)]
    for driver in drivers:
        driver.start()
    for driver in drivers:
        driver.join()
    assert sorted(got_in) == [False] * (count - 1) + [True]


def test_driver_whose_lease_was_taken_stops_before_it_writes_what_comes_next(
    there: ResultsDirectory,
) -> None:
    with there.locked():
        there.write_manifest({"rows": 1})
        leave_behind(there)
        hold = there._hold
        until(lambda: hold.taken_by, "the driver to see that another took over")
        with pytest.raises(LedgerError, match="a driver on elsewhere took the study over"):
            there.write_manifest({"rows": 2})
    assert there.read_manifest() == {"rows": 1}
    assert json.loads(lease(there).read_bytes())["owner"] == "another"


def test_lease_outlives_storage_that_fails_for_a_while(
    there: ResultsDirectory, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("study.storage.retries.PATIENCE", 0.2)
    with there.locked():
        with store.trouble(".*lease", answers(503)):
            count = len(store.asked)
            until(lambda: len(store.asked) > count + 12, "the driver to ask in vain")
        before = lease(there).read_bytes()
        until(lambda: lease(there).read_bytes() != before, "another sign of life")
        there.write_manifest({"rows": 1})


def test_storage_out_of_reach_is_one_line(
    there: ResultsDirectory, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("study.storage.retries.PATIENCE", 0.2)
    with store.trouble(".*", answers(503)), pytest.raises(LedgerError, match="s3://") as raised:
        there.is_locked()
    assert "\n" not in str(raised.value)
    assert "hush" not in str(raised.value)
