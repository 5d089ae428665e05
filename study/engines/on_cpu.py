"""The training step as it is written, its operations recorded: no compiler, and little but arithmetic."""

from torch import Tensor

from study.engines.recording import Given, Kept, Recorded
from study.models.examples import Batch, Examples
from study.models.losses import Loss
from study.models.network import Model, WeightNoise
from study.models.step import Eager, Lanes, State, step

LARGEST = 2**23
"""Values of hidden units, over examples and lanes, from which nothing is recorded: arithmetic is then all
of the time, and a recorder holds all that lies between at once."""


class OnCpu(Eager):
    """``Eager``, bit for bit, in a third to a half of its time on few lanes."""

    def __init__(self, model: Model, loss: Loss, train: Examples, validation: Examples) -> None:
        super().__init__(model, loss, train, validation)
        self._steps, self._losses = Recorded(changing=3), Recorded(changing=1)

    def train(self, state: State, sizes: Tensor, order: Tensor, lanes: Lanes) -> None:
        """Take the steps of an epoch, in all lanes; see ``Engine``."""
        if self._large(state[0], order.shape[2]):
            super().train(state, sizes, order, lanes)
            return
        alpha, gamma, noise, _ = lanes
        share = [] if noise is None else [noise.share]
        draws = [[] for _ in order] if noise is None else [[draw] for draw in noise.draws]
        kept = (*state, alpha, gamma, *share)
        for size, batch, draw in zip(sizes, self._train.batches(order), draws, strict=True):
            self._steps(self._take_step, kept, (size, *batch, *draw))

    def validate(self, theta: Tensor, lanes: Lanes) -> Tensor:
        """Return the loss on the validation split, of all lanes; see ``Engine``."""
        if self._large(theta, self._whole.x.shape[1]):
            return super().validate(theta, lanes)
        return self._losses(self._loss_of, (theta, lanes.alpha, lanes.gamma, *(lanes.noise or ())), ())

    def _large(self, theta: Tensor, examples: int) -> bool:
        return theta.numel() // self.shape[1] * examples >= LARGEST

    def _take_step(self, kept: Kept, given: Given) -> Tensor:
        theta, mean, square, alpha, gamma, *share = kept
        size, *parts = given
        noise = WeightNoise(parts[5].unsqueeze(0), *share) if share else None
        step(self.model, self._loss, theta, mean, square, size, Batch(*parts[:5]), alpha, gamma, noise)
        return theta

    def _loss_of(self, kept: Kept, given: Given) -> Tensor:
        theta, alpha, gamma, *noise = kept
        drawn = WeightNoise(*noise) if noise else None
        return super().validate(theta, Lanes(alpha, gamma, drawn, ()))
