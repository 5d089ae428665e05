"""One hidden layer of sigmoid units, many networks at once: models sit in the last axis, in lanes.

The parameters of a pack are one tensor ``theta`` (S, P, K), so that Adam, the best weights and the
dropping of finished lanes are single operations. All lanes of a seed share the minibatch, which makes
the first layer of all of them one matrix product.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod, sqrt
from typing import NamedTuple

import torch
from torch import Tensor

# Widths are multiples of this: on them the CPU kernels give a lane the same bits whatever the width.
LANE_MULTIPLE = 32


class Outputs(NamedTuple):
    """What a model says about examples; both (S, B, K).

    ``logit`` is the log-odds of the positive class, p = sigmoid(logit) being the model's prediction
    with its uncertainty left aside; ``pi`` the probability of deferral.
    """

    logit: Tensor
    pi: Tensor


class Scores(NamedTuple):
    """What a model decides by: IDK where t0 < score < t1, positive where score >= t1.

    ``score`` is (S, N, K), the thresholds ``t0`` <= ``t1`` are (S, K).
    """

    score: Tensor
    t0: Tensor
    t1: Tensor


class Layout(NamedTuple):
    """Names and shapes of a network's parameters, in the order in which ``theta`` holds them."""

    shapes: dict[str, tuple[int, ...]]

    @property
    def size(self) -> int:
        """P, the number of parameters of one network."""
        return sum(prod(shape) for shape in self.shapes.values())

    def split(self, theta: Tensor) -> dict[str, Tensor]:
        """Cut ``theta`` (S, P, K) into named views (S, size of the parameter, K)."""
        parts = torch.split(theta, [prod(shape) for shape in self.shapes.values()], dim=1)
        return dict(zip(self.shapes, parts, strict=True))


@dataclass(frozen=True)
class Model:
    """A model family: its parameters, where they start, and how scores become (p, pi).

    ``layout(inputs, hidden)`` names the parameters; ``initialise(inputs, hidden, generator)`` gives
    (P,) starting values; ``outputs(theta, x)`` and ``scores(theta, x)`` take (S, P, K) and (S, B, F).
    ``methods`` are the methods that the family can be trained with.
    """

    name: str
    methods: frozenset[str]
    has_thresholds: bool
    layout: Callable[[int, int], Layout]
    initialise: Callable[[int, int, torch.Generator], Tensor]
    outputs: Callable[[Tensor, Tensor], Outputs]
    scores: Callable[[Tensor, Tensor], Scores]


def padded_width(lanes: int) -> int:
    """Return the smallest width that holds ``lanes``."""
    return -(-lanes // LANE_MULTIPLE) * LANE_MULTIPLE


def pad_lanes(theta: Tensor) -> Tensor:
    """Repeat the last of K lanes until the width is one of those that give the same bits."""
    lanes = theta.shape[2]
    return theta[..., torch.arange(padded_width(lanes)).clamp_max(lanes - 1)]


def glorot(inputs: int, units: int, generator: torch.Generator) -> Tensor:
    """Draw (inputs * units,) weights uniformly in +-sqrt(6 / (inputs + units)) (Glorot and Bengio)."""
    bound = sqrt(6 / (inputs + units))
    return (torch.rand(inputs * units, generator=generator) * 2 - 1) * bound


def hidden_layer(weights: Tensor, x: Tensor) -> Tensor:
    """Apply one sigmoid layer in every lane.

    weights: (S, F * H, K); x: (S, B, F), its last column the constant 1 that carries the bias.
    Returns (S, B, H, K).
    """
    seeds, _, lanes = weights.shape
    inputs = x.shape[2]
    wide = torch.bmm(x, weights.reshape(seeds, inputs, -1))
    return torch.sigmoid(wide).view(seeds, x.shape[1], -1, lanes)


def read_out(weights: Tensor, units: Tensor) -> Tensor:
    """Weigh hidden units (S, B, H, K) by ``weights`` (S, H, K) into one score each, (S, B, K)."""
    return (units * weights.unsqueeze(1)).sum(2)
