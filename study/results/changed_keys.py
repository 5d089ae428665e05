"""In which keys two resolved study files differ."""

from collections.abc import Mapping
from typing import Any


def changed_keys(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Return the dotted keys whose values differ, with both values; ``resources`` decide no row."""
    result = []
    for key in dict.fromkeys([*old, *new]):
        name = f"{prefix}{key}"
        if name == "resources" or old.get(key) == new.get(key):
            continue
        if isinstance(old.get(key), Mapping) and isinstance(new.get(key), Mapping):
            result += changed_keys(old[key], new[key], f"{name}.")
        else:
            result.append(f"{name} ({old.get(key)} before, {new.get(key)} now)")
    return result
