"""Named random streams: a generator for each of the project's named seeds."""

import torch

from study.seeds import stream_seed


def stream(name: str, *keys: object) -> torch.Generator:
    """Return a CPU generator for the stream ``name`` at ``keys`` (a seed, an epoch, ...)."""
    return torch.Generator().manual_seed(stream_seed(name, *keys))
