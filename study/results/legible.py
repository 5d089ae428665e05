"""How files of a results directory are read: many at once, and one line about what cannot be read."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from study.errors import LedgerError
from study.results.schema import UNREADABLE
from study.storage.locations import Location

Read = TypeVar("Read")

_AT_ONCE = 16
"""How many files are read at once: an object store answers each of them late, but all together."""


@contextlib.contextmanager
def legible(
    path: Location, advice: str = "", *, errors: tuple[type[Exception], ...] = UNREADABLE
) -> Iterator[None]:
    """Raise LedgerError about ``path`` where one of ``errors`` is raised within."""
    try:
        yield
    except errors as error:
        raise LedgerError(f"{path}: cannot be read ({words(error)}){advice}") from None


def each(paths: Sequence[Location], read: Callable[[Location], Read]) -> list[Read]:
    """Read several files, in order."""
    with ThreadPoolExecutor(_AT_ONCE) as readers:
        return list(readers.map(read, paths))


def words(error: BaseException) -> str:
    """Return what an error says, on one line of bounded length."""
    return " ".join((str(error) or type(error).__name__).split())[:200]
