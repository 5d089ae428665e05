"""One way to write a file whole, here or in an object store, and one way to deliver a report."""

import contextlib
import errno
import os
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

from study.errors import LedgerError, OutputError
from study.storage.locations import Location, RemotePath
from study.storage.retries import may_pass, reason, with_retries


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
        return path.read_bytes() if isinstance(path, RemotePath) else with_retries(path.read_bytes)
    except OSError as error:
        if may_pass(error):
            raise LedgerError(f"{path}: cannot be read ({reason(error)})") from None
        raise


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
    with tempfile.TemporaryDirectory() as made:
        here = Path(made)
        yield here
        files = sorted(path for path in here.rglob("*") if path.is_file())
        for path in sorted(files, key=lambda path: path.name == "index.html"):
            write_whole(folder / path.relative_to(here).as_posix(), path.read_bytes())
