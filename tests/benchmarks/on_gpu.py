"""``python -m tests.benchmarks.on_gpu``: what a GPU trains, next to the CPU of the same machine.

Needs torch and filelock, and nothing else of what the project needs. Every stage is a process with a time
limit of its own, and every result a line of JSON, so that an interrupted run has measured something. On a
machine without a GPU the CPU plays its part, to try the script: slowly, with --small.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from study.engines.machine_code import compiler
from study.engines.on_gpu import OnGpu
from study.models.draws import minibatch_order
from study.models.families import FAMILIES
from study.models.losses import loss_of
from study.models.network import WeightNoise
from study.models.step import Eager, Engine, Lanes, adam_sizes
from study.models.training import Trained
from tests.benchmarks import gpu_speed
from tests.benchmarks.gpu_speed import GPU, Row, begin, pool, problem
from tests.models.synthetic_examples import in_float64

ARMS = (
    ("mlp", "binary"),
    ("ordinal", "defer"),
    ("gate", "reject"),
    ("bayes", "binary"),
    ("actions", "ce"),
    ("pair", "compare"),
)


def check(small: bool) -> Iterator[Row]:
    """Check all families side by side, each in a process."""
    widths, epochs = ([64, 96], 3) if small else ([64, 1024, 8192], 60)
    with pool(len(ARMS)) as processes:
        jobs = [processes.submit(_checked, *arm, widths, epochs) for arm in ARMS]
        for job in jobs:
            yield from job.result()


def _checked(family: str, method: str, widths: list[int], epochs: int) -> list[Row]:
    """Compare one family's training with the CPU's, and with itself in packs of other widths."""
    torch.set_num_threads(2)
    train, validation, options = problem("compas", max_epochs=epochs, patience=20)
    of = (FAMILIES[family].model(method), loss_of(method))
    on_gpu = OnGpu(*of, train, validation, GPU)
    exact = Eager(*of, in_float64(train), in_float64(validation))
    after = [
        _after_an_epoch(engine, method, engine is exact)
        for engine in (on_gpu, Eager(*of, train, validation), exact)
    ]
    error = [float((theta - after[2]).norm() / after[2].norm()) for theta in after]
    rows: list[Row] = [{"check": "an epoch's weights, relative error", "gpu": error[0], "cpu": error[1]}]

    def trained(engine: Engine, settings: int) -> Trained:
        pack = begin(engine, settings, method, options, 1)
        while pack.running:
            pack.run_epoch()
        return pack.result()

    narrow = trained(on_gpu, widths[0])
    there = _compare(narrow, trained(Eager(*of, train, validation), widths[0]))
    rows += [{"check": "the CPU's runs", **there}]
    for width in widths:
        rows += [{"check": f"again, in a pack of {width}", **_compare(narrow, trained(on_gpu, width))}]
    return [{"family": family, "method": method, **row} for row in rows]


def _after_an_epoch(engine: Engine, method: str, exact: bool) -> torch.Tensor:
    train, _, options = problem("compas")
    dtype = torch.float64 if exact else torch.float32
    pack = begin(engine, 64, method, options, 2)
    start = (pack._theta, pack._mean, pack._square, pack._alpha, pack._gamma)
    theta, mean, square, alpha, gamma = (part.to(dtype, copy=True) for part in start)
    order = minibatch_order(len(train), options.batch_size, range(2), 1).to(engine.device)
    sizes = adam_sizes(options.learning_rate, range(1, len(order) + 1)).to(engine.device)
    noise = pack._noise(len(order), 1)
    if noise is not None:
        noise = WeightNoise(*(part.to(dtype) for part in noise))
    engine.train((theta, mean, square), sizes, order, Lanes(alpha, gamma, noise, [64, 64]))
    return theta.to("cpu", torch.float64)


def _compare(one: Trained, other: Trained) -> Row:
    """Runs with the same best epoch should have the same loss, within 1e-5 + 1e-4 of it."""
    lanes = one.theta.shape[2]
    together = one.best_epoch == other.best_epoch[:, :lanes]
    there, here = one.validation_loss, other.validation_loss[:, :lanes]
    close = torch.isclose(there, here, atol=1e-5, rtol=1e-4)
    return {
        "runs": together.numel(),
        "same_best_epoch": float(together.float().mean()),
        "of_these_close": float(close[together].float().mean()),
        "bits_equal": float((one.theta == other.theta[..., :lanes]).all(1).float().mean()),
        "largest_difference": float((there - here).abs().max()),
        "mean_difference": float((there - here).mean()),
    }


STAGES = {"check": check, "runs": gpu_speed.runs, "cpu": gpu_speed.cpu, "steps": gpu_speed.steps}
LIMITS = {"check": 100, "runs": 150, "cpu": 100, "steps": 110}


def main() -> int:
    """Run the stages, each in a process of its own, or one of them in this one."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.on_gpu", description=__doc__)
    parser.add_argument("--small", action="store_true", help="tiny sizes, to try the script")
    parser.add_argument("--stages", default=",".join(STAGES), help="which, in this order")
    parser.add_argument("--out", type=Path, default=Path("on_gpu.jsonl"), help="where results are added")
    parser.add_argument("--here", action="store_true", help="the stage in this process")
    said = parser.parse_args()
    # Several processes compile side by side.
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "4")

    def tell(row: dict[str, Any]) -> None:
        print(json.dumps(row), flush=True)
        with said.out.open("a") as out:
            out.write(json.dumps(row) + "\n")

    if said.here:
        for row in STAGES[said.stages](said.small):
            tell({"stage": said.stages, **row})
        return 0
    name = torch.cuda.get_device_name() if GPU.type == "cuda" else None
    cores = len(os.sched_getaffinity(0))
    tell({"gpu": name, "torch": torch.__version__, "cores": cores, "compiler": compiler()})
    failed = 0
    for stage in said.stages.split(","):
        begun = time.perf_counter()
        arguments = ["--here", "--stages", stage, "--out", str(said.out), *["--small"] * said.small]
        command = [sys.executable, "-W", "ignore", "-m", "tests.benchmarks.on_gpu", *arguments]
        process = subprocess.Popen(command, start_new_session=True)
        try:
            failed += process.wait(LIMITS[stage]) != 0
        except subprocess.TimeoutExpired:
            failed += 1
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        tell({"stage": stage, "seconds": time.perf_counter() - begun, "limit": LIMITS[stage]})
    return min(failed, 1)


if __name__ == "__main__":
    raise SystemExit(main())
