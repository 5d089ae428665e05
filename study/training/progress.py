"""How far a study is: a bar that redraws itself on a terminal, plain lines elsewhere."""

import shutil
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self, TextIO

from tqdm import tqdm

from study import printer

_BAR = 12
"""Columns of a terminal that percentage and bar have at least; what else does not fit is left out."""
_EVERY_TERMINAL, _EVERY_PLAIN = 0.5, 3.0
"""Seconds after which the state is shown again, whether or not it has changed."""
# The runs of a pack stop together, late: until this share of a study has, the time left is a guess.
_TELLS = 0.01


class Counts(Protocol):
    """What is counted of a study's runs."""

    @property
    def planned_runs(self) -> int:
        """How many the study comes to."""

    @property
    def finished_runs(self) -> int:
        """How many are in the ledger."""

    @property
    def failed_runs(self) -> int:
        """How many could not be trained."""


class Progress:
    """Counts runs and shows it; ``front`` describes the best front so far, whenever a pack has finished.

    As a context it shows the state again every few seconds, and at the end as a line that stays. If
    ``quiet`` it shows nothing.
    """

    def __init__(
        self,
        counts: Counts,
        front: Callable[[], str],
        stream: TextIO | None = None,
        *,
        quiet: bool = False,
    ) -> None:
        self._counts, self._describe_front = counts, front
        self._stream = stream if stream is not None else sys.stderr
        self._quiet, self._terminal = quiet, self._stream.isatty()
        self._every = _EVERY_TERMINAL if self._terminal else _EVERY_PLAIN
        self._started = time.monotonic()
        self._already = counts.finished_runs
        self._trained: dict[str, int] = {}
        self._seen: set[str] = set()
        self._front = front() if counts.finished_runs else ""
        self._shown = self._started
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="progress", daemon=True)
        if not self._terminal:
            self._write(self.line())

    def __enter__(self) -> Self:
        """Begin to show the state every few seconds."""
        self._ticker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop showing it; where all went well, leave the last state."""
        self._over.set()
        self._ticker.join()
        if kind is None:
            self.close()

    def pack_advanced(self, pack_id: str, trained: int, *, taken_up: bool = False) -> None:
        """Note that ``trained`` runs of a pack have stopped training.

        Of a pack that was ``taken_up`` where an earlier session put it down, these were not trained now.
        """
        if taken_up and pack_id not in self._seen:
            self._already += trained
        self._seen.add(pack_id)
        self._trained[pack_id] = trained
        self._show_again()

    def pack_stopped(self, pack_id: str) -> None:
        """Note that a pack begins again."""
        self._trained.pop(pack_id, None)

    def pack_finished(self, pack_id: str) -> None:
        """Note that the rows of a pack are in the ledger."""
        self._trained.pop(pack_id, None)
        self._front = self._describe_front()
        self.show()

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
        return " | ".join(filter(None, (self._runs(), *self._parts(), self._front)))

    def bar(self, width: int) -> str:
        """Return the state in at most ``width`` columns: percentage, bar, elapsed and remaining time."""
        planned, elapsed = self._counts.planned_runs, time.monotonic() - self._started
        text = self._runs()
        parts = self._parts()
        in_order = sorted(parts, key=lambda part: not part.endswith(" left"))
        for part in (f"{_duration(elapsed)} elapsed", *in_order, self._front):
            if part and len(text) + len(part) + 3 + _BAR <= width:
                text += f" | {part}"
        shown = text.replace("{", "{{").replace("}", "}}")
        drawn: str = tqdm.format_meter(
            min(self._done, planned),
            planned,
            elapsed,
            ncols=width,
            bar_format=f"{{percentage:3.0f}}%|{{bar}}| {shown}",
        )
        return drawn[:width]

    def show(self) -> None:
        """Show the state now."""
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

    @property
    def _done(self) -> int:
        return self._counts.finished_runs + sum(self._trained.values())

    def _runs(self) -> str:
        return f"{self._done:,} of {self._counts.planned_runs:,} runs"

    def _parts(self) -> list[str]:
        planned, done, failed = self._counts.planned_runs, self._done, self._counts.failed_runs
        elapsed = time.monotonic() - self._started
        rate = (done - self._already) / elapsed if elapsed > 0 else 0.0
        left = planned - done - failed
        parts = [f"{failed:,} failed"] if failed else []
        if rate > 0:
            parts.append(f"{rate:.1f} runs/s")
            if left > 0 and done - self._already >= _TELLS * planned:
                parts.append(f"{_duration(left / rate)} left")
        return parts

    def _tick(self) -> None:
        while not self._over.wait(self._every / 4):
            self._show_again()

    def _show_again(self) -> None:
        if time.monotonic() - self._shown >= self._every:
            self.show()

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
