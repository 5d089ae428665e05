"""A driver: ``study run`` or ``study resume`` in a process of its own, as a person starts it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 180.0


def until(holds: Callable[[], object], what: str) -> None:
    """Wait for a condition; AssertionError where it does not come."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)


@dataclass
class Driver:
    process: subprocess.Popen[str]
    results: Path
    """Where the study's rows go."""

    @property
    def rows_files(self) -> list[Path]:
        return sorted((self.results / "runs").glob("*.parquet"))

    def wait_for_packs(self, count: int) -> None:
        """Wait until so many packs are in the ledger while the driver is still at work."""
        until(lambda: len(self.rows_files) >= count or self.process.poll() is not None, "packs")
        assert self.process.poll() is None, self.process.communicate()

    def kill_a_worker(self) -> int:
        """Kill a process that trains a pack, as soon as there is one; return its number."""
        found: list[int] = []
        until(lambda: found.extend(self.workers()) or found, "a worker at work")
        os.kill(found[0], signal.SIGKILL)
        return found[0]

    def workers(self) -> list[int]:
        """The processes that train packs, by what they call themselves."""
        return [number for number, title in self.processes().items() if "Trainable" in title]

    def processes(self) -> dict[int, str]:
        """All processes of this session, with what they call themselves."""
        return processes({self.process.pid})

    def end(self) -> tuple[int, str, str]:
        """Wait for the end; exit status, stdout and stderr."""
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out, err


def processes(sessions: Collection[int]) -> dict[int, str]:
    """All processes of some sessions, with what they call themselves."""
    found = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            title = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            state, _, _, session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
            if int(session) in sessions and state != "Z":
                found[int(entry.name)] = title
    return found


@contextlib.contextmanager
def driver(
    *words: object,
    results: Path,
    surroundings: dict[str, str] | None = None,
    tampered: Mapping[str, object] | None = None,
) -> Iterator[Driver]:
    """Start ``python -m study`` with ``words`` in a session of its own, and leave nothing of it behind.

    ``tampered`` is what tests/deploy/tampered.py changes of it.
    """
    program = "tests.deploy.tampered" if tampered else "study"
    process = subprocess.Popen(
        [sys.executable, "-m", program, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=(surroundings or environment()) | {"TAMPERED": json.dumps(tampered)},
    )
    try:
        yield Driver(process, results)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def environment() -> dict[str, str]:
    """This process's, without what a Ray in it has set; finds the rooms where this process does."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "TUNE_"))}
    return kept | {"PYTHONPATH": str(Path(__file__).parents[2])}
