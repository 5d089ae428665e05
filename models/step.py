"""One training step for every model and method: loss, gradient and Adam, in every lane at once.

The step is written once, on tensors. Where a C++ compiler is there, torch.compile can turn the whole of
it into one graph; elsewhere the same function runs as it is. The two agree to rounding (about 1e-7 in a
loss).
"""

import shutil
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor

from models.examples import Batch
from models.methods import Loss
from models.network import Model, Outputs, WeightNoise, in_blocks

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8

Objective = Callable[[Tensor, Batch, Tensor, Tensor, WeightNoise | None], Tensor]
"""theta (S, P, K), batch, alpha and gamma (S, K), noise -> one loss per lane, (S, K)."""

Step = Callable[[Tensor, Tensor, Tensor, Tensor, Batch, Tensor, Tensor, WeightNoise | None], None]
"""theta, mean and square (S, P, K), sizes (2,), batch, alpha, gamma, noise: one Adam step, in place."""


def compiler_available() -> bool:
    """Say whether this machine can compile: torch.compile needs a C++ compiler beside torch."""
    return any(shutil.which(name) for name in ("g++", "clang++", "c++"))


def adam_sizes(learning_rate: float, steps: int) -> Tensor:
    """Return Adam's step size and epsilon at step 1, 2, ..., (2,) float64 (Kingma and Ba, Section 2)."""
    unbias = (1 - BETA2**steps) ** 0.5
    sizes = [learning_rate * unbias / (1 - BETA1**steps), EPSILON * unbias]
    return torch.tensor(sizes, dtype=torch.float64)


def adam_step(gradient: Tensor, theta: Tensor, mean: Tensor, square: Tensor, sizes: Tensor) -> None:
    """Take one Adam step in every lane, in place: all (S, P, K) but ``sizes`` (2,)."""
    mean.lerp_(gradient, 1 - BETA1)
    square.mul_(BETA2).addcmul_(gradient, gradient, value=1 - BETA2)
    theta.sub_(sizes[0] * mean / (square.sqrt() + sizes[1]))


def expected_loss(
    model: Model,
    loss: Loss,
    outputs: Callable[[Tensor, Tensor], Outputs],
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


@cache
def step_function(model: Model, loss: Loss, compiled: bool) -> Step:
    """Return the training step of ``model`` under ``loss``; each is compiled once per process and shape.

    A lane's loss depends on that lane alone, hence the gradient of the sum is every lane's own.
    """

    def step(
        theta: Tensor,
        mean: Tensor,
        square: Tensor,
        sizes: Tensor,
        batch: Batch,
        alpha: Tensor,
        gamma: Tensor,
        noise: WeightNoise | None,
    ) -> None:
        with torch.enable_grad():
            leaf = theta.detach().requires_grad_()
            total = expected_loss(model, loss, model.outputs, leaf, batch, alpha, gamma, noise).sum()
            (gradient,) = torch.autograd.grad(total, leaf)
        adam_step(gradient, theta, mean, square, sizes)

    return _compiled(step) if compiled else step


@cache
def objective_function(model: Model, loss: Loss, compiled: bool) -> Objective:
    """Return the loss of every lane on a whole split, without gradients."""

    def outputs(weights: Tensor, x: Tensor) -> Outputs:
        return model.outputs(weights, x) if compiled else outputs_in_blocks(model, weights, x)

    def objective(
        theta: Tensor, batch: Batch, alpha: Tensor, gamma: Tensor, noise: WeightNoise | None
    ) -> Tensor:
        return expected_loss(model, loss, outputs, theta, batch, alpha, gamma, noise)

    return _compiled(objective) if compiled else objective


def outputs_in_blocks(model: Model, theta: Tensor, x: Tensor) -> Outputs:
    """Return a model's outputs on whole splits x (S, N, F) without holding all hidden units at once."""
    blocks = [model.outputs(theta, block) for block in in_blocks(x)]
    return Outputs(*(torch.cat(parts, dim=1) for parts in zip(*blocks, strict=True)))


def _compiled(function: Any) -> Any:
    """Compile ``function`` for the exact shapes it meets, the gradient inside it included."""
    import torch._dynamo
    import torch._inductor.config

    torch._dynamo.config.trace_autograd_ops = True
    # Workers compile at the same time as it is; more processes would only get into their way.
    torch._inductor.config.compile_threads = 1
    # One function serves every model, method and width.
    torch._dynamo.config.recompile_limit = 256
    torch._dynamo.config.accumulated_recompile_limit = 4096
    return torch.compile(function, fullgraph=True, dynamic=False)
