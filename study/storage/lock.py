"""One driver at a time: the kernel's lock on a local directory, a lease in an object store."""

import contextlib
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from study.errors import LedgerError, OutputError
from study.storage.locations import Location, RemotePath
from study.storage.whole_files import write_whole

BEAT = 10.0
"""Seconds between two signs of life of who holds a lease."""
STALE = 60.0
"""A lease without a sign of life for so many seconds may be taken."""
SETTLE = 3.0
"""Seconds between writing a lease and looking whether it is still ours."""


def holding(root: Location, log: Callable[[str], None]) -> "contextlib.AbstractContextManager[Hold]":
    """Hold the directory ``root`` against a second driver; raises LedgerError where there is one."""
    return _locked(root / ".lock") if isinstance(root, Path) else _leased(root / ".lease", log)


def held(root: Location) -> bool:
    """Return whether a driver is at work in ``root``; nothing is created."""
    if isinstance(root, RemotePath):
        return _lease_is_live(root / ".lease")
    import fcntl

    try:
        handle = os.open(root / ".lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        # A shared lock needs no right to write, so that results of others can be looked at.
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


@dataclass
class Hold:
    """What a driver has on its directory; ``check`` raises LedgerError once another took it."""

    where: str = ""
    taken_by: str = ""
    ended: threading.Event = field(default_factory=threading.Event)

    def check(self) -> None:
        """Raise LedgerError once another driver has taken the directory over."""
        if self.taken_by:
            raise LedgerError(
                f"{self.where}: a driver on {self.taken_by} took the study over while storage could not "
                "be reached from here; what is finished is kept, and that driver continues"
            )


def _refusal(root: Location) -> LedgerError:
    return LedgerError(
        f"{root}: another `study run` or `study resume` is at work there; "
        "wait for it, stop it, or give another --out"
    )


# On this machine, or on a file system that knows flock


@contextlib.contextmanager
def _locked(lock_file: Path) -> Iterator[Hold]:
    """Lock the file; the kernel frees it when the process dies."""
    try:
        lock_file.parent.mkdir(parents=True, exist_ok=True)
        # A `study status` may hold the lock for an instant while it looks.
        lock = FileLock(lock_file, timeout=1.0)
        lock.acquire()
    except Timeout:
        raise _refusal(lock_file.parent) from None
    except OSError as error:
        raise OutputError(
            f"{lock_file.parent}: cannot be written ({error.strerror}); give a writable --out"
        ) from None
    try:
        yield Hold()
    finally:
        lock.release()


# In an object store


@dataclass(frozen=True)
class _Lease:
    """Who holds a directory: ``beat`` grows as long as they live."""

    owner: str
    host: str
    process: str | None
    beat: int

    def to_bytes(self) -> bytes:
        return json.dumps(self.__dict__).encode()

    @staticmethod
    def read(file: RemotePath) -> "_Lease | None":
        """Return the lease; None where there is none, or what is there is none."""
        try:
            content = json.loads(file.read_bytes())
            return _Lease(
                owner=str(content["owner"]),
                host=str(content["host"]),
                process=content["process"],
                beat=int(content["beat"]),
            )
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    @property
    def of_the_dead(self) -> bool:
        """Whether its process ran on this machine and has ended; of other machines this is unknown."""
        here, _, number = (self.process or "").rpartition(" ")
        return here != "" and here == _machine() and not Path("/proc", number).exists()


def _machine() -> str:
    """Return what no two machines, boots or containers share; empty where it is unknown."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("utf-8").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


@contextlib.contextmanager
def _leased(file: RemotePath, log: Callable[[str], None]) -> Iterator[Hold]:
    """Take the lease, renew it from a thread, and give it back.

    None of the stores that pyarrow opens offers compare-and-swap. A lease is therefore taken only after
    STALE seconds without a sign of life by our own clock, then written, and read again once any driver
    that wrote at the same time has finished: the last one keeps it. A driver that later finds another's
    name in it stops (`Hold.check`).
    """
    _wait_until_free(file, log)
    process = f"{_machine()} {os.getpid()}" if _machine() else None
    mine = _Lease(uuid.uuid4().hex, socket.gethostname(), process, 0)
    write_whole(file, mine.to_bytes())
    time.sleep(SETTLE)
    seen = _Lease.read(file)
    if seen is None or seen.owner != mine.owner:
        raise _refusal(file.parent)
    hold = Hold(where=str(file.parent))
    renewing = threading.Thread(target=_renew, args=(file, mine, hold), name="lease", daemon=True)
    renewing.start()
    try:
        yield hold
    finally:
        hold.ended.set()
        renewing.join()
        if not hold.taken_by:
            with contextlib.suppress(LedgerError):
                file.unlink(missing_ok=True)


def _wait_until_free(file: RemotePath, log: Callable[[str], None]) -> None:
    """Return once the lease is free; raises LedgerError as soon as its holder shows life."""
    first = _Lease.read(file)
    if first is None or first.of_the_dead:
        return
    log(f"a driver on {first.host} held the study; waiting up to {STALE:.0f} s for a sign of life")
    deadline = time.monotonic() + STALE
    while time.monotonic() < deadline:
        time.sleep(min(BEAT, STALE) / 4)
        seen = _Lease.read(file)
        if seen is None:
            return
        if seen != first:
            raise _refusal(file.parent)


def _renew(file: RemotePath, mine: _Lease, hold: Hold) -> None:
    """Show life until the hold ends or another driver's name is in the lease."""
    beat = 0
    while not hold.ended.wait(BEAT):
        # Storage that fails for longer than it is retried may still come back.
        with contextlib.suppress(LedgerError, OutputError):
            seen = _Lease.read(file)
            if seen is not None and seen.owner != mine.owner:
                hold.taken_by = seen.host
                return
            beat += 1
            write_whole(file, _Lease(mine.owner, mine.host, mine.process, beat).to_bytes())


def _lease_is_live(file: RemotePath) -> bool:
    """Return whether a lease shows life, by the store's clock and ours."""
    lease, written = _Lease.read(file), file.modified()
    return not (lease is None or written is None or lease.of_the_dead or time.time() - written > STALE)
