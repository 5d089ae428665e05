"""What becomes of a pack that was handed out: finished, tried again, split, or given up.

A pack that cannot be trained is tried again, then split: its halves are packs of their own. So all runs
finish but those at fault, and these get rows that say why. Executors train what ``next`` returns and
report what became of it.
"""

from collections import Counter, deque
from collections.abc import MutableMapping, Sequence
from typing import Any

from study.errors import UserError
from study.results.directory import ResultsDirectory
from study.results.files.schema import Rows
from study.results.packs import Pack, split_id
from study.search.pack_queue import PackQueue
from study.training.pack import Advance, failed_rows, run_pack
from study.training.progress import Progress
from study.training.study_data import StudyData

RETRIES = 3
"""How often a whole pack is tried again, and a run that is left alone."""
RETRIES_BETWEEN = 1
"""How often a sub-pack between these is tried again: to split it in vain costs little."""
SPLITS = 8
"""How often a pack is split beyond the runs that finish: when its eighths all fail, the fault is not a
run's, and what is left of the pack is given up."""


class Attempts:
    """Hands out packs by id, and notes what becomes of them in the log and, as counts, in ``session``.

    ``data`` is that of every split.
    """

    def __init__(
        self,
        queue: PackQueue,
        data: Sequence[StudyData],
        directory: ResultsDirectory,
        progress: Progress,
        session: MutableMapping[str, Any],
    ) -> None:
        self._queue, self._directory = queue, directory
        self.data, self.progress = data, progress
        self._waiting: deque[Pack] = deque()
        self._out: dict[str, Pack] = {}
        self._tries: Counter[str] = Counter()
        self._resumed: Counter[str] = Counter()
        self._splits: Counter[str] = Counter()
        """How often a pack was split, by its whole's id, less the runs of its sub-packs that finished."""
        self._session = session
        session.update(dict.fromkeys(("taken_up", "retried", "split"), 0))

    @property
    def done(self) -> bool:
        """Say whether nothing is left to hand out or to wait for."""
        return not (self._waiting or self._out) and self._queue.done

    def next(self) -> str | None:
        """Return the id of what to train, or None where there is nothing or it must be waited for."""
        pack = self._waiting.popleft() if self._waiting else self._queue.next()
        if pack is None:
            return None
        self._out[pack.pack_id] = pack
        return pack.pack_id

    def advanced(self, pack_id: str, advance: Advance) -> None:
        """Note how far a pack is."""
        if advance.taken_up > self._resumed[pack_id]:
            self._resumed[pack_id] = advance.taken_up
            self._session["taken_up"] += 1
            # It advances: what stopped it is not at the same place any more.
            self._tries[pack_id] = 0
            self.progress.note(f"pack {pack_id} continues from epoch {advance.taken_up}")
        self.progress.pack_advanced(pack_id, advance.trained, taken_up=advance.taken_up > 0)

    def ended(self, pack_id: str, message: str, *, own: bool = True) -> None:
        """Note that a try is over; ``message`` says what went wrong where its rows are not written.

        Where that was not of its ``own`` making, but of the node's, it is tried again as often as it takes.
        """
        pack = self._out.pop(pack_id)
        root, half = split_id(pack_id)
        if self._directory.has_runs(pack_id):
            if half:
                self._splits[root] -= pack.runs
            self._finish(pack)
            return
        self.progress.pack_stopped(pack_id)
        self._tries[pack_id] += own
        tries = self._tries[pack_id]
        retries = RETRIES_BETWEEN if half and pack.runs > 1 else RETRIES
        if tries <= retries:
            self._session["retried"] += 1
            which = f", {tries} of {retries}" if own else ""
            self.progress.note(f"pack {pack_id} is tried again{which}: {message}")
            self._waiting.append(pack)
        elif pack.runs > 1 and self._splits[root] < SPLITS:
            self._splits[root] += 1
            self._session["split"] += 1
            self.progress.note(f"pack {pack_id} is split, {pack.runs:,} runs: {message}")
            self._waiting.extend(pack.halves())
        else:
            which = f"run {pack.run_ids[0]} of" if pack.runs == 1 else f"{pack.runs:,} runs of"
            self.progress.note(f"{which} pack {pack_id} failed: {message}")
            self._directory.write_rows(
                pack_id, Rows.failed(failed_rows(pack, self.data[pack.split], message))
            )
            self._finish(pack, failed=True)

    def _finish(self, pack: Pack, *, failed: bool = False) -> None:
        self._queue.finish(pack, failed=failed)
        self.progress.pack_finished(pack.pack_id)


def run_in_process(attempts: Attempts, directory: ResultsDirectory) -> None:
    """Train until nothing is left to hand out."""
    while (pack_id := attempts.next()) is not None:
        message = ""
        try:
            pack = directory.read_pack(pack_id)
            for advance in run_pack(pack, attempts.data[pack.split], directory):
                attempts.advanced(pack_id, advance)
        except UserError:
            # Storage that is full or out of reach, a pack file that was changed: trying again is in vain.
            raise
        except Exception as error:
            message = f"{type(error).__name__}: {error}"
        attempts.ended(pack_id, message)
