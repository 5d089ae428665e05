"""Where each file of a results directory lies, and how files are read, or why they cannot be."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from study.errors import LedgerError
from study.results.files.schema import UNREADABLE
from study.storage.locations import Location, local_logs, location
from study.storage.seals import open_json
from study.storage.whole_files import read_whole

Read = TypeVar("Read")

_AT_ONCE = 16
"""How many files are read at once: an object store answers each of them late, but all together."""


@dataclass(frozen=True)
class Broken:
    """A damaged file, and why it cannot be read."""

    path: Location
    reason: str

    def __str__(self) -> str:
        """Name the file and the reason, on one line."""
        return f"{self.path}: cannot be read ({self.reason})"


def broken(path: Location, check: Callable[[bytes], object], *, needed: bool = False) -> Broken | None:
    """Return why ``check`` refuses the content of a file; None where it does not, or there is no file.

    One that is ``needed`` is damaged where it is missing, too.
    """
    try:
        check(read_whole(path))
    except FileNotFoundError:
        return Broken(path, "it is missing") if needed else None
    except UNREADABLE as error:
        return Broken(path, one_line(error))
    return None


@contextlib.contextmanager
def legible(
    path: Location, advice: str = "", *, errors: tuple[type[Exception], ...] = UNREADABLE
) -> Iterator[None]:
    """Raise LedgerError about ``path`` where one of ``errors`` is raised within."""
    try:
        yield
    except errors as error:
        raise LedgerError(f"{path}: cannot be read ({one_line(error)}){advice}") from None


def read_json(path: Location, advice: str) -> dict[str, Any]:
    """Return a sealed JSON object; raises LedgerError, with ``advice``, where it is missing or damaged."""
    with legible(path, advice, errors=(OSError, ValueError, RecursionError)):
        return open_json(read_whole(path))


def read_each(paths: Sequence[Location], read: Callable[[Location], Read]) -> list[Read]:
    """Read several files, in order."""
    with ThreadPoolExecutor(_AT_ONCE) as readers:
        return list(readers.map(read, paths))


def one_line(error: BaseException) -> str:
    """Return the message of an error, on one line of bounded length."""
    return " ".join((str(error) or type(error).__name__).split())[:200]


class ResultsPaths:
    """The files and folders of a results directory, a local path or a URI."""

    def __init__(self, root: Location | str) -> None:
        self.root = location(root)
        self.study_file = self.root / "study.yaml"
        self.manifest_file = self.root / "manifest.json"
        self.decision_makers_file = self.decision_makers_of(0)
        self.test_rows_file = self.test_rows_of(0)
        self.packs = self.root / "packs"
        self.runs = self.root / "runs"
        self.weights = self.root / "weights"
        self.outcomes = self.root / "outcomes"
        self.checkpoints = self.root / "checkpoints"
        self.report = self.root / "report"
        self.logs = local_logs(self.root)

    def decision_makers_of(self, split: int) -> Location:
        """The decision-makers of a split."""
        return self.root / f"decision_makers{_suffix(split)}.parquet"

    def test_rows_of(self, split: int) -> Location:
        """The test rows of a split."""
        return self.root / f"test_rows{_suffix(split)}.parquet"

    @property
    def where(self) -> str:
        """What another process opens this directory by; a URI with its keys, so it is never shown."""
        return str(self.root.resolve()) if isinstance(self.root, Path) else self.root.uri

    def pack_file(self, pack_id: str) -> Location:
        """What a pack was asked to run."""
        return self.packs / f"{pack_id}.json"

    def checkpoint_file(self, pack_id: str) -> Location:
        """The state of a pack in training."""
        return self.checkpoints / f"{pack_id}.checkpoint"

    def rows_files(self, pack_id: str) -> tuple[Location, Location, Location]:
        """A pack's runs, weights and outcomes."""
        name = f"{pack_id}.parquet"
        return self.runs / name, self.weights / name, self.outcomes / name


def _suffix(split: int) -> str:
    return f"_split{split}" if split else ""
