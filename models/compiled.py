"""The training step as machine code: torch traces it, gradient included, and a C++ compiler does the rest.

A model and method make two graphs: a step on a minibatch, and the loss on the validation split. Both are
for one seed and any number of lanes (a multiple of LANE_MULTIPLE), so nothing is compiled again when lanes
finish. What is compiled is a file, named after all that decides its content: the next process loads it in a
moment. Seeds go through one after the other, since what one of them needs fits into a core's cache and a
call costs microseconds.
"""

import hashlib
import inspect
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from filelock import FileLock
from torch import Tensor

from models.code_cache import mark_used, prune
from models.examples import Batch, Examples
from models.methods import Loss
from models.network import LANE_MULTIPLE, Model, WeightNoise
from models.step import VALIDATION_DRAWS, State, expected_loss, step

Graph = Callable[[list[Tensor]], list[Tensor]]
"""Machine code: takes the tensors it was traced with, of any width, and returns its results."""

_MOST_LANES = 2**16
# Lanes that go through together. Measured: narrower, calls count; wider, a core's cache is too small.
_TRAINED, _VALIDATED = 128, 32
# Products over a minibatch with one row or two are cheaper as sums, which fuse with what is around them.
_FEW, _MINIBATCH = 2, 256


class Compiled:
    """An Engine of machine code, compiled when it is made unless it is in ``directory`` already.

    Raises CompilerError where it cannot be compiled.
    """

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
        self._examples = [train.x, train.y, train.a, train.dm]
        self._whole = list(validation.whole(1))
        inputs = train.x.shape[1]
        size = model.layout(inputs, hidden).size
        batch_size = min(batch_size, len(train))
        width = _example_width(size, inputs, batch_size, len(train), len(validation))
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
        of_step = [*state, sizes, order, *self._examples, *rest, *one]
        of_loss = [theta, *self._whole, *rest, *noise]
        # Families that differ in their thresholds alone train alike.
        name = f"{Path(inspect.getfile(model.layout)).stem}-{loss.__name__}"
        source = _digest_of_source(model, loss)
        self._step = _graph(directory, f"{name}-step", source, minibatch_step, of_step)
        self._loss = _graph(directory, f"{name}-loss", source, validation_loss, of_loss)

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
            for block in _blocks(number, _TRAINED):
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
            for block in _blocks(number, _VALIDATED):
                own = theta[s : s + 1, :, block].contiguous()
                (loss,) = self._loss([own, *self._whole, *_contiguous(s, block, alpha, gamma), *drawn])
                losses[s : s + 1, block] = loss
        return losses


class CompilerError(Exception):
    """A training step could not be compiled."""


@cache
def compiler() -> str | None:
    """Return the C++ compiler of this machine, None where there is none with its standard library."""
    wanted = "clang++" if sys.platform == "darwin" else "g++"
    for name in (os.environ.get("CXX"), wanted, "clang++", "c++"):
        if name and shutil.which(name):
            check = [name, "-x", "c++", "-std=c++20", "-fsyntax-only", "-"]
            if not subprocess.run(check, input=b"#include <vector>", capture_output=True).returncode:
                return name
    return None


def _blocks(lanes: int, most: int) -> Iterator[slice]:
    """Cut the first ``lanes`` lanes into the fewest blocks of at most ``most``, as equal as can be."""
    number, units = -(-lanes // most), lanes // LANE_MULTIPLE
    edges = [units * block // number * LANE_MULTIPLE for block in range(number + 1)]
    return (slice(*edge) for edge in pairwise(edges))


def _contiguous(seed: int, block: slice, *of_lanes: Tensor) -> list[Tensor]:
    """Return a seed's block of each (S, K) tensor as (1, lanes)."""
    return [tensor[seed : seed + 1, block].contiguous() for tensor in of_lanes]


def _small_product(a: Tensor, b: Tensor) -> Tensor:
    """Write (1, n, m) times (1, m, K) as a sum where n or m is one or two, and leave it alone elsewhere."""
    small = min(a.shape[1:]) <= _FEW and max(a.shape[1:]) <= _MINIBATCH
    return (a.unsqueeze(3) * b.unsqueeze(1)).sum(2) if small else NotImplemented


def _graph(
    directory: Path, name: str, source: str, function: Callable[..., object], inputs: Sequence[Tensor]
) -> Graph:
    """Load the machine code of ``function``, compiled for ``inputs`` with the lanes left open."""
    shapes = [(tuple(t.shape[:-1] if _in_lanes(t, inputs) else t.shape), str(t.dtype)) for t in inputs]
    facts = [source, shapes, torch.__version__, sorted(torch.cpu.get_capabilities().items())]
    path = directory / f"{name}-{hashlib.sha256(repr(facts).encode()).hexdigest()[:16]}.pt2"
    if not path.exists():
        directory.mkdir(parents=True, exist_ok=True)
        # Of several workers one compiles, and the others wait for it.
        with FileLock(path.with_suffix(".lock")):
            if not path.exists():
                prune(directory)
                _compile(function, inputs, path)
    mark_used(path)
    return _load(path)


@cache
def _load(path: Path) -> Graph:
    from torch._inductor import aoti_load_package

    return aoti_load_package(str(path), run_single_threaded=True).loader.run


def _compile(function: Callable[..., object], inputs: Sequence[Tensor], path: Path) -> None:
    from torch._inductor import aoti_compile_and_package
    from torch.fx.experimental.proxy_tensor import make_fx

    blocks = torch.export.Dim("blocks", min=1, max=_MOST_LANES // LANE_MULTIPLE)
    lanes = [{t.ndim - 1: LANE_MULTIPLE * blocks} if _in_lanes(t, inputs) else None for t in inputs]
    options = {
        # One core each: several workers train side by side.
        "cpp.threads": 1,
        "cpp.cxx": (None, compiler()),
        "cpp.enable_floating_point_contract_flag": "fast",
        # One allocation for all that lives within a call.
        "memory_planning": True,
        "aot_inductor.precompile_headers": False,
        "aot_inductor.enable_line_tables": False,
    }
    with warnings.catch_warnings(), TemporaryDirectory(dir=path.parent) as beside:
        # What torch says of its own internals is not ours to mend.
        warnings.simplefilter("ignore")
        whole = Path(beside) / path.name
        try:
            products = {torch.ops.aten.bmm.default: _small_product}
            traced = make_fx(function, products, tracing_mode="symbolic")(*inputs)
            exported = torch.export.export(traced, tuple(inputs), dynamic_shapes=tuple(lanes))
            aoti_compile_and_package(exported, package_path=str(whole), inductor_configs=options)
        except Exception as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise CompilerError(f"{path.stem} could not be compiled by {compiler()}: {reason}") from error
        os.replace(whole, path)


def _in_lanes(tensor: Tensor, inputs: Sequence[Tensor]) -> bool:
    """Say whether the last axis is that of the lanes, whose number the first input has."""
    return tensor.ndim > 1 and tensor.shape[-1] == inputs[0].shape[-1]


def _example_width(*others: int) -> int:
    """Return a width that no other axis has, for torch takes axes of equal length for one."""
    return next(
        width for width in range(7 * LANE_MULTIPLE, _MOST_LANES, LANE_MULTIPLE) if width not in others
    )


def _digest_of_source(model: Model, loss: Loss) -> str:
    """Return a hash over the code that a graph is traced from."""
    here = {*Path(__file__).parent.glob("*.py")}
    files = here | {Path(inspect.getfile(function)) for function in (model.outputs, loss)}
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
