"""How far a study is: a bar that redraws itself on a terminal, plain lines elsewhere."""

import shutil
import sys
import threading
import time
from collections.abc import Callable
from typing import TextIO

from tqdm import tqdm

from study import printer
from study.search.pack_queue import PackQueue

_EVERY_TERMINAL = 0.5
_BAR = 12
"""Columns of a terminal that percentage and bar have at least; the front is left out before these are."""
_EVERY_PLAIN = 10.0
# The runs of a pack stop together, late: until this share of a study has, the time left is a guess.
_TELLS = 0.01


class Progress:
    """Counts runs and shows it; ``front`` describes the best front so far, whenever a pack has finished."""

    def __init__(
        self,
        queue: PackQueue,
        front: Callable[[], str],
        stream: TextIO | None = None,
        *,
        quiet: bool = False,
    ) -> None:
        self._queue, self._describe_front = queue, front
        self._stream = stream if stream is not None else sys.stderr
        self._quiet, self._terminal = quiet, self._stream.isatty()
        self._started = time.monotonic()
        self._already = queue.finished_runs
        self._trained: dict[str, int] = {}
        self._seen: set[str] = set()
        self._front = front() if queue.finished_runs else ""
        self._shown = self._started
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
        if time.monotonic() - self._shown >= every:
            self._show()

    def pack_stopped(self, pack_id: str) -> None:
        """Note that a pack begins again."""
        self._trained.pop(pack_id, None)

    def pack_finished(self, pack_id: str) -> None:
        """Note that the rows of a pack are in the ledger."""
        self._trained.pop(pack_id, None)
        self._front = self._describe_front()
        self._show()

    def note(self, text: str) -> None:
        """Print a line that stays, above the bar."""
        with self._lock:
            self._write(text)

    def close(self) -> None:
        """Print the last state as a line, where a bar would be overwritten."""
        with self._lock:
            if self._terminal:
                self._write(self.line())

    def line(self) -> str:
        """Return the state: runs of planned, rate, time left, best front so far."""
        return " | ".join(filter(None, (*self._parts(), self._front)))

    def bar(self, width: int) -> str:
        """Return the state in at most ``width`` columns, with a bar, percentage and elapsed time."""
        planned, elapsed = self._queue.planned_runs, time.monotonic() - self._started
        runs, *others = self._parts()
        text = " | ".join((runs, f"{_duration(elapsed)} elapsed", *others))
        if self._front and len(text) + len(self._front) + 3 + _BAR <= width:
            text += f" | {self._front}"
        shown = text.replace("{", "{{").replace("}", "}}")
        drawn: str = tqdm.format_meter(
            min(self._done, planned),
            planned,
            elapsed,
            ncols=width,
            bar_format=f"{{percentage:3.0f}}%|{{bar}}| {shown}",
        )
        return drawn[:width]

    @property
    def _done(self) -> int:
        return self._queue.finished_runs + sum(self._trained.values())

    def _parts(self) -> list[str]:
        planned, done = self._queue.planned_runs, self._done
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
        return parts

    def _show(self) -> None:
        with self._lock:
            self._shown = time.monotonic()
            if self._quiet:
                return
            if self._terminal:
                # One column is left free: some terminals wrap after the last.
                drawn = self.bar(shutil.get_terminal_size().columns - 1)
                printer.emit(self._stream, f"\r\x1b[2K{printer.clean(drawn)}")
            else:
                self._write(self.line())

    def _write(self, text: str) -> None:
        if self._quiet:
            return
        clear = "\r\x1b[2K" if self._terminal else ""
        printer.emit(self._stream, f"{clear}{printer.clean(text)}\n")


def _duration(seconds: float) -> str:
    whole = int(seconds + 0.5)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
