"""A device that is none: its tensors lie on the CPU, but nothing mixes with those that say they do.

``python -m tests.engines.pretend_device`` trains a pack there and prints whether every run is what the CPU
makes of it. A process of its own, since torch cannot unlearn a device.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch.utils import _pytree
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

from study.engines.on_gpu import OnGpu
from study.models.families import FAMILIES
from study.models.losses import loss_of
from study.models.step import Eager
from study.models.training import PackTraining, Trained, TrainingOptions
from tests.models.synthetic_examples import make_examples

NAME = "pretend"
OPTIONS = TrainingOptions(hidden=2, learning_rate=0.05, batch_size=16, patience=4, max_epochs=25)
ARMS = (("mlp", "binary"), ("ordinal", "defer"), ("gate", "reject"), ("bayes", "binary"))


class There(torch.Tensor):
    """A tensor on the pretended device; ``here`` is what it holds."""

    here: torch.Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def of(here: torch.Tensor) -> "There":
        """Return a tensor that holds ``here``, or a copy of a part, which is never written to."""
        there = torch._C._acc.create_empty_tensor(list(here.shape), here.dtype)
        there.__class__ = There
        whole = here.is_contiguous() and here.storage_offset() == 0
        there.here = here if whole else here.clone(memory_format=torch.contiguous_format)
        return there


def run_there(operation: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Run an operation of torch on what tensors hold; refuse those of the CPU beside them."""
    flat, shape = _pytree.tree_flatten((args, options))
    tensors = [value for value in flat if isinstance(value, torch.Tensor)]
    # As on a GPU, a tensor may be indexed from the CPU, and single numbers go anywhere.
    elsewhere = [t for t in tensors if t.ndim and not isinstance(t, There)]
    if elsewhere and not str(operation).startswith("aten.index"):
        raise RuntimeError(f"{operation} mixes devices")
    known = {id(t.here): t for t in tensors if isinstance(t, There)}
    cpu = torch.device("cpu")
    flat = [value.here if isinstance(value, There) else value for value in flat]
    args, options = _pytree.tree_unflatten([cpu if isinstance(v, torch.device) else v for v in flat], shape)

    def there(value: object) -> object:
        if not isinstance(value, torch.Tensor):
            return value
        return known[id(value)] if id(value) in known else There.of(value)

    return _pytree.tree_map(there, operation(*args, **options))


def copy(source: torch.Tensor, target: torch.Tensor, non_blocking: bool = False) -> torch.Tensor:
    """Copy between devices, as ``_copy_from``."""
    source, into = (t.here if isinstance(t, There) else t for t in (source, target))
    into.copy_(source)
    return target


def register() -> list[torch.library.Library]:
    """Let torch know the device; it does as long as what is returned is kept."""
    _setup_privateuseone_for_python_backend(NAME)
    everything, aten = (torch.library.Library(name, "IMPL") for name in ("_", "aten"))
    everything.fallback(run_there, "PrivateUse1")
    aten.impl("_copy_from", copy, "PrivateUse1")

    def empty(size: list[int], *, dtype: torch.dtype, **_: object) -> There:
        return There.of(torch.empty(size, dtype=dtype))

    def empty_strided(size: list[int], stride: list[int], *, dtype: torch.dtype, **_: object) -> There:
        return There.of(torch.empty_strided(size, stride, dtype=dtype))

    aten.impl("empty.memory_format", empty, "PrivateUse1")
    aten.impl("empty_strided", empty_strided, "PrivateUse1")
    # Operations that torch builds out of those that write into a given tensor would go round the fallback.
    built = torch._C._dispatch_get_registrations_for_dispatch_key("CompositeExplicitAutogradNonFunctional")
    others = ("abs", "arange.start", "detach", "alias")
    for name in [*built, *(f"aten::{other}" for other in others)]:
        packet, _, overload = name.removeprefix("aten::").partition(".")
        operation = getattr(getattr(torch.ops.aten, packet), overload or "default")

        def run(*args: Any, operation: Callable[..., Any] = operation, **options: Any) -> Any:
            return run_there(operation, *args, **options)

        aten.impl(name.removeprefix("aten::"), run, "PrivateUse1")
    return [everything, aten]


def train(name: str, method: str, device: str) -> Trained:
    """Train a pack, interrupted and resumed in the middle."""
    examples = make_examples(96, 3, seed=1), make_examples(64, 3, seed=2)
    problem = (FAMILIES[name].model(method), loss_of(method), *examples)
    engine = Eager(*problem) if device == "cpu" else OnGpu(*problem, torch.device(device))
    pack: PackTraining | None = None
    state = None
    for _ in range(2):
        pack = PackTraining(
            engine,
            alpha=torch.linspace(0, 3, 40),
            gamma=torch.linspace(0.02, 0.4, 40),
            seeds=[0, 3],
            options=OPTIONS,
        )
        if state is not None:
            pack.restore(state)
        while pack.running and (state is not None or pack.epoch < 5):
            pack.run_epoch()
        state = pack.state()
    assert pack is not None
    return pack.result()


def main() -> None:
    """Train on both and compare."""
    kept = register()
    # There is no compiler for such a device: the step runs as it is written for one.
    torch.compile = lambda function, **_: function
    torch.compiler.is_dynamo_compiling = lambda: True
    for name, method in ARMS:
        there, here = train(name, method, f"{NAME}:0"), train(name, method, "cpu")
        same = torch.equal(there.theta, here.theta) and torch.equal(there.epochs, here.epochs)
        runs = "the same runs" if same else "other runs"
        print(f"{name} {method}: {runs}, {int(here.epochs.sum())} epochs")
    del kept


if __name__ == "__main__":
    main()
