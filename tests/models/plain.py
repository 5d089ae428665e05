"""The paper's networks, losses and training again, one model at a time and as the formulas stand there."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence
from torch.nn.functional import linear, softplus

from study.models.draws import initial_weights, minibatch_order, stream
from study.models.examples import Examples
from study.models.network import Model
from study.models.training import TrainingOptions


class PlainMLP(torch.nn.Module):
    """A network with its parameters taken from one lane (P,); says (p, pi), both (B,)."""

    def __init__(self, weights: Tensor, inputs: int, hidden: int) -> None:
        super().__init__()
        first = weights[: inputs * hidden].view(inputs, hidden)
        output = weights[inputs * hidden : inputs * hidden + hidden]
        self.hidden = torch.nn.Linear(inputs - 1, hidden, dtype=weights.dtype)
        self.output = torch.nn.Linear(hidden, 1, bias=False, dtype=weights.dtype)
        self.rest = torch.nn.Parameter(weights[inputs * hidden + hidden :].clone())
        with torch.no_grad():
            self.hidden.weight.copy_(first[:-1].T)
            self.hidden.bias.copy_(first[-1])
            self.output.weight.copy_(output.unsqueeze(0))

    def score(self, x: Tensor) -> Tensor:
        return self.output(torch.sigmoid(self.hidden(x[:, :-1]))).squeeze(1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        score = self.score(x) + self.rest[0]
        return torch.sigmoid(score), torch.zeros_like(score)

    def in_a_lane(self, get: Callable[[Tensor], Tensor]) -> Tensor:
        """Put ``get`` of every parameter (itself, its gradient) where a lane (P,) has it."""
        first = torch.cat([get(self.hidden.weight).T, get(self.hidden.bias).unsqueeze(0)])
        return torch.cat([first.flatten(), get(self.output.weight).flatten(), get(self.rest)])

    def cost(self, method: str, examples: Examples, alpha: float, gamma: float, *_: object) -> Tensor:
        """Return what ``method`` says that this network costs on ``examples``."""
        return plain_loss(method, *self(examples.x), examples, alpha, gamma)


class PlainOrdinal(PlainMLP):
    """Eq. 10 of the paper, with t1 = t0 + exp(log_gap)."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        score = self.score(x)
        t0, log_gap = self.rest
        sigma0, sigma1 = torch.sigmoid(score - t0), torch.sigmoid(score - t0 - torch.exp(log_gap))
        positive, idk, negative = sigma1, sigma0 - sigma1, 1 - sigma0
        return positive / (positive + negative), idk


class PlainGate(torch.nn.Module):
    """A network for p, and one that sees x and p, as a number, for pi."""

    def __init__(self, weights: Tensor, inputs: int, hidden: int) -> None:
        super().__init__()
        theirs, first, p, output, bias = torch.split(
            weights, [inputs * hidden + hidden + 1, inputs * hidden, hidden, hidden, 1]
        )
        self.predictor = PlainMLP(theirs, inputs, hidden)
        self.hidden = torch.nn.Linear(inputs, hidden, dtype=weights.dtype)
        self.output = torch.nn.Linear(hidden, 1, dtype=weights.dtype)
        with torch.no_grad():
            rows = first.view(inputs, hidden)
            self.hidden.weight.copy_(torch.cat([rows[:-1], p.unsqueeze(0)]).T)
            self.hidden.bias.copy_(rows[-1])
            self.output.weight.copy_(output.unsqueeze(0))
            self.output.bias.copy_(bias)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        p, _ = self.predictor(x)
        seen = torch.cat([x[:, :-1], p.detach().unsqueeze(1)], dim=1)
        return p, torch.sigmoid(self.output(torch.sigmoid(self.hidden(seen)))).squeeze(1)

    def in_a_lane(self, get: Callable[[Tensor], Tensor]) -> Tensor:
        weight = get(self.hidden.weight).T
        parts = [weight[:-1], get(self.hidden.bias), weight[-1], get(self.output.weight)]
        parts = [self.predictor.in_a_lane(get), *parts, get(self.output.bias)]
        return torch.cat([part.flatten() for part in parts])

    def cost(self, method: str, examples: Examples, alpha: float, gamma: float, *_: object) -> Tensor:
        return plain_loss(method, *self(examples.x), examples, alpha, gamma)


class PlainBayes(torch.nn.Module):
    """A Gaussian for every weight of an MLP (Blundell et al., 2015)."""

    def __init__(self, weights: Tensor, inputs: int, hidden: int) -> None:
        super().__init__()
        mean, rho = weights.chunk(2)
        self.mean, self.rho = torch.nn.Parameter(mean.clone()), torch.nn.Parameter(rho.clone())
        self.sizes = (inputs, hidden)

    def posterior(self) -> Normal:
        return Normal(self.mean, softplus(self.rho))

    def predict(self, x: Tensor, draw: Tensor) -> Tensor:
        """Return the prediction (B,) of the network with standardised weights ``draw`` (P,)."""
        inputs, hidden = self.sizes
        w = self.posterior().loc + self.posterior().scale * draw
        first, output, bias = torch.split(w, [inputs * hidden, hidden, 1])
        units = torch.sigmoid(linear(x, first.view(inputs, hidden).T))
        return torch.sigmoid(linear(units, output.unsqueeze(0), bias)).squeeze(1)

    def in_a_lane(self, get: Callable[[Tensor], Tensor]) -> Tensor:
        return torch.cat([get(self.mean), get(self.rho)])

    def cost(
        self, method: str, examples: Examples, alpha: float, gamma: float, draws: Tensor, people: int
    ) -> Tensor:
        """Return minus the variational bound over ``people``, Monte Carlo with ``draws`` (J, P)."""
        said = [self.predict(examples.x, draw) for draw in draws]
        losses = [plain_loss(method, p, torch.zeros_like(p), examples, alpha, gamma) for p in said]
        prior = Normal(torch.zeros_like(self.mean), torch.ones_like(self.mean))
        complexity = kl_divergence(self.posterior(), prior).sum()
        return sum(losses) / len(losses) + complexity / people


PLAIN = {
    "mlp": PlainMLP,
    "ordinal": PlainOrdinal,
    "posthoc": PlainMLP,
    "gate": PlainGate,
    "bayes": PlainBayes,
}


def standard_draws(number: int, size: int, seed: int, *purpose: object) -> Tensor:
    """Return the draws (J, P) of the stream that is promised for ``purpose``."""
    return torch.randn(number, size, generator=stream("weight noise", seed, *purpose))


def mirrored_draw(size: int, seed: int) -> Tensor:
    """Return the draws (2, P) of a validation loss: one, and its mirror image."""
    draw = standard_draws(1, size, seed, "validation")
    return torch.cat([draw, -draw])


def group_means(values: Tensor, examples: Examples, label: int) -> list[Tensor]:
    """Return the means of ``values`` (N,) by group of those with ``label``; [] where a group is empty."""
    groups = [values[(examples.y == label) & (examples.a == group)] for group in (0, 1)]
    return [group.mean() for group in groups] if all(len(group) for group in groups) else []


def plain_disparity(p: Tensor, examples: Examples) -> Tensor:
    """Eq. 11 by group means."""
    total = torch.zeros((), dtype=p.dtype)
    for label in (0, 1):
        error = p if label == 0 else 1 - p
        means = group_means(error, examples, label)
        total = total + (0.5 * (means[0] - means[1]).abs() if means else 0.0)
    return total


def plain_soft_disparity(p: Tensor, pi: Tensor, examples: Examples) -> Tensor:
    """Eq. 13: mean and variance of every group's error rate, by group."""
    q = examples.dm
    total = torch.zeros((), dtype=p.dtype)
    for label in (0, 1):
        joint = pi * q + (1 - pi) * p
        spread = pi * (1 - pi) * (q - p) ** 2
        means = group_means(joint if label == 0 else 1 - joint, examples, label)
        if means:
            sizes = [((examples.y == label) & (examples.a == group)).sum() for group in (0, 1)]
            variances = [
                mean / size for mean, size in zip(group_means(spread, examples, label), sizes, strict=True)
            ]
            total = total + 0.5 * ((means[0] - means[1]) ** 2 + sum(variances))
    return total


def plain_loss(
    method: str, p: Tensor, pi: Tensor, examples: Examples, alpha: float, gamma: float
) -> Tensor:
    """Return what ``method`` says that (p, pi), both (N,), cost on ``examples``."""
    y, q = examples.y, examples.dm
    own = -(y * torch.log(p) + (1 - y) * torch.log(1 - p))
    his = -(y * torch.log(q) + (1 - y) * torch.log(1 - q))
    match method:
        case "binary":
            return own.mean() + alpha * plain_disparity(p, examples)
        case "reject":
            return ((1 - pi) * own + pi * gamma).mean() + alpha * plain_disparity(p, examples)
        case "defer":
            expected = ((1 - pi) * own + pi * (his + gamma)).mean()
            return expected + alpha * plain_soft_disparity(p, pi, examples)
    raise ValueError(method)


@dataclass(frozen=True)
class PlainlyTrained:
    """``history`` of validation losses by epoch, and the weights (P,) of the best one."""

    history: list[float]
    best_epoch: int
    best_weights: Tensor


def train_plainly(
    model: Model,
    method: str,
    train: Examples,
    validation: Examples,
    *,
    alpha: float,
    gamma: float,
    seed: int,
    options: TrainingOptions,
) -> PlainlyTrained:
    """Train one network with torch.optim.Adam and stop early, with nothing but a loop."""
    inputs, people = train.x.shape[1], len(train)
    start = initial_weights(model, inputs, options.hidden, [seed], 1)[0, :, 0]
    network = PLAIN[model.name](start, inputs, options.hidden)
    weights = len(start) // 2
    same_draws = mirrored_draw(weights, seed)
    optimiser = torch.optim.Adam(network.parameters(), lr=options.learning_rate)
    history: list[float] = []
    best_epoch, best_weights = 0, start
    while len(history) < options.max_epochs and len(history) - best_epoch < options.patience:
        epoch = len(history) + 1
        order = minibatch_order(len(train), options.batch_size, [seed], epoch)[:, 0]
        draws = standard_draws(len(order), weights, seed, epoch)
        for rows, draw in zip(order, draws, strict=True):
            minibatch = Examples(train.x[rows], train.y[rows], train.a[rows], train.dm[rows])
            optimiser.zero_grad()
            network.cost(method, minibatch, alpha, gamma, draw.unsqueeze(0), people).backward()
            optimiser.step()
        with torch.no_grad():
            loss = network.cost(method, validation, alpha, gamma, same_draws, people).item()
        if not history or loss < min(history):
            best_epoch = epoch
            best_weights = network.in_a_lane(lambda parameter: parameter.detach().clone())
        history.append(loss)
    return PlainlyTrained(history, best_epoch, best_weights)
