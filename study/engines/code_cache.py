"""The directory of machine code: what is there was made here and can be made again, so what is old goes."""

import contextlib
import os
import shutil
import time
from pathlib import Path

from filelock import FileLock

UNUSED = 30 * 24 * 3600.0
"""Seconds after which unused code is removed; no compiler takes so long, so none loses its files."""
_OURS = ("*.pt2", "*.lock", "tmp*")


def mark_used(path: Path) -> None:
    """Let ``path`` stay for as long again, where the directory can be written to."""
    with contextlib.suppress(OSError):
        os.utime(path)


def prune(directory: Path) -> None:
    """Remove machine code that is unused, and locks and directories that killed compilers left.

    What cannot be removed and locks that are held stay; what another process removes meanwhile is gone.
    """
    latest = time.time() - UNUSED
    for path in [path for names in _OURS for path in directory.glob(names)]:
        with contextlib.suppress(OSError):
            if path.lstat().st_mtime >= latest:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.suffix == ".lock":
                # Taking a lock does not make it younger: it may be old and held.
                with FileLock(path, timeout=0):
                    path.unlink()
            else:
                path.unlink()
