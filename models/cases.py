"""What a loss may look at: examples, what errors about them cost, and which decisions are known."""

from typing import NamedTuple

from torch import Tensor

from study.models.fairness import contrast_of_known
from study.words import UNIT_COSTS, Costs


class Cases(NamedTuple):
    """The examples of a ``Batch`` as a loss sees them, with what does not differ between batches.

    ``costs`` are those of the two errors. ``partly``: some decisions are unknown, and what needs one is
    taken of the other examples alone. At unit costs and with all decisions nothing is computed for either.
    """

    y: Tensor
    dm: Tensor
    dm_loss: Tensor
    u: Tensor
    costs: Costs = UNIT_COSTS
    partly: bool = False

    @property
    def right(self) -> Tensor:
        """1 where a person decides as it came, else 0: (S, B, J)."""
        return ((self.dm >= 0.5) == (self.y > 0.5)).to(self.y.dtype)

    @property
    def known(self) -> Tensor:
        """1 where there is a decision, else 0: (S, B, 1)."""
        return (self.dm >= 0).to(self.dm.dtype)

    @property
    def u_known(self) -> Tensor:
        """The fairness contrast (S, 2, B) of the examples with a decision."""
        return contrast_of_known(self.u, self.known) if self.partly else self.u

    def weighted(self, values: Tensor) -> Tensor:
        """Weigh ``values`` (S, B, ...) by what being wrong about each example costs."""
        if self.costs[:2] == UNIT_COSTS[:2]:
            return values
        return values * (self.costs.false_negative * self.y + self.costs.false_positive * (1 - self.y))

    def if_known(self, values: Tensor) -> Tensor:
        """Return ``values`` (S, B, ...), 0 for examples without a decision."""
        return values * self.known if self.partly else values

    def of_known(self, values: Tensor) -> Tensor:
        """Scale ``values`` (S, B, ...) so that their mean is that over the examples with a decision."""
        if not self.partly:
            return values
        known = self.known
        return known * (known.shape[1] / known.sum(1, keepdim=True).clamp_min(1)) * values
