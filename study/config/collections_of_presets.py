"""The figures of the paper, and the presets whose runs they are drawn from."""

_COMPAS = ("paper-figure-3a", "paper-figure-5", "paper-figure-6", "paper-figure-7-compas", "paper-figure-9")
_HEALTH = ("paper-figure-3b", "paper-figure-7-health")
COLLECTIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "paper-figure-4": (("4",), ("paper-figure-3a",)),
    "paper-figure-7": (("7",), ("paper-figure-7-compas", "paper-figure-7-health")),
    "paper-figure-8": (("8",), ("paper-figure-7-compas", "paper-figure-7-health")),
    "paper": (("3a", "3b", "4", "5", "6", "7", "8", "9"), _COMPAS + _HEALTH),
}
"""By name: the figures, and the presets."""
