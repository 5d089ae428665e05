"""Named random streams: every draw in the project comes from a name and numbers, never from a clock."""

import hashlib

import torch


def stream_seed(name: str, *keys: object) -> int:
    """Return a 63-bit seed that depends on ``name`` and ``keys`` alone, the same on every machine."""
    digest = hashlib.sha256(repr((name, *keys)).encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


def stream(name: str, *keys: object) -> torch.Generator:
    """Return a CPU generator for the stream ``name`` at ``keys`` (a seed, an epoch, ...)."""
    return torch.Generator().manual_seed(stream_seed(name, *keys))
