"""Presets: study files that ship with the package."""

from importlib import resources
from itertools import takewhile

_FOLDER = resources.files(__name__)


def preset_names() -> list[str]:
    """Return the names of the presets."""
    return sorted(p.name.removesuffix(".yaml") for p in _FOLDER.iterdir() if p.name.endswith(".yaml"))


def preset_text(name: str) -> str:
    """Return the study file of a preset."""
    return _FOLDER.joinpath(f"{name}.yaml").read_text("utf-8")


def preset_description(name: str) -> str:
    """Return what a preset's file says at its top."""
    comment = takewhile(lambda line: line.startswith("# "), preset_text(name).splitlines())
    return " ".join(line.removeprefix("# ") for line in comment)
