"""One hidden layer of sigmoid units, many networks at once: models sit in the last axis, in lanes.

The parameters of a pack are one tensor ``theta`` (S, P, K), so that Adam, the best weights and the
dropping of finished lanes are single operations. All lanes of a seed share the minibatch, which makes
the first layer of all of them one matrix product.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod, sqrt
from typing import Any, NamedTuple

import torch
from torch import Tensor

from study.models.regions import BY_LOG_ODDS, Region

# Widths are multiples of this: on them the CPU kernels give a lane the same bits whatever the width.
# (Products of under 400 multiplications have a kernel of their own: minibatches have at least 7 examples.)
LANE_MULTIPLE = 32
# Whole splits go through a network in blocks of examples that fit into a core's cache. Without AVX-512 a
# product of more than 64 rows has other bits at some widths.
_BLOCK = 64
# Beyond these differences an exponential overflows float32.
STEEPEST = 69.0


class Outputs(NamedTuple):
    """A model's predictions for examples; all (S, B, K).

    ``p`` is the probability of the positive class, the model's uncertainty left aside, and ``q`` that of
    the negative one: q = 1 - p, computed on its own so that neither loses digits near certainty. ``pi`` is
    the probability of deferral.
    """

    p: Tensor
    q: Tensor
    pi: Tensor


class Actions(NamedTuple):
    """Scores of every action, (S, B, 2 + J, K): 0, 1, asking each of J people."""

    scores: Tensor

    @property
    def p(self) -> Tensor:
        """The probability of the positive class where the model decides, (S, B, K)."""
        return torch.sigmoid(self.scores[:, :, 1] - self.scores[:, :, 0])

    @property
    def pi(self) -> Tensor:
        """The probability of asking, (S, B, K)."""
        return torch.softmax(self.scores, dim=2)[:, :, 2:].sum(2)


class Comparison(NamedTuple):
    """The probabilities p of the positive class and kappa that the person is right; all (S, B, K).

    ``q`` = 1 - p and ``wrong`` = 1 - kappa, computed on their own as in ``Outputs``; ``right`` is kappa.
    """

    p: Tensor
    q: Tensor
    right: Tensor
    wrong: Tensor

    @property
    def pi(self) -> Tensor:
        """1 where the person is likelier to be right than the model, else 0."""
        return (self.right > torch.maximum(self.p, self.q)).to(self.p.dtype)


class Asking(NamedTuple):
    """The probability p of a model that is not trained, ``q`` = 1 - p, and whether to ask a person.

    ``ask`` is the score of asking less that of keeping the model's class; all (S, B, K).
    """

    p: Tensor
    q: Tensor
    ask: Tensor

    @property
    def pi(self) -> Tensor:
        """The probability of asking, (S, B, K)."""
        return torch.sigmoid(self.ask)


AnyOutputs = Outputs | Actions | Comparison | Asking
"""The predictions of any family; its losses know which of them."""


class Thresholds(NamedTuple):
    """What scores are compared with, by group A = 0, 1: deferred where t0 < score < t1, positive from t1.

    Both are (S, 2, K), or (S, 2, C, K) for C candidates; t0 <= t1.
    """

    t0: Tensor
    t1: Tensor


class WeightNoise(NamedTuple):
    """Draws of weights that are uncertain, and the share of their complexity in a mean loss.

    ``draws``: (J, S, P, 1) standard normal, the same for all lanes of a seed; ``share``: () one over the
    number of training examples.
    """

    draws: Tensor
    share: Tensor


class Posterior(NamedTuple):
    """Weights of which a distribution is learned (3.2.2): how to draw them, and what it costs.

    ``draw(theta, noise)`` turns (S, 2 P, K) and (S, P, 1) into weights (S, P, K); ``divergence(theta)`` is
    KL(q || prior) of every lane, (S, K) in nats.
    """

    draw: Callable[[Tensor, Tensor], Tensor]
    divergence: Callable[[Tensor], Tensor]


class Uncertainty(NamedTuple):
    """The quantity that explains a decision where a score between two thresholds explains little.

    It defers where ``value(score, pi)``, all of one shape, is above what ``limit(t1)`` makes of the
    threshold of a case's group. ``column`` is what tables call it, ``description`` what sentences do.
    """

    column: str
    description: str
    value: Callable[[Tensor, Tensor], Tensor]
    limit: Callable[[Tensor], Tensor]


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
    """The mathematics of a family: parameters, where they start, and how they become (p, pi) and decisions.

    ``name`` is what its machine code is called. ``layout(inputs, hidden)`` names the parameters;
    ``initialise(inputs, hidden, generator)`` gives (P,) starting values. ``outputs(weights, x)`` takes
    (S, P, K) and (S, B, F) and is what the family's losses see. ``score(theta, x, noise)`` is what
    decisions are made by, (S, B, K), and ``thresholds(theta, gamma)`` what it is compared with as trained,
    at the prices gamma (K,). ``posterior`` is None where weights are plain numbers; ``noise`` is then not
    looked at. ``uncertainty`` is None where a decision is best explained by score and thresholds.
    ``region`` ranks cases between thresholds. ``right(outputs)`` is the probability that the person is
    right, (S, B, K), None where the family does not estimate it.
    """

    name: str
    layout: Callable[[int, int], Layout]
    initialise: Callable[[int, int, torch.Generator], Tensor]
    outputs: Callable[[Tensor, Tensor], AnyOutputs]
    score: Callable[[Tensor, Tensor, WeightNoise | None], Tensor]
    thresholds: Callable[[Tensor, Tensor], Thresholds]
    posterior: Posterior | None = None
    uncertainty: Uncertainty | None = None
    region: Region = BY_LOG_ODDS
    right: Callable[[Any], Tensor] | None = None


def rounded_up(lanes: int, multiple: int) -> int:
    """Return the smallest multiple that holds ``lanes``."""
    return -(-lanes // multiple) * multiple


def padded_width(lanes: int) -> int:
    """Return the smallest width that holds ``lanes``."""
    return rounded_up(lanes, LANE_MULTIPLE)


def pad_lanes(theta: Tensor) -> Tensor:
    """Repeat the last of K lanes until the width is one of those that give the same bits."""
    lanes = theta.shape[2]
    return theta[..., torch.arange(padded_width(lanes)).clamp_max(lanes - 1)]


def in_blocks(x: Tensor) -> tuple[Tensor, ...]:
    """Cut inputs (S, N, F) along N into blocks that are equally long to one example: none is tiny."""
    return torch.tensor_split(x, max(1, -(-x.shape[1] // _BLOCK)), dim=1)


def glorot(inputs: int, units: int, generator: torch.Generator) -> Tensor:
    """Draw (inputs * units,) weights uniformly in +-sqrt(6 / (inputs + units)) (Glorot and Bengio)."""
    bound = sqrt(6 / (inputs + units))
    return (torch.rand(inputs * units, generator=generator) * 2 - 1) * bound


def hidden_layer(weights: Tensor, x: Tensor, more: Tensor | None = None) -> Tensor:
    """Apply one sigmoid layer in every lane.

    weights: (S, F * H, K); x: (S, B, F), its last column the constant 1 that carries the bias; more:
    (S, B, H, K), what inputs that differ from lane to lane add. Returns (S, B, H, K).
    """
    seeds, _, lanes = weights.shape
    inputs = x.shape[2]
    wide = torch.bmm(x, weights.reshape(seeds, inputs, -1)).view(seeds, x.shape[1], -1, lanes)
    return torch.sigmoid(wide if more is None else wide + more)


def read_out(weights: Tensor, units: Tensor) -> Tensor:
    """Weigh hidden units (S, B, H, K) by ``weights`` (S, H, K) into one score each, (S, B, K)."""
    return (units * weights.unsqueeze(1)).sum(2)


def same_for_all(value: float, theta: Tensor) -> Tensor:
    """Return a threshold (S, 2, K) that is the same for both groups in every lane of theta (S, P, K)."""
    return theta.new_full((theta.shape[0], 2, theta.shape[2]), value)


def asked_between(theta: Tensor, _: Tensor) -> Thresholds:
    """Return the thresholds of a ``signed_preference``: asking where it is better than deciding."""
    return Thresholds(same_for_all(-1.0, theta), same_for_all(1.0, theta))


def signed_preference(zero: Tensor, one: Tensor, ask: Tensor) -> Tensor:
    """Return how much better deciding is than asking, with the sign of the better decision; any shape.

    exp(max(zero, one) - ask) of three values, negative where ``zero`` is above ``one``: so that asking lies
    between two thresholds, as in every other family.
    """
    keep = torch.exp((torch.maximum(zero, one) - ask).clamp(-STEEPEST, STEEPEST))
    return torch.where(one >= zero, keep, -keep)
