"""Every method's loss: the paper's and the field's, by the method's name."""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from study.models.examples import Batch
from study.models.methods import binary, defer, reject
from study.models.surrogates import ce, compare, ova, realizable

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
