"""Where this project keeps what it can make or fetch again."""

import os
from pathlib import Path


def user_cache() -> Path:
    """Return this project's directory in the user's cache."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "learning-to-defer-study"
