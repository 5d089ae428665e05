"""The training step on a GPU: torch compiles the same step for it, and an epoch is one CUDA graph."""

import gc
from collections.abc import Callable, Sequence
from operator import is_
from typing import TypeVar

import torch
from torch import Tensor

from study.engines.recording import Given, Kept
from study.models.examples import Batch, Examples
from study.models.losses import Loss
from study.models.network import LANE_MULTIPLE, Model, WeightNoise, rounded_up
from study.models.step import Eager, Lanes, State, expected_loss, step

# Hidden units of a whole split that may lie in memory at once: a gigabyte.
_UNITS = 2**28

Returned = TypeVar("Returned")


class OnGpu(Eager):
    """All seeds and lanes at once, on ``device``, in the few kernels that torch.compile makes of the step.

    Compiled when first called, for any number of lanes. A GPU's products may differ in the last bits from
    one width to another, so a run is the same in packs of any width only to rounding.
    """

    def __init__(
        self, model: Model, loss: Loss, train: Examples, validation: Examples, device: torch.device
    ) -> None:
        super().__init__(model, loss, train.to(device), validation.to(device))
        self._step = _for_any_lanes(step)
        self._expected_loss = _for_any_lanes(expected_loss)
        self._steps, self._losses = Replayed(), Replayed()

    def widths(self, live: Sequence[int]) -> list[int]:
        """Return one width for all seeds, of four between a power of two and the next; see ``Engine``.

        Each is recorded anew, and a seed less is hardly faster.
        """
        most = max(live)
        return [rounded_up(most, max(LANE_MULTIPLE, 2 ** (most.bit_length() - 3)))] * len(live)

    def train(self, state: State, sizes: Tensor, order: Tensor, lanes: Lanes) -> None:
        """Take the steps of an epoch, in all lanes; see ``Engine``."""
        kept = (*state, lanes.alpha, lanes.gamma)
        self._steps(self._train_directly, kept, (sizes, order, *(lanes.noise or ())))

    def validate(self, theta: Tensor, lanes: Lanes) -> Tensor:
        """Return the loss on the validation split, of all lanes; see ``Engine``."""
        kept = (theta, lanes.alpha, lanes.gamma)
        return self._losses(self._validate_directly, kept, tuple(lanes.noise or ()))

    def _train_directly(self, kept: Kept, given: Given) -> Tensor:
        theta, mean, square, alpha, gamma = kept
        sizes, order, *noise = given
        drawn = WeightNoise(*noise) if noise else None
        super().train((theta, mean, square), sizes, order, Lanes(alpha, gamma, drawn, ()))
        return theta

    def _validate_directly(self, kept: Kept, given: Given) -> Tensor:
        """Return the losses of as many lanes at a time as there is room for."""
        seeds, weights, _ = kept[0].shape
        rows, inputs = self._whole.x.shape[1:]
        whole = Batch(*(part.expand(seeds, -1, -1) for part in self._whole))
        drawn = WeightNoise(*given) if given else None
        units = seeds * rows * max(1, weights // inputs)
        width = max(LANE_MULTIPLE, _UNITS // units // LANE_MULTIPLE * LANE_MULTIPLE)
        losses = []
        for parts in zip(*(torch.split(part, width, dim=-1) for part in kept), strict=True):
            theta, alpha, gamma = (part.contiguous() for part in parts)
            of = (self.model, self._loss, self.model.outputs)
            losses.append(self._expected_loss(*of, theta, whole, alpha, gamma, drawn))
        return torch.cat(losses, dim=-1)


class Replayed:
    """Launches what a function does, hundreds of small kernels, as one CUDA graph.

    The first call with other tensors to keep runs the function, so that everything is loaded; the second
    records it. Off a GPU every call runs it.
    """

    def __init__(self) -> None:
        self._kept: Kept = ()
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, function: Callable[[Kept, Given], Tensor], kept: Kept, given: Given) -> Tensor:
        """Return what the function returns; the next call overwrites it."""
        known = len(kept) == len(self._kept) and all(map(is_, kept, self._kept))
        if not known or not kept[0].is_cuda:
            self._kept, self._graph = kept, None
            return function(kept, given)
        if self._graph is None:
            self._given = [part.clone() for part in given]
            self._graph = torch.cuda.CUDAGraph()
            # A graph that is thrown away while another is recorded spoils that one.
            gc.disable()
            try:
                with torch.cuda.graph(self._graph):
                    self._result = function(kept, self._given)
            finally:
                gc.enable()
        for mine, new in zip(self._given, given, strict=True):
            mine.copy_(new)
        self._graph.replay()
        return self._result


def _for_any_lanes(function: Callable[..., Returned]) -> Callable[..., Returned]:
    """Compile a function of tensors whose last axis are lanes where they are (S, P, K) or (S, K)."""
    # Once for each model, method and data: torch would guess that their lengths vary, too, and give up
    # after eight.
    torch._dynamo.config.automatic_dynamic_shapes = False
    torch._dynamo.config.recompile_limit = 1024
    compiled = torch.compile(function, fullgraph=True)

    def call(*arguments: object) -> Returned:
        for argument in arguments:
            if type(argument) is Tensor and argument.ndim > 1:
                torch._dynamo.maybe_mark_dynamic(argument, argument.ndim - 1)
        return compiled(*arguments)

    return call
