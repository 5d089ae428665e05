"""Temporary directories that go even when their process is killed."""

import contextlib
import fcntl
import glob
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LOCK = ".lock"
_YOUNG = 60.0
"""Seconds in which a directory may have no lock yet, because it is being made."""


@contextmanager
def temporary_folder(prefix: str, base: Path | None = None) -> Iterator[Path]:
    """Make a directory in ``base``, or where temporary files go, for as long as the context lasts.

    The kernel frees the lock in it when this process dies, however it does: whoever makes the next one with
    this ``prefix`` removes it. Raises OSError where it cannot be made.
    """
    base = base or Path(tempfile.gettempdir())
    _remove_abandoned(prefix, base)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=base))
    handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with contextlib.suppress(OSError):  # A file system without locks: it is removed below alone.
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def _remove_abandoned(prefix: str, base: Path) -> None:
    """Remove directories of dead processes: this user's own, and no links."""
    for folder in base.glob(f"{glob.escape(prefix)}*"):
        with contextlib.suppress(OSError):
            known = folder.lstat()
            ours = stat.S_ISDIR(known.st_mode) and known.st_uid == os.getuid()
            if not ours or time.time() - known.st_mtime < _YOUNG:
                continue
            handle = os.open(folder / _LOCK, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(handle)
