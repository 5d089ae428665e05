"""A function of tensors as the list of torch's operations that it comes to, to be done on other values.

What a training step costs on few lanes is less arithmetic than Python, autograd, and memory allocated anew.
A recording has none of them: it calls one operation after the other, on tensors that are there. Operations
and values are the same, hence so are the bits.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from operator import is_
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

Kept = Sequence[Tensor]
"""Tensors that stay the same objects from call to call."""
Given = Sequence[Tensor]
"""Tensors that are new in every call, of the same shapes."""

_OF_SHAPE_ONLY = {"ones_like", "zeros_like", "full_like", "new_zeros", "new_ones", "new_full"}
_COPIES = {"clone", "_to_copy"}


class Recorded:
    """Does what a function does: recorded when it is first called with other tensors to keep.

    Nothing may depend on values but results. Of the tensors kept, the first ``changing`` may have other
    values in the next call.
    """

    def __init__(self, changing: int) -> None:
        self._changing = changing
        self._kept: Kept = ()

    def __call__(self, function: Callable[[Kept, Given], Tensor], kept: Kept, given: Given) -> Tensor:
        """Return what the function returns; the next call overwrites it."""
        if len(kept) != len(self._kept) or not all(map(is_, kept, self._kept)):
            self._kept, self._given = kept, [part.clone() for part in given]
            with _Recorder() as recorder:
                result = function(kept, self._given)
            changing = [*kept[: self._changing], *self._given]
            self._calls, self._result = _calls(recorder.operations, changing, result)
            return result
        with torch.inference_mode():
            for mine, new in zip(self._given, given, strict=True):
                mine.copy_(new)
            for call in self._calls:
                call()
        return self._result


@dataclass(frozen=True)
class _Operation:
    """What was done: one of aten's functions, what it was given, and what came out."""

    function: Any
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    results: list[Tensor]

    @cached_property
    def name(self) -> str:
        return str(self.function._schema.name).removeprefix("aten::")

    @cached_property
    def in_place(self) -> bool:
        return bool(self.function._schema.is_mutable)

    @cached_property
    def reads(self) -> set[int]:
        """The memory that decides its results."""
        return set() if self.name in _OF_SHAPE_ONLY else self._given

    @cached_property
    def writes(self) -> set[int]:
        """The memory that it changes or makes; none where it gives another view of what is there."""
        made = {_memory(result) for result in self.results}
        return made if self.in_place else made - self._given

    @property
    def _given(self) -> set[int]:
        return {_memory(tensor) for tensor in _tensors([*self.args, *self.kwargs.values()])}


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes the operations beneath autograd; what is known already is not computed again."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations: list[_Operation] = []
        self._known: dict[Any, tuple[Tensor, Any]] = {}
        self._changes: Counter[int] = Counter()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Else torch.compile is imported to skip this, which takes seconds.
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if (
            func is torch.ops.aten.mul.Tensor
            and type(args[1]) is int
            and args[1] == 1
            and args[0].is_floating_point()
        ):
            return args[0].detach()
        key = self._key([func, *args, *kwargs.items()])
        known, as_it_was = self._known.get(key, (None, None))
        if known is not None and self._key(known) == as_it_was:
            return known.detach()
        returned = func(*args, **kwargs)
        operation = _Operation(func, args, kwargs, _tensors(returned))
        self.operations.append(operation)
        if operation.in_place:
            self._changes.update(operation.writes)
        elif isinstance(returned, Tensor):
            self._known[key] = returned, self._key(returned)
        return returned

    def _key(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            memory = _memory(value)
            view = value.storage_offset(), value.shape, value.stride(), value.dtype
            return memory, self._changes[memory], view
        if isinstance(value, list | tuple):
            return tuple(map(self._key, value))
        return type(value), value


def _calls(
    operations: Sequence[_Operation], changing: Sequence[Tensor], result: Tensor
) -> tuple[list[Callable[[], object]], Tensor]:
    """Return what to call to do the operations again, and the tensor in which the result then is."""
    outside = {_memory(tensor) for tensor in changing}
    lasting = {*outside, _memory(result)}
    to_do = list(_varying(_needed(operations, lasting), outside))
    tensors = _Tensors(to_do, lasting)
    return [_call(operation, tensors) for operation in to_do if operation.writes], tensors.again(result)


def _needed(operations: Sequence[_Operation], wanted: set[int]) -> list[_Operation]:
    """Return the operations without which the wanted memory would have other contents."""
    needed, wanted = [], set(wanted)
    for operation in reversed(operations):
        if operation.writes & wanted:
            wanted |= operation.reads
            needed.append(operation)
    return needed[::-1]


def _varying(operations: Iterable[_Operation], changing: set[int]) -> Iterator[_Operation]:
    """Yield the operations whose results are others when the contents of memory are."""
    operations = list(operations)
    varying = changing.union(*(operation.writes for operation in operations if operation.in_place))
    for operation in operations:
        if (operation.reads | operation.writes) & varying:
            varying |= operation.writes
            yield operation


class _Tensors:
    """The tensors of operations once more, of which those share memory that are not needed together.

    Less memory is more of it in a core's cache.
    """

    def __init__(self, operations: Sequence[_Operation], lasting: set[int]) -> None:
        self._again: dict[int, tuple[Tensor, Tensor]] = {}
        self._storage: dict[int, torch.UntypedStorage] = {}
        last = {memory: at for at, of in enumerate(operations) for memory in of.reads | of.writes}
        free: dict[int, list[torch.UntypedStorage]] = defaultdict(list)
        for at, operation in enumerate(operations):
            for result in () if operation.in_place else operation.results:
                if (memory := _memory(result)) in operation.writes - lasting:
                    own = result.untyped_storage()
                    self._storage[memory] = free[own.nbytes()].pop() if free[own.nbytes()] else own
            for memory in operation.reads | operation.writes:
                if last[memory] == at and memory in self._storage:
                    free[self._storage[memory].nbytes()].append(self._storage[memory])

    def again(self, value: Any) -> Any:
        """Return a tensor's counterpart, a list with those of its tensors, or any other value as it is."""
        if isinstance(value, list | tuple):
            return type(value)(map(self.again, value))
        if not isinstance(value, Tensor):
            return value
        if id(value) not in self._again:
            storage = self._storage.get(_memory(value), value.untyped_storage())
            view = torch.empty(0, dtype=value.dtype)
            view.set_(storage, value.storage_offset(), value.size(), value.stride())
            self._again[id(value)] = view, value
        return self._again[id(value)][0]


def _call(operation: _Operation, tensors: _Tensors) -> Callable[[], object]:
    """Return a call without arguments that does an operation on the counterparts of its tensors."""
    args, results = tensors.again(operation.args), tensors.again(operation.results)
    kwargs = {name: tensors.again(value) for name, value in operation.kwargs.items()}
    if operation.in_place:
        return partial(getattr(Tensor, operation.name), *args, **kwargs)
    if operation.name in _COPIES:
        return partial(results[0].copy_, args[0])
    for function, out in _writing(operation) if len(results) == 1 else ():
        trial = torch.empty_strided(results[0].shape, results[0].stride(), dtype=results[0].dtype)
        try:
            function(*args, **kwargs, **{out: trial})
        except (TypeError, RuntimeError):
            continue
        return partial(function, *args, **kwargs, **{out: results[0]})

    def compute_and_copy() -> None:
        made = _tensors(operation.function(*args, **kwargs))
        for result, new in zip(results, made, strict=True):
            result.copy_(new)

    return compute_and_copy


def _writing(operation: _Operation) -> Iterator[tuple[Callable[..., object], str]]:
    """Yield functions that may do an operation into a tensor, and as which argument they take it.

    Torch's own are called in half the time of aten's.
    """
    for module in (torch, torch._C._nn):
        if hasattr(module, operation.name):
            yield getattr(module, operation.name), "out"
    packet = operation.function.overloadpacket
    for overload in packet.overloads():
        function = getattr(packet, overload)
        for argument in function._schema.arguments:
            if argument.is_out:
                yield function, argument.name


def _memory(tensor: Tensor) -> int:
    memory: int = tensor.untyped_storage()._cdata
    return memory


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    parts = value if isinstance(value, list | tuple) else ()
    return [tensor for part in parts for tensor in _tensors(part)]
