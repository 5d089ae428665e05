"""The engines by the name of their backend, as a study's manifest names it."""

from pathlib import Path

import torch

from study.engines.compiled import Compiled
from study.engines.on_cpu import OnCpu
from study.engines.on_gpu import OnGpu
from study.models.examples import Examples
from study.models.losses import Loss
from study.models.network import Model
from study.models.step import Eager, Engine


def make_engine(
    backend: str,
    model: Model,
    loss: Loss,
    train: Examples,
    validation: Examples,
    *,
    hidden: int,
    batch_size: int,
    code: Path,
) -> Engine:
    """Return what trains ``model``.

    Args:
        backend: ``eager``, ``compiled`` (``code`` is where machine code is kept) or ``gpu``.
        model: the networks' mathematics.
        loss: what they minimise.
        train: the examples to train on.
        validation: those that decide when to stop.
        hidden: how many hidden units.
        batch_size: how many examples a minibatch has.
        code: a directory, which need not exist.

    Networks without parameters have no step to compile, and are looked at operation by operation.

    Raises:
        CompilerError: a step could not be compiled.
        ValueError: there is no such backend.
    """
    if not model.layout(train.shape[1], hidden).size:
        return Eager(model, loss, train, validation)
    if backend == "eager":
        return OnCpu(model, loss, train, validation)
    if backend == "compiled":
        sizes = {"hidden": hidden, "batch_size": batch_size}
        return Compiled(model, loss, train, validation, **sizes, directory=code)
    if backend == "gpu":
        return OnGpu(model, loss, train, validation, torch.device("cuda"))
    raise ValueError(f"unknown backend {backend}; there are eager, compiled and gpu")
