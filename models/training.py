"""Training a pack: all its runs as one tensor program, lane by lane as if each were alone.

Epochs are in lock-step, so the lanes of a seed share every minibatch. A lane stops by its own validation
loss and keeps its own best weights; finished lanes are dropped, so that nobody waits for the slowest.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from math import sqrt

import torch
from torch import Tensor

from models.examples import Batch, Examples
from models.methods import Loss
from models.network import Model, Outputs, padded_width
from models.randomness import stream

# Whole splits go through a network in blocks of examples that fit into a core's cache.
_BLOCK = 256
_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-8


@dataclass(frozen=True)
class TrainingOptions:
    """How every run of a study is trained; ``hidden`` counts sigmoid units, ``patience`` epochs."""

    hidden: int
    learning_rate: float
    batch_size: int
    patience: int
    max_epochs: int


class Stop(Enum):
    """Why a run stopped training; the value is what the ledger's ``status`` column says."""

    PATIENCE = "patience"
    MAX_EPOCHS = "max_epochs"
    DIVERGED = "diverged"


@dataclass(frozen=True)
class Trained:
    """What training leaves of S x K runs.

    theta: (S, P, K) best weights; validation_loss: (S, K) float32, their loss, infinite where a run
    diverged in its first epoch; epochs and best_epoch: (S, K) int64, counted from 1, 0 meaning the
    initial weights; stop: S lists of K reasons.
    """

    theta: Tensor
    validation_loss: Tensor
    epochs: Tensor
    best_epoch: Tensor
    stop: list[list[Stop]]


def adam_step(
    objective: Callable[[Tensor], Tensor],
    theta: Tensor,
    moments: tuple[Tensor, Tensor],
    step: int,
    learning_rate: float,
) -> None:
    """Take one Adam step (Kingma and Ba) in every lane, in place.

    objective: theta (S, P, K) -> (S, K), one loss per lane, which depends on that lane alone; hence
    the gradient of their sum is every lane's own. ``step`` counts from 1.
    """
    with torch.enable_grad():
        leaf = theta.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(objective(leaf).sum(), leaf)
    mean, square = moments
    mean.lerp_(gradient, 1 - _BETA1)
    square.mul_(_BETA2).addcmul_(gradient, gradient, value=1 - _BETA2)
    unbias = sqrt(1 - _BETA2**step)
    size = learning_rate * unbias / (1 - _BETA1**step)
    theta.addcdiv_(mean, square.sqrt().add_(_EPSILON * unbias), value=-size)


def outputs_in_blocks(model: Model, theta: Tensor, x: Tensor) -> Outputs:
    """Return a model's outputs on whole splits x (S, N, F) without holding all hidden units at once."""
    blocks = [model.outputs(theta, block) for block in torch.split(x, _BLOCK, dim=1)]
    return Outputs(*(torch.cat(parts, dim=1) for parts in zip(*blocks, strict=True)))


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


class PackTraining:
    """The training of K settings under S seeds, an epoch at a time.

    ``alpha`` and ``gamma`` (K,) are the lanes' settings; every lane is trained under every seed. Call
    ``run_epoch`` until ``running`` is 0, then ``result``.
    """

    def __init__(
        self,
        model: Model,
        loss: Loss,
        train: Examples,
        validation: Examples,
        *,
        alpha: Tensor,
        gamma: Tensor,
        seeds: Sequence[int],
        options: TrainingOptions,
    ) -> None:
        self._model, self._loss, self._options = model, loss, options
        self._train, self._validation = train, validation
        self._seeds = list(seeds)
        settings, inputs = len(alpha), train.x.shape[1]
        width = padded_width(settings)

        # What is known of each run, by (seed, setting); filled in as runs stop.
        size = model.layout(inputs, options.hidden).size
        self._done_theta = torch.empty(len(self._seeds), size, settings)
        self._done_loss = torch.empty(len(self._seeds), settings)
        self._done_epochs = torch.zeros(len(self._seeds), settings, dtype=torch.int64)
        self._done_best = torch.zeros_like(self._done_epochs)
        self._stop = [[Stop.MAX_EPOCHS] * settings for _ in self._seeds]

        # The state of the lanes still in training, (S', ..., K'); rows and columns shrink together.
        self.epoch = 0
        self._rows = list(range(len(self._seeds)))
        self._setting = torch.arange(width).clamp_max(settings - 1).repeat(len(self._seeds), 1)
        self._live = (torch.arange(width) < settings).repeat(len(self._seeds), 1)
        self._alpha, self._gamma = alpha[self._setting], gamma[self._setting]
        self._theta = initial_weights(model, inputs, options.hidden, self._seeds, width)
        self._moments = (torch.zeros_like(self._theta), torch.zeros_like(self._theta))
        self._best_theta = self._theta.clone()
        self._best_loss = torch.full((len(self._seeds), width), torch.inf)
        self._best_epoch = torch.zeros(len(self._seeds), width, dtype=torch.int64)
        self._whole_validation = validation.whole(len(self._seeds))
        self._steps = 0

    @property
    def running(self) -> int:
        """How many runs are still in training."""
        return int(self._live.sum())

    def run_epoch(self) -> None:
        """Train every live lane for an epoch, look at its validation loss, and stop those that are done."""
        self.epoch += 1
        seeds = [self._seeds[row] for row in self._rows]
        order = minibatch_order(len(self._train), self._options.batch_size, seeds, self.epoch)
        for batch in self._train.batches(order):
            self._steps += 1
            adam_step(
                lambda theta, batch=batch: self._loss_on(batch, self._model.outputs(theta, batch.x)),  # type: ignore[misc]
                self._theta,
                self._moments,
                self._steps,
                self._options.learning_rate,
            )
        outputs = outputs_in_blocks(self._model, self._theta, self._whole_validation.x)
        self._note(self._loss_on(self._whole_validation, outputs))

    def result(self) -> Trained:
        """Return what was trained, (S, K) in the order of the seeds and settings given."""
        if self.running:
            raise RuntimeError(f"{self.running} runs are still in training")
        return Trained(self._done_theta, self._done_loss, self._done_epochs, self._done_best, self._stop)

    def _loss_on(self, batch: Batch, outputs: Outputs) -> Tensor:
        return self._loss(outputs, batch, self._alpha, self._gamma)

    def _note(self, loss: Tensor) -> None:
        """Keep the best weights by validation ``loss`` (S', K') and retire the lanes that are done."""
        improved = self._live & (loss < self._best_loss)
        self._best_loss = torch.where(improved, loss, self._best_loss)
        self._best_epoch = torch.where(improved, self.epoch, self._best_epoch)
        self._best_theta = torch.where(improved.unsqueeze(1), self._theta, self._best_theta)

        diverged = ~torch.isfinite(loss)
        impatient = self.epoch - self._best_epoch >= self._options.patience
        last = self.epoch >= self._options.max_epochs
        done = self._live & (diverged | impatient | last)
        if done.any():
            self._retire(done, diverged, impatient)
            self._live = self._live & ~done
            self._compact()

    def _retire(self, done: Tensor, diverged: Tensor, impatient: Tensor) -> None:
        row, lane = done.nonzero(as_tuple=True)
        seed, setting = torch.tensor(self._rows)[row], self._setting[row, lane]
        self._done_theta[seed, :, setting] = self._best_theta[row, :, lane]
        self._done_loss[seed, setting] = self._best_loss[row, lane]
        self._done_epochs[seed, setting] = self.epoch
        self._done_best[seed, setting] = self._best_epoch[row, lane]
        for s, k, nan, tired in zip(
            seed.tolist(),
            setting.tolist(),
            diverged[row, lane].tolist(),
            impatient[row, lane].tolist(),
            strict=True,
        ):
            self._stop[s][k] = Stop.DIVERGED if nan else Stop.PATIENCE if tired else Stop.MAX_EPOCHS

    def _compact(self) -> None:
        """Drop seeds without live lanes, then lanes down to the smallest width that holds the rest."""
        live = self._live.sum(1)
        rows = live.nonzero().squeeze(1)
        width = padded_width(int(live.max()))
        if len(rows) == len(live) and width == self._live.shape[1]:
            return
        first_live = torch.argsort(~self._live[rows], dim=1, stable=True)[:, :width]

        def keep(state: Tensor) -> Tensor:
            if state.ndim == 2:
                return state[rows].gather(1, first_live)
            wide = first_live.unsqueeze(1).expand(-1, state.shape[1], -1)
            return state[rows].gather(2, wide)

        self._theta, self._best_theta = keep(self._theta), keep(self._best_theta)
        self._moments = (keep(self._moments[0]), keep(self._moments[1]))
        self._alpha, self._gamma = keep(self._alpha), keep(self._gamma)
        self._setting, self._live = keep(self._setting), keep(self._live)
        self._best_loss, self._best_epoch = keep(self._best_loss), keep(self._best_epoch)
        self._rows = [self._rows[row] for row in rows.tolist()]
        self._whole_validation = self._validation.whole(len(self._rows))


def train_pack(
    model: Model,
    loss: Loss,
    train: Examples,
    validation: Examples,
    *,
    alpha: Tensor,
    gamma: Tensor,
    seeds: Sequence[int],
    options: TrainingOptions,
) -> Trained:
    """Train K settings under S seeds to the end; see ``PackTraining``."""
    training = PackTraining(
        model, loss, train, validation, alpha=alpha, gamma=gamma, seeds=seeds, options=options
    )
    while training.running:
        training.run_epoch()
    return training.result()
