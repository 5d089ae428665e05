"""Where this project keeps what it can make again, and directories that no other user can write to."""

import os
import stat
import tempfile
from functools import cache
from pathlib import Path


def user_cache() -> Path:
    """Return this project's directory in the user's cache."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "learning-to-defer-study"


def own_directory(*wanted: Path) -> Path:
    """Return the first of ``wanted`` that is ours alone, made if need be; else a new temporary directory.

    Ours is what this user owns, no link, and neither it nor a directory above it writable by others: what
    is loaded from there runs as this user, and names in /tmp can be taken by anyone. It gets mode 0700.
    """
    for path in wanted:
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if all(map(_is_safe_above, path.resolve().parents)) and _made_private(path):
                return path
        except OSError:
            continue
    return _temporary(wanted)


@cache
def _temporary(instead_of: tuple[Path, ...]) -> Path:
    return Path(tempfile.mkdtemp(prefix="learning-to-defer-study-"))


def _is_safe_above(directory: Path) -> bool:
    """Return whether no other user but root can replace what is in a directory."""
    result = directory.stat()
    others_may_write = result.st_mode & stat.S_IWOTH and not result.st_mode & stat.S_ISVTX
    return result.st_uid in (0, os.getuid()) and not others_may_write


def _made_private(path: Path) -> bool:
    """Set mode 0700; return whether the directory was ours and only ours to write to before."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        result = os.fstat(handle)
        if result.st_uid != os.getuid() or result.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return False
        os.fchmod(handle, 0o700)
        return os.access(path, os.W_OK)
    finally:
        os.close(handle)
