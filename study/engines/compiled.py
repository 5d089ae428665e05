"""The training step as machine code, gradient included: an Engine for machines with a C++ compiler.

A model and method make two graphs: a step on a minibatch, and the loss on the validation split. Lanes go
through in blocks that fit into a core's cache. A call costs microseconds too, so a block is never small
while there is work: it has few lanes of several seeds where a seed has few, and on the validation split,
which is the same for all, lanes of any seeds side by side.
"""

import hashlib
import inspect
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor

from study.engines.machine_code import UNIT, Traceable, example_length, machine_code
from study.models.examples import Batch, Examples
from study.models.losses import Loss
from study.models.network import LANE_MULTIPLE, Model, WeightNoise, pad_lanes, rounded_up
from study.models.step import VALIDATION_DRAWS, Lanes, State, expected_loss, step

# Lanes that go through together. Measured: narrower, calls count; wider, a core's cache is too small.
_TRAINED, _VALIDATED = 128, 32


class Compiled:
    """An Engine of machine code, compiled when it is made unless it is in ``directory`` already.

    Raises CompilerError where it cannot be compiled.
    """

    device = torch.device("cpu")

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
        self.model, self.shape = model, train.shape
        whole = validation.whole(1)
        graphs = step_graphs(model, loss, train, whole, hidden=hidden, batch_size=batch_size)
        self._step, self._loss = (machine_code(graph, directory) for graph in graphs)
        self._examples, self._whole = _of(train), list(whole)

    def widths(self, live: Sequence[int]) -> list[int]:
        """Round up to the widths that machine code takes; see ``Engine``."""
        return [rounded_up(number, UNIT) for number in live]

    def train(self, state: State, sizes: Tensor, order: Tensor, lanes: Lanes) -> None:
        """Take the steps of an epoch, block by block; see ``Engine``."""
        alpha, gamma, noise, wanted = lanes
        by_step = sizes.unbind()
        for seeds, block in _seeds_and_lanes(wanted):
            own = [part[seeds, :, block].contiguous() for part in state]
            rest = [*self._examples, *(of_lanes[seeds, block].contiguous() for of_lanes in (alpha, gamma))]
            rows = order[:, seeds].unbind()
            drawn: list[list[Tensor]] = [[]] * len(rows)
            if noise is not None:
                drawn = [[draw, noise.share] for draw in noise.draws[:, seeds].unsqueeze(1).unbind()]
            for size, row, draw in zip(by_step, rows, drawn, strict=True):
                self._step([*own, size, row, *rest, *draw])
            for part, trained in zip(state, own, strict=True):
                part[seeds, :, block] = trained

    def validate(self, theta: Tensor, lanes: Lanes) -> Tensor:
        """Return the loss on the validation split, block by block; see ``Engine``."""
        alpha, gamma, noise, wanted = lanes
        live = torch.arange(theta.shape[2]) < torch.tensor(wanted).unsqueeze(1)
        # All networks, and what they are drawn with, as lanes of one seed.
        seed, lane = (pad_lanes(index.view(1, 1, -1)).flatten() for index in live.nonzero(as_tuple=True))
        side_by_side = [theta[seed, :, lane].T, alpha[seed, lane], gamma[seed, lane]]
        share = []
        if noise is not None:
            side_by_side.append(noise.draws[:, seed].permute(0, 3, 2, 1))
            share.append(noise.share)
        losses = torch.full_like(alpha, torch.nan)
        for block in _blocks(len(seed), _VALIDATED, LANE_MULTIPLE):
            own, a, g, *draws = (part[..., block].contiguous() for part in side_by_side)
            (loss,) = self._loss([own[None], *self._whole, a[None], g[None], *draws, *share])
            losses[seed[block], lane[block]] = loss
        return losses


def step_graphs(
    model: Model, loss: Loss, train: Examples, whole: Batch, *, hidden: int, batch_size: int
) -> tuple[Traceable, Traceable]:
    """Return the step on a minibatch, of any seeds, and the loss on the validation split ``whole``, of one.

    Of the examples only the shapes count.
    """
    inputs = train.x.shape[1]
    size = model.layout(inputs, hidden).size
    batch_size = min(batch_size, len(train))
    others = (size, size // 2, inputs, batch_size, len(train), whole.x.shape[1])
    lanes = example_length(UNIT, *others)
    seeds = example_length(1, lanes, *others)

    def minibatch_step(*tensors: Tensor) -> None:
        theta, mean, square, sizes, order, x, y, a, dm, alpha, gamma = tensors[:11]
        (batch,) = Examples(x, y, a, dm).batches(order.unsqueeze(0))
        drawn = WeightNoise(*tensors[11:]) if tensors[11:] else None
        step(model, loss, theta, mean, square, sizes, batch, alpha, gamma, drawn)

    def validation_loss(*tensors: Tensor) -> Tensor:
        theta, alpha, gamma = tensors[0], *tensors[6:8]
        drawn = WeightNoise(*tensors[8:]) if tensors[8:] else None
        batch = Batch(*tensors[1:6])
        return expected_loss(model, loss, model.outputs, theta, batch, alpha, gamma, drawn)

    state = [torch.zeros(seeds, size, lanes) for _ in range(3)]
    coefficients = [torch.zeros(seeds, lanes) for _ in range(2)]
    sizes, order = torch.zeros(2, dtype=torch.float64), torch.zeros(seeds, batch_size, dtype=torch.int64)
    of_step = [*state, sizes, order, *_of(train), *coefficients]
    of_loss = [state[0][:1].clone(), *whole, *(part[:1].clone() for part in coefficients)]
    if model.posterior is not None:
        of_step += [torch.zeros(1, seeds, size // 2, 1), torch.zeros(())]
        of_loss += [torch.zeros(VALIDATION_DRAWS, 1, size // 2, lanes), torch.zeros(())]
    name = f"{model.name}-{loss.__name__}"
    source = _digest_of_source(model, loss)
    return (
        Traceable(f"{name}-step", source, minibatch_step, of_step, seeds=seeds, lanes=lanes),
        Traceable(f"{name}-loss", source, validation_loss, of_loss, seeds=seeds, lanes=lanes),
    )


def _of(examples: Examples) -> list[Tensor]:
    return [examples.x, examples.y, examples.a, examples.dm]


def _seeds_and_lanes(lanes: Sequence[int]) -> Iterator[tuple[Tensor, slice]]:
    """Share out the first ``lanes`` of each seed: seeds that go through together, and their lanes."""
    for number in sorted(set(lanes)):
        seeds = torch.tensor([seed for seed, of_seed in enumerate(lanes) if of_seed == number])
        for block in _blocks(number, _TRAINED, UNIT):
            for together in torch.split(seeds, max(1, _TRAINED // (block.stop - block.start))):
                yield together, block


def _blocks(lanes: int, most: int, unit: int) -> Iterator[slice]:
    """Cut the first ``lanes`` lanes into the fewest blocks of at most ``most``, as equal as units allow."""
    number, units = -(-lanes // most), lanes // unit
    edges = [units * block // number * unit for block in range(number + 1)]
    return (slice(*edge) for edge in pairwise(edges))


def _digest_of_source(model: Model, loss: Loss) -> str:
    """Return a hash over the code that a graph is traced from."""
    folders = (Path(inspect.getfile(Model)).parent, Path(__file__).parent)
    files = {path for folder in folders for path in folder.rglob("*.py")}
    files |= {Path(inspect.getfile(function)) for function in (model.outputs, loss)}
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
