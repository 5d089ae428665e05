"""Functions of tensors as machine code: torch traces and exports them, and a C++ compiler does the rest.

What is compiled is for any number of seeds and of lanes (a multiple of UNIT), so nothing is compiled again
when lanes finish. It is a file, named after all that decides its content: the next process loads it in a
moment.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from filelock import BaseFileLock, FileLock
from torch import Tensor

from study.engines.code_cache import mark_used, prune

Lock = BaseFileLock
Graph = Callable[[list[Tensor]], list[Tensor]]
"""Machine code: takes tensors as it was traced with, of any seeds and lanes, and returns its results."""

UNIT = 16
"""How many lanes machine code takes, or a multiple of it: the floats of one AVX-512 register."""

_MOST = 2**16
# Products over a minibatch with one row or two are cheaper as sums, which fuse with what is around them.
_FEW, _MINIBATCH = 2, 256


@dataclass(frozen=True)
class Traceable:
    """A function of tensors with no choices in it, and tensors of the shapes that it is called with.

    name: what files are called; source: a hash over the code it is made of; seeds, lanes: how many of them
    ``inputs`` have, lengths that no other axis has. Where it is called they are any.
    """

    name: str
    source: str
    function: Callable[..., object]
    inputs: Sequence[Tensor]
    seeds: int
    lanes: int

    def file(self, directory: Path) -> Path:
        """Return where its machine code is kept, or would be."""
        any_number = {self.seeds: "seeds", self.lanes: "lanes"}
        shapes = [
            ([any_number.get(length, length) for length in tensor.shape], str(tensor.dtype))
            for tensor in self.inputs
        ]
        facts = [self.source, shapes, torch.__version__, sorted(torch.cpu.get_capabilities().items())]
        return directory / f"{self.name}-{hashlib.sha256(repr(facts).encode()).hexdigest()[:16]}.pt2"


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


def machine_code(traceable: Traceable, directory: Path) -> Graph:
    """Load machine code, compiled now unless it is in ``directory`` already.

    Raises CompilerError where it cannot be compiled.
    """
    path = traceable.file(directory)
    if not path.exists():
        directory.mkdir(parents=True, exist_ok=True)
        # Of several workers one compiles, and the others wait for it.
        with lock_of(path):
            if not path.exists():
                prune(directory)
                compile_graph(traceable, path)
    mark_used(path)
    return _load(path)


def lock_of(path: Path) -> Lock:
    """Return the lock that whoever compiles ``path`` holds."""
    return FileLock(path.with_suffix(".lock"))


def import_compiler() -> None:
    """Import what compiling takes, which is seconds: copies of this process need not."""
    import torch._inductor.compile_fx
    import torch._inductor.package
    import torch.export
    import torch.fx.experimental.proxy_tensor  # noqa: F401


def example_length(multiple: int, *others: int) -> int:
    """Return a length that no other axis has, for torch takes axes of equal length for one."""
    return next(length for length in count(7 * multiple, multiple) if length not in others)


@cache
def _load(path: Path) -> Graph:
    from torch._inductor import aoti_load_package

    with TemporaryDirectory() as folder, _temporary_files_in(folder):
        return aoti_load_package(str(path), run_single_threaded=True).loader.run


@contextmanager
def _temporary_files_in(folder: str) -> Iterator[None]:
    """Let torch unpack its code here: elsewhere it would stay when the process is killed.

    What is loaded needs no file any more.
    """
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = folder
    try:
        yield
    finally:
        del os.environ["TMPDIR"]
        if before is not None:
            os.environ["TMPDIR"] = before


def compile_graph(traceable: Traceable, path: Path, *, share_headers: bool = False) -> None:
    """Write machine code to ``path``; whoever calls holds its lock.

    With ``share_headers``, torch compiles its headers once, below the directory for temporary files.
    """
    from torch._inductor import aoti_compile_and_package
    from torch.fx.experimental.proxy_tensor import make_fx

    seeds, blocks = (torch.export.Dim(name, min=1, max=_MOST) for name in ("seeds", "blocks"))
    any_number = {traceable.seeds: seeds, traceable.lanes: UNIT * blocks}
    inputs = traceable.inputs
    shapes = [
        {axis: any_number[length] for axis, length in enumerate(tensor.shape) if length in any_number}
        for tensor in inputs
    ]
    options = {
        # One core each: several workers train side by side.
        "cpp.threads": 1,
        "cpp.cxx": (None, compiler()),
        "cpp.vec_isa_ok": _knows_the_processor(),
        "cpp.enable_floating_point_contract_flag": "fast",
        # One allocation for all that lives within a call.
        "memory_planning": True,
        # Torch hashes them by openssl.
        "aot_inductor.precompile_headers": share_headers and shutil.which("openssl") is not None,
        # The kernels do the work; what calls them is quick however it is compiled.
        "aot_inductor.compile_wrapper_opt_level": "O0",
        "aot_inductor.enable_line_tables": False,
    }
    with warnings.catch_warnings(), TemporaryDirectory(dir=path.parent) as folder:
        # Torch's warnings about its own internals are not ours to mend.
        warnings.simplefilter("ignore")
        whole = Path(folder) / path.name
        try:
            products = {torch.ops.aten.bmm.default: _small_product}
            traced = make_fx(traceable.function, products, tracing_mode="symbolic")(*inputs)
            exported = torch.export.export(traced, tuple(inputs), dynamic_shapes=tuple(shapes))
            aoti_compile_and_package(exported, package_path=str(whole), inductor_configs=options)
        except Exception as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise CompilerError(f"{path.stem} could not be compiled by {compiler()}: {reason}") from error
        os.replace(whole, path)


@cache
def _knows_the_processor() -> bool | None:
    """Return whether the compiler has every set of instructions that torch may choose on this machine.

    Else torch tries them one by one, each with a compilation and a process of its own.
    """
    if platform.machine() != "x86_64":
        return None
    sets = ["-mavx512f", "-mavx512bf16", "-mavx512vnni", "-mamx-tile", "-mamx-int8", "-mamx-bf16"]
    check = [compiler() or "", *sets, "-x", "c++", "-c", "-o", os.devnull, "-"]
    done = subprocess.run(check, input=b"int main() {}", capture_output=True, check=False)
    return True if done.returncode == 0 else None


def _small_product(a: Tensor, b: Tensor) -> Tensor:
    """Write (S, n, m) times (S, m, K) as a sum where n or m is one or two, and leave it alone elsewhere."""
    small = min(a.shape[1:]) <= _FEW and max(a.shape[1:]) <= _MINIBATCH
    return (a.unsqueeze(3) * b.unsqueeze(1)).sum(2) if small else NotImplemented
