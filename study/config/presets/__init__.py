"""The studies that ship with the package, and the collections of them that draw figures of the paper."""

from importlib import resources
from itertools import takewhile

_FOLDER = resources.files(__name__)

_COMPAS = ("paper-figure-3a", "paper-figure-5", "paper-figure-6", "paper-figure-7-compas", "paper-figure-9")
_HEALTH = ("paper-figure-3b", "paper-figure-7-health")
COLLECTIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "paper-figure-4": (("4",), ("paper-figure-3a",)),
    "paper-figure-7": (("7",), ("paper-figure-7-compas", "paper-figure-7-health")),
    "paper-figure-8": (("8",), ("paper-figure-7-compas", "paper-figure-7-health")),
    "paper": (("3a", "3b", "4", "5", "6", "7", "8", "9"), _COMPAS + _HEALTH),
}
"""By name: the figures, and the presets whose runs they are drawn from."""


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
