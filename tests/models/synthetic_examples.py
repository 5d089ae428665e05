"""Small made-up problems: people, what happens to them, and a decision-maker who knows a bit more."""

import torch

from study.models.examples import Batch, Examples, with_bias


def make_examples(n: int, features: int, seed: int) -> Examples:
    """Return ``n`` people with ``features`` inputs, the last of them A, so that x is (n, features + 1).

    The label follows the first input and A; the DM's probability leans towards the label.
    """
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, features, generator=generator)
    a = (torch.rand(n, generator=generator) < 0.4).float()
    x[:, -1] = a
    y = (torch.rand(n, generator=generator) < torch.sigmoid(2 * x[:, 0] + a - 0.4)).float()
    dm = 0.05 + 0.5 * torch.rand(n, generator=generator) + 0.4 * y
    return Examples(with_bias(x), y, a, dm)


def in_float64(examples: Examples) -> Examples:
    return Examples(examples.x.double(), examples.y.double(), examples.a.double(), examples.dm.double())


def batch_of(y: torch.Tensor, a: torch.Tensor, dm: torch.Tensor) -> Batch:
    """Return one batch, for one seed, of examples (B,) of which nothing else matters."""
    return Examples(torch.ones(len(y), 1, dtype=y.dtype), y, a, dm).whole(1)
