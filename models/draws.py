"""What a seed draws: initial weights, the order of minibatches, and the noise of uncertain weights.

Every draw is from a named stream of the seed: settings compared under one seed differ in the setting alone.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from study.models.network import Model
from study.seeds import stream_seed

DECISION_DRAWS = 20
"""How often uncertain weights are drawn for a decision (the paper's J)."""


def stream(name: str, *keys: object) -> torch.Generator:
    """Return a CPU generator for the stream ``name`` at ``keys`` (a seed, an epoch, ...)."""
    return torch.Generator().manual_seed(stream_seed(name, *keys))


def initial_weights(model: Model, inputs: int, hidden: int, seeds: Sequence[int], lanes: int) -> Tensor:
    """Return theta (S, P, K): the lanes of a seed all start at that seed's weights."""
    drawn = [model.initialise(inputs, hidden, stream("initial weights", seed)) for seed in seeds]
    return torch.stack(drawn).unsqueeze(2).expand(-1, -1, lanes).contiguous()


def minibatch_order(size: int, batch_size: int, seeds: Sequence[int], epoch: int) -> Tensor:
    """Return the epoch's minibatches (steps, S, B): a shuffle per seed, an incomplete last one left out."""
    batch_size = min(batch_size, size)
    steps = size // batch_size
    shuffles = [
        torch.randperm(size, generator=stream("minibatches", seed, epoch))[: steps * batch_size]
        for seed in seeds
    ]
    return torch.stack([shuffle.view(steps, batch_size) for shuffle in shuffles], dim=1)


def weight_noise(
    model: Model, inputs: int, hidden: int, seeds: Sequence[int], draws: int, *keys: object
) -> Tensor | None:
    """Return standard normal draws of the weights, (J, S, P, 1), or None where weights are plain numbers.

    ``keys`` name what they are for: an epoch, or a word. The lanes of a seed share them.
    """
    if model.posterior is None:
        return None
    size = model.layout(inputs, hidden).size // 2
    drawn = [torch.randn(draws, size, generator=stream("weight noise", seed, *keys)) for seed in seeds]
    return torch.stack(drawn, dim=1).unsqueeze(-1)
