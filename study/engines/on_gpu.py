"""The training step on a GPU: torch compiles the same step for it; an Engine for PackTraining."""

import torch

from study.models.examples import Examples
from study.models.losses import Loss
from study.models.network import Model
from study.models.step import Eager, step


class OnGpu(Eager):
    """All seeds and lanes at once, on ``device``, in the few kernels that torch.compile makes of the step.

    Compiled when first called, for any number of seeds and lanes. A GPU's products may differ in the last
    bits from one width to another, so a run is the same in packs of any width only to rounding.
    """

    def __init__(
        self,
        model: Model,
        loss: Loss,
        train: Examples,
        validation: Examples,
        device: torch.device,
    ) -> None:
        super().__init__(model, loss, train.to(device), validation.to(device))
        self._step = torch.compile(step, dynamic=True, fullgraph=True)
        self._outputs = torch.compile(model.outputs, dynamic=True, fullgraph=True)
