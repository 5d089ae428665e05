"""How files of a results directory are read: many at once, and one line about what cannot be read."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from study.errors import LedgerError
from study.results.files.schema import UNREADABLE
from study.storage.locations import Location
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
