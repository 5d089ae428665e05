"""Training a pack: all its runs as one tensor program, lane by lane as if each were alone.

Epochs are in lock-step, so the lanes of a seed share every minibatch. A lane stops by its own validation
loss and keeps its own best weights; finished lanes are dropped, so that none waits for the slowest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import torch
from torch import Tensor

from study.models.draws import initial_weights, minibatch_order, weight_noise
from study.models.network import WeightNoise, padded_width
from study.models.step import Engine, Lanes, adam_sizes


@dataclass(frozen=True)
class TrainingOptions:
    """How every run of a study is trained; ``hidden`` counts sigmoid units, ``patience`` epochs."""

    hidden: int
    learning_rate: float
    batch_size: int
    patience: int
    max_epochs: int


class Stop(Enum):
    """Why a run stopped training; the value stands in the ledger's ``status`` column."""

    PATIENCE = "patience"
    MAX_EPOCHS = "max_epochs"
    DIVERGED = "diverged"
    UNTRAINED = "untrained"


_STOPS = list(Stop)
_OF_RUNS = ("done_theta", "done_loss", "done_epochs", "done_best")
_OF_LANES = ("setting", "live", "theta", "mean", "square", "best_theta", "best_loss", "best_epoch")
"""The state of a training by the names of its tensors: (S, ..., K) known runs, (S', ..., K') live lanes."""


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


class PackTraining:
    """The training of K settings under S seeds, an epoch at a time.

    ``alpha`` and ``gamma`` (K,) are the lanes' settings; every lane is trained under every seed. Networks
    without parameters are looked at once, in epoch 0.
    On one thread a run's bits depend on nothing else. The ``engine`` takes the steps; networks are on
    its device, what is known of the runs is on the CPU. Call ``run_epoch`` until ``running`` is 0, then
    ``result``.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        alpha: Tensor,
        gamma: Tensor,
        seeds: Sequence[int],
        options: TrainingOptions,
    ) -> None:
        self._engine, self._options, self._seeds = engine, options, list(seeds)
        self._model, self._device = engine.model, engine.device
        self._examples, self._inputs = engine.shape
        settings = len(alpha)
        width = padded_width(settings)

        # What is known of each run, by (seed, setting); filled in as runs stop.
        size = self._model.layout(self._inputs, options.hidden).size
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
        self._wanted = self._needed()
        self._coefficients = torch.stack([alpha, gamma])
        self._alpha, self._gamma = self._of_lanes()
        initial = initial_weights(self._model, self._inputs, options.hidden, self._seeds, width)
        self._theta = initial.to(self._device)
        self._mean, self._square = torch.zeros_like(self._theta), torch.zeros_like(self._theta)
        self._best_theta = self._theta.clone()
        self._best_loss = torch.full((len(self._seeds), width), torch.inf)
        self._best_epoch = torch.zeros(len(self._seeds), width, dtype=torch.int64)
        self._share = torch.tensor(1 / self._examples)
        self._validation_noise = self._noise_of_validation()
        self._steps = 0

    @property
    def running(self) -> int:
        """How many runs are still in training."""
        return int(self._live.sum())

    def run_epoch(self) -> None:
        """Train every live lane for an epoch, look at its validation loss, and stop those that are done."""
        if self._theta.shape[1]:
            self._train()
        self._note(self._engine.validate(self._theta, self._lanes(self._validation_noise)).cpu())

    def _train(self) -> None:
        """Take the steps of an epoch."""
        self.epoch += 1
        seeds = [self._seeds[row] for row in self._rows]
        order = minibatch_order(self._examples, self._options.batch_size, seeds, self.epoch)
        sizes = adam_sizes(
            self._options.learning_rate, range(self._steps + 1, self._steps + len(order) + 1)
        )
        self._steps += len(order)
        lanes = self._lanes(self._noise(len(order), self.epoch))
        state = (self._theta, self._mean, self._square)
        self._engine.train(state, sizes.to(self._device), order.to(self._device), lanes)

    def state(self) -> dict[str, Tensor]:
        """Return copies of all that training continues from; everything else follows from the arguments."""
        stop = [[_STOPS.index(reason) for reason in of_seed] for of_seed in self._stop]
        return {
            "counts": torch.tensor([self.epoch, self._steps]),
            "rows": torch.tensor(self._rows, dtype=torch.int64),
            "stop": torch.tensor(stop, dtype=torch.int8),
            **{name: getattr(self, f"_{name}").to("cpu", copy=True) for name in _OF_LANES + _OF_RUNS},
        }

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Continue from the ``state`` of a training with the same arguments: bit for bit the same result.

        Raises ValueError where the shapes are not those of such a state.
        """
        mine, rows = self.state(), state["rows"].flatten().tolist() if "rows" in state else []
        if state.keys() != mine.keys() or not set(rows) <= set(self._rows):
            raise ValueError("not the state of such a training")
        width = state["live"].shape[-1]
        for name, now in mine.items():
            shape = (len(rows), *now.shape[1:-1], width) if name in _OF_LANES else now.shape
            if name != "rows" and (state[name].shape, state[name].dtype) != (shape, now.dtype):
                raise ValueError(f"{name} is not of such a training: {tuple(state[name].shape)}")
        self.epoch, self._steps = state["counts"].tolist()
        self._rows = rows
        self._stop = [[_STOPS[reason] for reason in of_seed] for of_seed in state["stop"].tolist()]
        for name in _OF_LANES + _OF_RUNS:
            device = getattr(self, f"_{name}").device
            setattr(self, f"_{name}", state[name].to(device, copy=True))
        self._wanted = self._needed()
        self._alpha, self._gamma = self._of_lanes()
        self._validation_noise = self._noise_of_validation()

    def result(self) -> Trained:
        """Return what was trained, (S, K) in the order of the seeds and settings given."""
        if self.running:
            raise RuntimeError(f"{self.running} runs are still in training")
        return Trained(self._done_theta, self._done_loss, self._done_epochs, self._done_best, self._stop)

    def _of_lanes(self) -> list[Tensor]:
        """Return alpha and gamma of the lanes, each a tensor of its own."""
        return [of_setting[self._setting].to(self._device) for of_setting in self._coefficients]

    def _lanes(self, noise: WeightNoise | None) -> Lanes:
        return Lanes(self._alpha, self._gamma, noise, self._wanted)

    def _noise(self, draws: int, *keys: object) -> WeightNoise | None:
        seeds = [self._seeds[row] for row in self._rows]
        drawn = weight_noise(self._model, self._inputs, self._options.hidden, seeds, draws, *keys)
        return drawn if drawn is None else WeightNoise(drawn.to(self._device), self._share.to(self._device))

    def _noise_of_validation(self) -> WeightNoise | None:
        noise = self._noise(1, "validation")
        return noise and WeightNoise(torch.cat([noise.draws, -noise.draws]), noise.share)

    def _note(self, loss: Tensor) -> None:
        """Keep the best weights by validation ``loss`` (S', K') and retire the lanes that are done."""
        improved = self._live & (loss < self._best_loss)
        self._best_loss = torch.where(improved, loss, self._best_loss)
        self._best_epoch = torch.where(improved, self.epoch, self._best_epoch)
        better = improved.unsqueeze(1).to(self._device)
        self._best_theta = torch.where(better, self._theta, self._best_theta)

        diverged = ~torch.isfinite(loss)
        impatient = self.epoch - self._best_epoch >= self._options.patience
        last = self.epoch >= self._options.max_epochs
        done = self._live & (diverged | impatient | last | (self._theta.shape[1] == 0))
        if done.any():
            self._retire(done, diverged, impatient)
            self._live = self._live & ~done
            self._compact()

    def _retire(self, done: Tensor, diverged: Tensor, impatient: Tensor) -> None:
        row, lane = done.nonzero(as_tuple=True)
        seed, setting = torch.tensor(self._rows)[row], self._setting[row, lane]
        otherwise = Stop.MAX_EPOCHS if self._theta.shape[1] else Stop.UNTRAINED
        self._done_theta[seed, :, setting] = self._best_theta[row, :, lane].cpu()
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
            self._stop[s][k] = Stop.DIVERGED if nan else Stop.PATIENCE if tired else otherwise

    def _compact(self) -> None:
        """Drop seeds and lanes that are not needed, a seed's live lanes in front, once that saves any."""
        needed = self._needed()
        if needed == self._wanted or not any(needed):
            return
        rows = torch.tensor([row for row, number in enumerate(needed) if number])
        width = padded_width(max(needed))
        first_live = torch.argsort(~self._live[rows], dim=1, stable=True)[:, :width]

        def keep(state: Tensor) -> Tensor:
            index = first_live.to(state.device)
            if state.ndim == 2:
                return state[rows].gather(1, index)
            return state[rows].gather(2, index.unsqueeze(1).expand(-1, state.shape[1], -1))

        self._theta, self._best_theta = keep(self._theta), keep(self._best_theta)
        self._mean, self._square = keep(self._mean), keep(self._square)
        self._alpha, self._gamma = keep(self._alpha), keep(self._gamma)
        self._setting, self._live = keep(self._setting), keep(self._live)
        self._best_loss, self._best_epoch = keep(self._best_loss), keep(self._best_epoch)
        self._rows = [self._rows[row] for row in rows.tolist()]
        self._wanted = [number for number in needed if number]
        self._validation_noise = self._noise_of_validation()

    def _needed(self) -> list[int]:
        """Return how many lanes the live ones of each seed need."""
        width = self._live.shape[1]
        return [min(number, width) for number in self._engine.widths(self._live.sum(1).tolist())]


def train_pack(
    engine: Engine, *, alpha: Tensor, gamma: Tensor, seeds: Sequence[int], options: TrainingOptions
) -> Trained:
    """Train K settings under S seeds to the end; see ``PackTraining``."""
    training = PackTraining(engine, alpha=alpha, gamma=gamma, seeds=seeds, options=options)
    while training.running:
        training.run_epoch()
    return training.result()
