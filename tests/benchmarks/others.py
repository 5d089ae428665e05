"""The same runs in the usual ways: one nn.Module at a time, and torch.func.vmap over stacked modules.

Same data, initial weights, minibatches, losses, optimiser and early stopping as in a pack; what differs is
how the computer is kept busy.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import functional_call, grad, stack_module_state, vmap

from study.models.draws import initial_weights, minibatch_order
from study.models.examples import Batch, Examples
from study.models.losses import loss_of
from study.models.network import Model, Outputs
from study.models.training import TrainingOptions
from tests.models.plain import PLAIN


@dataclass(frozen=True)
class Alone:
    """A run trained by itself: its best validation loss, and the epochs it took."""

    validation_loss: float
    epochs: int


def cost(
    network: Callable[[Tensor], tuple[Tensor, Tensor]],
    method: str,
    batch: Batch,
    alpha: Tensor,
    gamma: Tensor,
) -> Tensor:
    """Return what ``method`` says that a network (p and pi of x) costs on the batch of one seed, ()."""
    p, pi = (part.view(1, -1, 1) for part in network(batch.x[0]))
    return loss_of(method)(Outputs(p, 1 - p, pi), batch, alpha.view(1, 1), gamma.view(1, 1)).squeeze()


def train_alone(
    model: Model,
    method: str,
    train: Examples,
    validation: Examples,
    *,
    alpha: Tensor,
    gamma: Tensor,
    seed: int,
    options: TrainingOptions,
) -> Alone:
    """Train one nn.Module with torch.optim.Adam, and stop early as a pack does."""
    inputs = train.x.shape[1]
    start = initial_weights(model, inputs, options.hidden, [seed], 1)[0, :, 0]
    network = PLAIN[model.name](start, inputs, options.hidden)
    optimiser = torch.optim.Adam(network.parameters(), lr=options.learning_rate, fused=True)
    whole = validation.whole(1)
    best, best_epoch, epoch = torch.inf, 0, 0
    while epoch < options.max_epochs and epoch - best_epoch < options.patience:
        epoch += 1
        for batch in train.batches(minibatch_order(len(train), options.batch_size, [seed], epoch)):
            optimiser.zero_grad()
            cost(network, method, batch, alpha, gamma).backward()
            optimiser.step()
        with torch.no_grad():
            loss = cost(network, method, whole, alpha, gamma).item()
        if loss < best:
            best, best_epoch = loss, epoch
    return Alone(best, epoch)


def epoch_under_vmap(
    model: Model,
    method: str,
    train: Examples,
    *,
    alpha: Tensor,
    gamma: Tensor,
    seeds: list[int],
    options: TrainingOptions,
    steps: int,
) -> Callable[[], dict[str, Tensor]]:
    """Return a function that takes ``steps`` steps of every setting (K,) under every seed, by vmap.

    It returns the parameters, stacked (S, K, ...).
    """
    inputs, settings = train.x.shape[1], len(alpha)
    starts = initial_weights(model, inputs, options.hidden, seeds, 1)[..., 0]
    modules = [PLAIN[model.name](start, inputs, options.hidden) for start in starts]
    one = modules[0]
    stacked, _ = stack_module_state(modules)
    params = {
        name: value.detach().unsqueeze(1).repeat_interleave(settings, 1).requires_grad_()
        for name, value in stacked.items()
    }
    optimiser = torch.optim.Adam(params.values(), lr=options.learning_rate, fused=True)

    def loss(parameters: dict[str, Tensor], batch: Batch, alpha: Tensor, gamma: Tensor) -> Tensor:
        whole = Batch(*(part.unsqueeze(0) for part in batch))
        return cost(lambda x: functional_call(one, parameters, (x,)), method, whole, alpha, gamma)

    over_settings = vmap(grad(loss), in_dims=(0, None, 0, 0))
    gradients = vmap(over_settings, in_dims=(0, 0, None, None))
    order = minibatch_order(len(train), options.batch_size, seeds, 1)[:steps]

    def run() -> dict[str, Tensor]:
        for batch in train.batches(order):
            for name, gradient in gradients(params, batch, alpha, gamma).items():
                params[name].grad = gradient
            optimiser.step()
        return params

    return run
