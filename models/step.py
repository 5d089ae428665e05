"""One training step for every model and method: loss, gradient and Adam, in every lane at once.

The step is written once, on tensors. ``Eager`` runs it as it stands; ``study.engines.compiled``
turns it into machine code. The two agree to rounding (about 1e-7 in a loss).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from study.models.examples import Batch, Examples
from study.models.losses import Loss
from study.models.network import AnyOutputs, Model, WeightNoise, in_blocks, padded_width

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8
VALIDATION_DRAWS = 2
"""How often uncertain weights are drawn for a validation loss: once and its mirror image, always the same.

What is linear in the draw cancels, so that two such draws are nearly as precise as four independent ones.
"""

State = tuple[Tensor, Tensor, Tensor]
"""theta, and the running means of its gradient and of the gradient's square: all (S, P, K)."""


class Lanes(NamedTuple):
    """What the networks of a pack are trained with: the terms of their losses, and which of them matter.

    alpha, gamma: (S, K); noise: draws of weights that are uncertain, else None; wanted: how many lanes of
    each seed matter, from the first, as ``Engine.widths`` gives them. What becomes of those beyond is the
    engine's choice.
    """

    alpha: Tensor
    gamma: Tensor
    noise: WeightNoise | None
    wanted: Sequence[int]


class Engine(Protocol):
    """What trains the lanes of a pack, minibatch by minibatch, and looks at them on a whole split.

    Attributes:
        model: whose networks it trains.
        shape: (N, F) of the training examples.
        device: where the networks must be.
    """

    model: Model
    shape: tuple[int, int]
    device: torch.device

    def widths(self, live: Sequence[int]) -> list[int]:
        """Return how many lanes of each seed to train where ``live`` of them matter; 0 drops the seed."""

    def train(self, state: State, sizes: Tensor, order: Tensor, lanes: Lanes) -> None:
        """Take the steps of an epoch, in place.

        sizes: (steps, 2) of ``adam_sizes``; order: (steps, S, B), the examples of each minibatch; the noise
        of ``lanes`` has a draw for each step.
        """

    def validate(self, theta: Tensor, lanes: Lanes) -> Tensor:
        """Return the loss of every lane on the validation split, (S, K); it may be NaN where not wanted."""


EngineOf = Callable[[Model, Loss, Examples, Examples], Engine]
"""Makes an engine for a model and its loss, and the examples to train and to validate on."""


class Eager:
    """The step as it is written, operation by operation: needs nothing but torch."""

    def __init__(self, model: Model, loss: Loss, train: Examples, validation: Examples) -> None:
        self.model, self._loss = model, loss
        self.shape, self.device = train.shape, train.x.device
        self._train, self._whole = train, validation.whole(1)
        self._step: Callable[..., object] = step

    def widths(self, live: Sequence[int]) -> list[int]:
        """Round up to widths on which a lane's bits do not depend on the width; see ``Engine``."""
        return [padded_width(number) for number in live]

    def train(self, state: State, sizes: Tensor, order: Tensor, lanes: Lanes) -> None:
        """Take the steps of an epoch, in all lanes; see ``Engine``."""
        alpha, gamma, noise, _ = lanes
        for number, batch in enumerate(self._train.batches(order)):
            drawn = noise and WeightNoise(noise.draws[number : number + 1], noise.share)
            self._step(self.model, self._loss, *state, sizes[number], batch, alpha, gamma, drawn)

    def validate(self, theta: Tensor, lanes: Lanes) -> Tensor:
        """Return the loss on the validation split, of all lanes; see ``Engine``."""
        whole = Batch(*(part.expand(len(theta), -1, -1) for part in self._whole))

        def outputs(weights: Tensor, x: Tensor) -> AnyOutputs:
            return outputs_in_blocks(self.model.outputs, weights, x)

        alpha, gamma, noise, _ = lanes
        return expected_loss(self.model, self._loss, outputs, theta, whole, alpha, gamma, noise)


def adam_sizes(learning_rate: float, steps: range) -> Tensor:
    """Return Adam's step size and epsilon at each of ``steps``, counted from 1 (Kingma and Ba, Section 2).

    (len(steps), 2) float64.
    """
    step = torch.tensor(steps, dtype=torch.float64)
    unbias = (1 - BETA2**step).sqrt()
    return torch.stack([learning_rate * unbias / (1 - BETA1**step), EPSILON * unbias], dim=1)


def adam_step(gradient: Tensor, theta: Tensor, mean: Tensor, square: Tensor, sizes: Tensor) -> None:
    """Take one Adam step in every lane, in place: all (S, P, K) but ``sizes`` (2,)."""
    mean.lerp_(gradient, 1 - BETA1)
    square.mul_(BETA2).addcmul_(gradient, gradient, value=1 - BETA2)
    theta.sub_(sizes[0] * mean / (square.sqrt() + sizes[1]))


def expected_loss(
    model: Model,
    loss: Loss,
    outputs: Callable[[Tensor, Tensor], AnyOutputs],
    theta: Tensor,
    batch: Batch,
    alpha: Tensor,
    gamma: Tensor,
    noise: WeightNoise | None,
) -> Tensor:
    """Return the loss of every lane, (S, K).

    Where weights are uncertain it is the mean over the draws plus their complexity's share: the
    variational bound per example (3.2.2), its sign turned.
    """
    if model.posterior is None or noise is None:
        return loss(outputs(theta, batch.x), batch, alpha, gamma)
    drawn = [
        loss(outputs(model.posterior.draw(theta, draw), batch.x), batch, alpha, gamma)
        for draw in noise.draws
    ]
    return torch.stack(drawn).mean(0) + noise.share * model.posterior.divergence(theta)


def step(
    model: Model,
    loss: Loss,
    theta: Tensor,
    mean: Tensor,
    square: Tensor,
    sizes: Tensor,
    batch: Batch,
    alpha: Tensor,
    gamma: Tensor,
    noise: WeightNoise | None,
) -> None:
    """Take one Adam step on a minibatch, in place: theta, mean and square (S, P, K), sizes (2,).

    A lane's loss depends on that lane alone, hence the gradient of the sum is every lane's own.
    """

    def total(theta: Tensor) -> Tensor:
        return expected_loss(model, loss, model.outputs, theta, batch, alpha, gamma, noise).sum()

    if torch.compiler.is_dynamo_compiling():
        # torch.compile sees through this way alone; run as it is written, it is the slower one.
        gradient = torch.func.grad(total)(theta)
    else:
        with torch.enable_grad():
            leaf = theta.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(total(leaf), leaf)
    adam_step(gradient, theta, mean, square, sizes)


def outputs_in_blocks(
    outputs: Callable[[Tensor, Tensor], AnyOutputs], theta: Tensor, x: Tensor
) -> AnyOutputs:
    """Return a model's outputs on whole splits x (S, N, F) without holding all hidden units at once."""
    blocks = [outputs(theta, block) for block in in_blocks(x)]
    joined = [torch.cat(parts, dim=1) for parts in zip(*blocks, strict=True)]
    return type(blocks[0])(*joined)
