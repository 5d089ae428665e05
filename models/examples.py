"""Examples as tensors, gathered into minibatches for a whole epoch at once."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from study.models.fairness import contrast

UNKNOWN = -1.0
"""In place of a decision-maker's probability; not NaN, which a factor of 0 does not remove."""


class Batch(NamedTuple):
    """Examples that a loss averages over; all lanes of a seed see the same ones.

    x: (S, B, F), the last column 1; y: (S, B, 1) labels; dm: (S, B, 1) the decision-maker's probability of
    the positive class, UNKNOWN where there is no decision; dm_loss: (S, B, 1) the decision-maker's cross
    entropy; u: (S, 2, B) the fairness contrast.
    """

    x: Tensor
    y: Tensor
    dm: Tensor
    dm_loss: Tensor
    u: Tensor


@dataclass(frozen=True)
class Examples:
    """One split of a data set, with a decision-maker's view of it.

    x: (N, F) inputs, the last column 1; y, a, dm: (N,) labels, sensitive attribute and the decision-maker's
    probability of the positive class, as float32; dm is UNKNOWN where there is no decision.
    """

    x: Tensor
    y: Tensor
    a: Tensor
    dm: Tensor

    def __len__(self) -> int:
        """Return N."""
        return len(self.y)

    @property
    def shape(self) -> tuple[int, int]:
        """(N, F)."""
        inputs: int = self.x.shape[1]
        return len(self.y), inputs

    def to(self, device: torch.device) -> "Examples":
        """Return them on ``device``."""
        return Examples(*(part.to(device) for part in (self.x, self.y, self.a, self.dm)))

    def batches(self, order: Tensor) -> list[Batch]:
        """Return the minibatches of an epoch, ``order`` (steps, S, B) naming the examples of each."""
        x, y, a, dm = self.x[order], self.y[order], self.a[order], self.dm[order]
        dm_loss = decision_maker_loss(y, dm)
        u = contrast(y, a)
        columns = (column.unsqueeze(-1) for column in (y, dm, dm_loss))
        return [Batch(*step) for step in zip(x, *columns, u, strict=True)]

    def whole(self, seeds: int) -> Batch:
        """Return all examples as one batch, the same for each of ``seeds`` seeds (nothing is copied)."""
        order = torch.arange(len(self), device=self.y.device).view(1, 1, -1)
        (batch,) = self.batches(order)
        return Batch(*(part.expand(seeds, -1, -1) for part in batch))


def with_bias(x: Tensor) -> Tensor:
    """Append the constant 1 to inputs (N, F): the weight on it is the bias."""
    return torch.cat([x, torch.ones_like(x[:, :1])], dim=1)


def decision_maker_loss(y: Tensor, dm: Tensor) -> Tensor:
    """Cross entropy of the decision-maker's probability ``dm`` against ``y``, any shape; 0 for an oracle.

    Probabilities that deny what happened are held 1e-6 from certainty, so that a decision-maker who gives
    hard decisions costs a finite 13.8 nats where wrong.
    """
    of_label = torch.where(y > 0.5, dm, 1 - dm)
    return -torch.log(of_label.clamp_min(1e-6))
