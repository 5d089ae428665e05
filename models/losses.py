"""Every method's loss: the paper's and the field's, by the method's name."""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from study.models.examples import Batch
from study.models.methods import binary, defer, reject
from study.models.surrogates import ce, compare, ova, realizable, two_stage
from study.words import UNIT_COSTS, Costs

Loss = Callable[[Any, Batch, Tensor, Tensor], Tensor]
"""Takes what the families that it is for say (``AnyOutputs``)."""

LOSSES: dict[str, Callable[..., Tensor]] = {
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

    By its name machine code is kept apart.
    """
    of_method, own, name = LOSSES[method], Costs(*costs), method
    given: dict[str, Any] = {}
    if own[:2] != UNIT_COSTS[:2]:
        given["costs"] = own
        name += f"-{own.false_positive!r}-{own.false_negative!r}"
    if partly and method not in _WITHOUT_DECISIONS:
        given["partly"] = True
        name += "-partly"
    if not given:
        return of_method

    def loss(outputs: Any, batch: Batch, alpha: Tensor, gamma: Tensor) -> Tensor:
        return of_method(outputs, batch, alpha, gamma, **given)

    loss.__name__ = name
    return loss
