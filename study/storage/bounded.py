"""What is read whole is a file of a size that fits: no device, no pipe, nothing that fills the memory."""

import contextlib
import os
import stat
from pathlib import Path

from study.errors import DataError

MIB, GIB = 2**20, 2**30
STUDY_FILE_BYTES = 4 * MIB
"""A study file with the longest lists that it may hold is far smaller."""
TABLE_GIB = "STUDY_TABLE_GIB"
"""The environment's word for how many GiB a table may have in memory."""


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
