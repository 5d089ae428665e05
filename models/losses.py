"""Every method's loss: the paper's and the field's, by the method's name."""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from study.models.examples import Batch
from study.models.methods import binary, defer, reject
from study.models.surrogates import ce, compare, ova, realizable
from study.words import UNIT_COSTS, Costs

Loss = Callable[[Any, Batch, Tensor, Tensor], Tensor]
"""Takes what the families that it is for say (``AnyOutputs``)."""

LOSSES: dict[str, Loss] = {
    "binary": binary,
    "reject": reject,
    "defer": defer,
    "compare": compare,
    "ce": ce,
    "ova": ova,
    "realizable": realizable,
}


def loss_of(method: str, costs: Sequence[float] = UNIT_COSTS) -> Loss:
    """Return a method's loss where errors have these ``Costs``; by its name machine code is kept apart."""
    unpriced: Callable[..., Tensor] = LOSSES[method]
    own = Costs(*costs)
    if own[:2] == UNIT_COSTS[:2]:
        return unpriced

    def priced(outputs: Any, batch: Batch, alpha: Tensor, gamma: Tensor) -> Tensor:
        return unpriced(outputs, batch, alpha, gamma, own)

    priced.__name__ = f"{method}-{own.false_positive!r}-{own.false_negative!r}"
    return priced
