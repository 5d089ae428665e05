"""The training step as machine code, gradient included: an Engine for machines with a C++ compiler.

A model and method make two graphs: a step on a minibatch, and the loss on the validation split, both for
one seed. Seeds go through one after the other, in blocks of lanes: what a block needs fits into a core's
cache, and a call costs microseconds.
"""

import hashlib
import inspect
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor

from models.examples import Batch, Examples
from models.machine_code import UNIT, Traceable, example_width, machine_code
from models.methods import Loss
from models.network import LANE_MULTIPLE, Model, WeightNoise, padded_width
from models.step import VALIDATION_DRAWS, State, expected_loss, step

# Lanes that go through together. Measured: narrower, calls count; wider, a core's cache is too small.
_TRAINED, _VALIDATED = 128, 32


class Compiled:
    """An Engine of machine code, compiled when it is made unless it is in ``directory`` already.

    Raises CompilerError where it cannot be compiled.
    """

    multiple = UNIT

    def __init__(
        self,
        model: Model,
        loss: Loss,
        train: Examples,
        validation: Examples,
        *,
        hidden: int,
        batch_size: int,
        directory: Path,
    ) -> None:
        whole = validation.whole(1)
        graphs = step_graphs(model, loss, train, whole, hidden=hidden, batch_size=batch_size)
        self._step, self._loss = (machine_code(graph, directory) for graph in graphs)
        self._examples, self._whole = _of(train), list(whole)

    def train(
        self,
        state: State,
        sizes: Tensor,
        order: Tensor,
        alpha: Tensor,
        gamma: Tensor,
        noise: WeightNoise | None,
        lanes: Sequence[int],
    ) -> None:
        """Take the steps of an epoch, seed by seed and block by block; see ``Engine``."""
        by_step = sizes.unbind()
        for s, number in enumerate(lanes):
            rows = order[:, s].unbind()
            drawn: list[list[Tensor]] = [[]] * len(rows)
            if noise is not None:
                drawn = [[draw, noise.share] for draw in noise.draws[:, s : s + 1].unsqueeze(1).unbind()]
            for block in _blocks(number, _TRAINED, UNIT):
                own = [part[s : s + 1, :, block].contiguous() for part in state]
                rest = [*self._examples, *_contiguous(s, block, alpha, gamma)]
                for size, row, draw in zip(by_step, rows, drawn, strict=True):
                    self._step([*own, size, row, *rest, *draw])
                for part, trained in zip(state, own, strict=True):
                    part[s : s + 1, :, block] = trained

    def validate(
        self, theta: Tensor, alpha: Tensor, gamma: Tensor, noise: WeightNoise | None, lanes: Sequence[int]
    ) -> Tensor:
        """Return the loss on the validation split, seed by seed and block by block; see ``Engine``."""
        losses = torch.full_like(alpha, torch.nan)
        for s, number in enumerate(lanes):
            drawn = [] if noise is None else [noise.draws[:, s : s + 1].contiguous(), noise.share]
            for block in _blocks(padded_width(number), _VALIDATED, LANE_MULTIPLE):
                own = theta[s : s + 1, :, block].contiguous()
                (loss,) = self._loss([own, *self._whole, *_contiguous(s, block, alpha, gamma), *drawn])
                losses[s : s + 1, block] = loss
        return losses


def step_graphs(
    model: Model, loss: Loss, train: Examples, whole: Batch, *, hidden: int, batch_size: int
) -> tuple[Traceable, Traceable]:
    """Return the step on a minibatch and the loss on the validation split ``whole``, for one seed.

    Of the examples only the shapes count.
    """
    inputs = train.x.shape[1]
    size = model.layout(inputs, hidden).size
    batch_size = min(batch_size, len(train))
    width = example_width(size, inputs, batch_size, len(train), whole.x.shape[1])
    theta, coefficient = torch.zeros(1, size, width), torch.zeros(1, width)
    sizes, order = torch.zeros(2, dtype=torch.float64), torch.zeros(batch_size, dtype=torch.int64)
    rest = [coefficient, coefficient.clone()]
    noise = [torch.zeros(VALIDATION_DRAWS, 1, size // 2, 1), torch.zeros(())]
    one = [noise[0][:1].clone(), noise[1]]
    if model.posterior is None:
        noise, one = [], []

    def minibatch_step(*tensors: Tensor) -> None:
        theta, mean, square, sizes, order, x, y, a, dm, alpha, gamma = tensors[:11]
        (batch,) = Examples(x, y, a, dm).batches(order.view(1, 1, -1))
        drawn = WeightNoise(*tensors[11:]) if tensors[11:] else None
        step(model, loss, theta, mean, square, sizes, batch, alpha, gamma, drawn)

    def validation_loss(*tensors: Tensor) -> Tensor:
        theta, alpha, gamma = tensors[0], *tensors[6:8]
        drawn = WeightNoise(*tensors[8:]) if tensors[8:] else None
        batch = Batch(*tensors[1:6])
        return expected_loss(model, loss, model.outputs, theta, batch, alpha, gamma, drawn)

    state = [theta, theta.clone(), theta.clone()]
    of_step = [*state, sizes, order, *_of(train), *rest, *one]
    of_loss = [theta, *whole, *rest, *noise]
    # Families that differ in their thresholds alone train alike.
    name = f"{Path(inspect.getfile(model.layout)).stem}-{loss.__name__}"
    source = _digest_of_source(model, loss)
    return (
        Traceable(f"{name}-step", source, minibatch_step, of_step),
        Traceable(f"{name}-loss", source, validation_loss, of_loss),
    )


def _of(examples: Examples) -> list[Tensor]:
    return [examples.x, examples.y, examples.a, examples.dm]


def _blocks(lanes: int, most: int, unit: int) -> Iterator[slice]:
    """Cut the first ``lanes`` lanes into the fewest blocks of at most ``most``, as equal as units allow."""
    number, units = -(-lanes // most), lanes // unit
    edges = [units * block // number * unit for block in range(number + 1)]
    return (slice(*edge) for edge in pairwise(edges))


def _contiguous(seed: int, block: slice, *of_lanes: Tensor) -> list[Tensor]:
    """Return a seed's block of each (S, K) tensor as (1, lanes)."""
    return [tensor[seed : seed + 1, block].contiguous() for tensor in of_lanes]


def _digest_of_source(model: Model, loss: Loss) -> str:
    """Return a hash over the code that a graph is traced from."""
    here = {*Path(__file__).parent.glob("*.py")}
    files = here | {Path(inspect.getfile(function)) for function in (model.outputs, loss)}
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
