"""How far a study is: one line that renews itself on a terminal, plain lines elsewhere."""

import sys
import threading
import time
from collections.abc import Callable
from typing import TextIO

from study.search.pack_queue import PackQueue

_EVERY_TERMINAL = 0.5
_EVERY_PLAIN = 10.0
# The runs of a pack stop together, late: until this share of a study has, the time left is anybody's guess.
_TELLS = 0.01


class Progress:
    """Counts runs and shows it; ``front`` describes the best front so far, whenever a pack has finished."""

    def __init__(self, queue: PackQueue, front: Callable[[], str], stream: TextIO | None = None) -> None:
        self._queue, self._describe_front = queue, front
        self._stream = stream if stream is not None else sys.stderr
        self._terminal = self._stream.isatty()
        self._started = time.monotonic()
        self._already = queue.finished_runs
        self._trained: dict[str, int] = {}
        self._seen: set[str] = set()
        self._front = front() if queue.finished_runs else ""
        self._said = self._started
        self._lock = threading.Lock()
        if not self._terminal:
            self._write(self.line())

    def pack_advanced(self, pack_id: str, trained: int, *, taken_up: bool = False) -> None:
        """Note that ``trained`` runs of a pack have stopped training.

        Of a pack that was ``taken_up`` where an earlier session put it down, these were not trained now.
        """
        if taken_up and pack_id not in self._seen:
            self._already += trained
        self._seen.add(pack_id)
        self._trained[pack_id] = trained
        every = _EVERY_TERMINAL if self._terminal else _EVERY_PLAIN
        if time.monotonic() - self._said >= every:
            self._say()

    def pack_stopped(self, pack_id: str) -> None:
        """Note that a pack begins again."""
        self._trained.pop(pack_id, None)

    def pack_finished(self, pack_id: str) -> None:
        """Note that the rows of a pack are in the ledger."""
        self._trained.pop(pack_id, None)
        self._front = self._describe_front()
        self._say()

    def note(self, text: str) -> None:
        """Say something for good, above the progress line."""
        with self._lock:
            self._write(text)

    def close(self) -> None:
        """Leave the last state standing, where it would be written over."""
        with self._lock:
            if self._terminal:
                self._write(self.line())

    def line(self) -> str:
        """Return the state in words: runs of planned, rate, time left, best front so far."""
        planned = self._queue.planned_runs
        done = self._queue.finished_runs + sum(self._trained.values())
        elapsed = time.monotonic() - self._started
        rate = (done - self._already) / elapsed if elapsed > 0 else 0.0
        left = planned - done - self._queue.failed_runs
        parts = [f"{done:,} of {planned:,} runs"]
        if self._queue.failed_runs:
            parts.append(f"{self._queue.failed_runs:,} failed")
        if rate > 0:
            parts.append(f"{rate:.1f} runs/s")
            if left > 0 and done - self._already >= _TELLS * planned:
                parts.append(f"{_duration(left / rate)} left")
        if self._front:
            parts.append(self._front)
        return " | ".join(parts)

    def _say(self) -> None:
        with self._lock:
            self._said = time.monotonic()
            if self._terminal:
                self._stream.write(f"\r\x1b[2K{self.line()}")
                self._stream.flush()
            else:
                self._write(self.line())

    def _write(self, text: str) -> None:
        clear = "\r\x1b[2K" if self._terminal else ""
        self._stream.write(f"{clear}{text}\n")
        self._stream.flush()


def _duration(seconds: float) -> str:
    whole = int(seconds + 0.5)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
