"""One way to write and read a file whole, if it fits, and one way to deliver a report."""

import contextlib
import errno
import os
import stat
import uuid
from collections.abc import Iterator
from pathlib import Path

from study.errors import DataError, LedgerError, OutputError
from study.storage.locations import Location, RemotePath
from study.storage.retries import may_pass, reason, with_retries
from study.storage.temporary import temporary_folder

MIB, GIB = 2**20, 2**30
STUDY_FILE_BYTES = 4 * MIB
"""A study file with the longest lists that it may hold is far smaller."""
TABLE_GIB = "STUDY_TABLE_GIB"
"""The environment's word for how many GiB a table may have in memory."""


def write_whole(path: Location, content: bytes) -> None:
    """Write ``content`` so that ``path`` holds all of it or what it held before.

    Missing parent directories are made. Raises OutputError where the file cannot be written.
    """
    try:
        if isinstance(path, RemotePath):
            path.write_bytes(content)
        else:
            with_retries(lambda: _write_local(path, content))
    except LedgerError as error:
        raise OutputError(f"cannot be written: {error}") from None
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        advice = "make room, then do it again" if full else "give a writable file name"
        raise OutputError(f"{path}: cannot be written ({reason(error)}); {advice}") from error


def read_whole(path: Location) -> bytes:
    """Return the content of ``path``; raises OSError where the file itself cannot be read.

    Raises LedgerError where the storage fails for longer than it is retried: that says nothing of the file.
    """
    try:
        return (
            path.read_bytes() if isinstance(path, RemotePath) else with_retries(lambda: _read_local(path))
        )
    except OSError as error:
        if may_pass(error):
            raise LedgerError(f"{path}: cannot be read ({reason(error)})") from None
        raise


def _read_local(path: Path) -> bytes:
    """Read a file; a pipe or a device, which may never end, raises OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        kind = os.fstat(handle).st_mode
        if stat.S_ISDIR(kind):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(kind):
            raise OSError(errno.EINVAL, "is not a file")
        with open(handle, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(handle)


def _write_local(path: Path, content: bytes) -> None:
    """Write next to the file, flushed, then move into place."""
    part = path.parent / f".{path.name}.{uuid.uuid4().hex}.part"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


@contextlib.contextmanager
def delivered(folder: Location) -> Iterator[Path]:
    """Yield a local folder to write a report in; afterwards it lies in ``folder``, its page last.

    Raises OutputError where it cannot be written, or not be brought there.
    """
    try:
        with _folder_here(folder) as here:
            yield here
    except OSError as error:
        raise OutputError(
            f"{folder}: the report cannot be written ({error.strerror}); give a writable --out"
        ) from error


@contextlib.contextmanager
def _folder_here(folder: Location) -> Iterator[Path]:
    if isinstance(folder, Path):
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with temporary_folder("study-report-") as made:
        here = made / "report"
        here.mkdir()
        yield here
        files = sorted(path for path in here.rglob("*") if path.is_file())
        for path in sorted(files, key=lambda path: path.name == "index.html"):
            write_whole(folder / path.relative_to(here).as_posix(), path.read_bytes())


def table_bytes() -> int:
    """Return how many bytes a table may have, uncompressed: $STUDY_TABLE_GIB, else 2 GiB.

    Raises DataError where that is no number above 0.
    """
    given = os.environ.get(TABLE_GIB, "2")
    with contextlib.suppress(ValueError, OverflowError):
        if (limit := int(float(given) * GIB)) > 0:
            return limit
    raise DataError(f"environment variable {TABLE_GIB}: must be a number above 0, got {given!r}")


def why_not_read(path: Path, most: int, advice: str) -> str | None:
    """Return why the file at ``path`` is not read: it is a device or a pipe, or has above ``most`` bytes.

    None where it can be tried. ``advice`` says what to do about a file that is too large.
    """
    try:
        result = path.stat()
    except (OSError, ValueError):
        return None  # Opening it says more.
    if not (stat.S_ISREG(result.st_mode) or stat.S_ISDIR(result.st_mode)):
        return "is a device or a pipe; give a file"
    if result.st_size > most:
        return f"has {result.st_size:,} bytes, more than {most:,}; {advice}"
    return None
