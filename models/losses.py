"""Every method's loss: the paper's and the field's, by the method's name."""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from study.models.cases import Cases
from study.models.examples import Batch
from study.models.methods import binary, defer, reject
from study.models.surrogates import ce, compare, ova, realizable, two_stage
from study.words import UNIT_COSTS, Costs

Loss = Callable[[Any, Batch, Tensor, Tensor], Tensor]
"""What training minimises: outputs of the families that it is for (``AnyOutputs``), Batch, alpha (S, K),
gamma (S, K) -> (S, K)."""

LOSSES: dict[str, Callable[[Any, Cases, Tensor, Tensor], Tensor]] = {
    "binary": binary,
    "reject": reject,
    "defer": defer,
    "compare": compare,
    "ce": ce,
    "ova": ova,
    "realizable": realizable,
    "two-stage": two_stage,
}
_WITHOUT_DECISIONS = ("binary", "reject")


def loss_of(method: str, costs: Sequence[float] = UNIT_COSTS, partly: bool = False) -> Loss:
    """Return a method's loss where errors have these ``Costs`` and decisions are known ``partly``.

    Machine code is kept apart by its ``__name__``.
    """
    of_method, own = LOSSES[method], Costs(*costs)
    partly = partly and method not in _WITHOUT_DECISIONS

    def loss(outputs: Any, batch: Batch, alpha: Tensor, gamma: Tensor) -> Tensor:
        cases = Cases(batch.y, batch.dm, batch.dm_loss, batch.u, own, partly)
        return of_method(outputs, cases, alpha, gamma)

    priced = f"-{own.false_positive!r}-{own.false_negative!r}" if own[:2] != UNIT_COSTS[:2] else ""
    loss.__name__ = method + priced + "-partly" * partly
    return loss
