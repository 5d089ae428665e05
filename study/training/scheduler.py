"""What becomes of a pack that was handed out: in the ledger, tried again, split, or given up.

A pack that does not get through is tried again, then split: its halves go their own way. So all runs get
through but those at fault, and these are given rows that say why. Executors hand out what ``next`` gives
and tell what became of it; the queue behind knows whole packs only.
"""

from collections import Counter, deque
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any

from study.results.directory import ResultsDirectory
from study.results.packs import Pack
from study.results.schema import Rows
from study.search.pack_queue import PackQueue
from study.training.pack import Advance, failed_rows
from study.training.pieces import Piece, pieces_in, put_together
from study.training.progress import Progress
from study.training.study_data import StudyData

RETRIES = 3
"""How often a pack as it was asked for is tried again, and a run that is left alone."""
RETRIES_BETWEEN = 1
"""How often a piece between these is tried again: to split it for nothing costs little."""
SPLITS = 8
"""How often a pack is split beyond the runs that get through: when its eighths all fail, the fault is not
a run's, and what is left of the pack is given up."""


@dataclass
class _Apart:
    """A pack in pieces: whose rows are written, what was given up, and how many runs have neither."""

    missing: int
    written: list[str] = field(default_factory=list)
    given_up: list[Rows] = field(default_factory=list)
    sound: int = 0
    splits: int = 0


class Attempts:
    """Hands out packs and pieces of packs by id, and takes note of what becomes of them.

    What happens is said, and counted in ``session``.
    """

    def __init__(
        self,
        queue: PackQueue,
        data: StudyData,
        directory: ResultsDirectory,
        progress: Progress,
        session: MutableMapping[str, Any],
    ) -> None:
        self._queue, self._data, self._directory, self._progress = queue, data, directory, progress
        self._waiting: deque[tuple[str, Piece]] = deque()
        self._out: dict[str, Piece] = {}
        self._apart: dict[str, _Apart] = {}
        self._left = pieces_in(directory)
        self._tries: Counter[str] = Counter()
        self._taken_up: Counter[str] = Counter()
        self._session = session
        session.update(dict.fromkeys(("taken_up", "retried", "split"), 0))

    @property
    def done(self) -> bool:
        """Say whether nothing is left to hand out or to wait for."""
        return not (self._waiting or self._out) and self._queue.done

    def next(self) -> str | None:
        """Return the id of what to train, or None where there is nothing or it must be waited for."""
        while not self._waiting:
            pack = self._queue.next()
            if pack is None:
                return None
            self._begin(pack)
        name, piece = self._waiting.popleft()
        self._out[name] = piece
        return name

    def advanced(self, name: str, advance: Advance) -> None:
        """Take note of how far a pack or piece is."""
        if advance.taken_up > self._taken_up[name]:
            self._taken_up[name] = advance.taken_up
            self._session["taken_up"] += 1
            # It gets on: what stopped it is not to be found at the same place again.
            self._tries[name] = 0
            self._progress.note(f"pack {name} goes on from epoch {advance.taken_up}")
        self._progress.pack_advanced(name, advance.trained, taken_up=advance.taken_up > 0)

    def ended(self, name: str, message: str, *, own: bool = True) -> None:
        """Take note that a try is over; ``message`` says what went wrong where its rows are not written.

        Where that was not of its ``own`` making, but of the node's, it is tried again as often as it takes.
        """
        piece = self._out.pop(name)
        whole = name == piece.pack.pack_id
        if (self._directory if whole else self._directory.pieces).has_runs(name):
            if whole:
                self._queue.finish(name)
                self._progress.pack_finished(name)
            else:
                apart = self._apart[piece.pack.pack_id]
                apart.written.append(name)
                apart.sound += len(piece.run_ids)
                self._settled(piece, apart)
            return
        self._progress.pack_stopped(name)
        self._tries[name] += own
        runs, tries = len(piece.run_ids), self._tries[name]
        retries = RETRIES if whole or runs <= 1 else RETRIES_BETWEEN
        if tries <= retries:
            self._session["retried"] += 1
            which = f", {tries} of {retries}" if own else ""
            self._progress.note(f"pack {name} is tried again{which}: {message}")
            self._waiting.append((name, piece))
            return
        apart = self._apart.setdefault(piece.pack.pack_id, _Apart(runs))
        if runs > 1 and apart.splits < SPLITS + apart.sound:
            apart.splits += 1
            self._session["split"] += 1
            self._progress.note(f"pack {name} is split, {runs:,} runs: {message}")
            self._waiting.extend((half.name, half) for half in piece.halves())
            return
        which = f"run {piece.run_ids[0]} of" if runs == 1 else f"{runs:,} runs of"
        self._progress.note(f"{which} pack {name} failed: {message}")
        apart.given_up.append(Rows.failed(failed_rows(piece.as_pack(), self._data, message)))
        self._settled(piece, apart)

    def _begin(self, pack: Pack) -> None:
        """Make a pack ready to be handed out: whole, or what lacks of one that was trained in part."""
        left, again = self._left.pop(pack.pack_id, []), self._directory.has_runs(pack.pack_id)
        whole = Piece.whole(pack)
        if not (left or again):
            self._waiting.append((pack.pack_id, whole))
            return
        sound = {run for name in left for run in Piece.named(pack, name).run_ids}
        if again:
            sound.update(self._directory.read_rows(pack.pack_id).sound().runs["run_id"].to_pylist())
        pieces = whole.without(sound)
        missing = sum(len(piece.run_ids) for piece in pieces)
        self._apart[pack.pack_id] = _Apart(missing, left, sound=pack.runs - missing)
        self._waiting.extend((piece.name, piece) for piece in pieces)
        if not missing:
            self._put_together(pack)

    def _settled(self, piece: Piece, apart: _Apart) -> None:
        """Take note that the runs of a piece lack nothing any more."""
        apart.missing -= len(piece.run_ids)
        if not apart.missing:
            self._put_together(piece.pack)

    def _put_together(self, pack: Pack) -> None:
        apart = self._apart.pop(pack.pack_id)
        put_together(pack, self._directory, apart.written, apart.given_up)
        self._queue.finish(pack.pack_id, failed=sum(len(rows.runs) for rows in apart.given_up))
        self._progress.pack_finished(pack.pack_id, *apart.written)
