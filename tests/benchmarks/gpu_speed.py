"""The speeds that ``on_gpu`` measures: steps, the compiled CPU beside them, and a figure to the end."""

import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from study.engines.backends import make_engine
from study.engines.on_gpu import OnGpu
from study.models.draws import minibatch_order
from study.models.examples import Examples
from study.models.families import FAMILIES
from study.models.losses import loss_of
from study.models.step import Eager, Engine, adam_sizes
from study.models.training import PackTraining, TrainingOptions
from tests.models.synthetic_examples import make_examples

Row = dict[str, Any]

GPU = torch.device("cuda" if torch.cuda.is_available() else "cpu")
SEEDS = 5
# Rows to train on and to validate on, inputs without the constant, hidden units, batch size.
SHAPES = {"compas": (3704, 1234, 22, 5, 64), "health": (10_240, 2560, 99, 20, 256)}
WAYS: dict[str, Callable[..., Engine]] = {
    "compiled, as a CUDA graph": lambda *of: OnGpu(*of, GPU),
    "eager": lambda model, loss, *examples: Eager(model, loss, *(part.to(GPU) for part in examples)),
}


def problem(shape: str, **training: int) -> tuple[Examples, Examples, TrainingOptions]:
    """Return made-up training and validation rows of a shape, and how to train on them."""
    rows, validation, inputs, hidden, batch_size = SHAPES[shape]
    options = TrainingOptions(
        hidden=hidden, learning_rate=0.003, batch_size=batch_size, patience=50, max_epochs=1000
    )
    examples = make_examples(rows, inputs, seed=1), make_examples(validation, inputs, seed=2)
    return *examples, replace(options, **training)


def coefficients(settings: int, method: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Return alpha and gamma as Figure 6 draws them; the first are the same however many there are."""
    drawn = torch.rand(settings, 2, generator=torch.Generator().manual_seed(0))
    if method == "reject":
        return 10 ** (drawn[:, 0] * 2 - 2), 0.5 + 0.2 * drawn[:, 1]
    return 10 ** (drawn[:, 0] * 2.5 - 1), 0.03 + 0.12 * drawn[:, 1]


def begin(engine: Engine, settings: int, method: str, options: TrainingOptions, seeds: int) -> PackTraining:
    """Lay out a pack."""
    alpha, gamma = coefficients(settings, method)
    return PackTraining(engine, alpha=alpha, gamma=gamma, seeds=range(seeds), options=options)


def pool(processes: int) -> ProcessPoolExecutor:
    """Return processes that begin afresh, as CUDA needs."""
    return ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"))


def steps(small: bool) -> Iterator[Row]:
    """Time a step and an epoch on the GPU, for packs of all widths."""
    torch.set_num_threads(4)
    for shape in SHAPES:
        train, validation, options = problem(shape, patience=10_000, max_epochs=10_000)
        for way, engine_of in WAYS.items():
            engine = engine_of(FAMILIES["ordinal"].model("defer"), loss_of("defer"), train, validation)
            for settings in [32, 64] if small else [64, 256, 1024, 4096, 16_384]:
                pack = begin(engine, settings, "defer", options, SEEDS)
                begun = time.perf_counter()
                pack.run_epoch()
                _wait()
                first = time.perf_counter() - begun
                epoch, training = _seconds(pack)
                per_epoch = len(train) // options.batch_size
                yield {
                    "shape": shape,
                    "way": way,
                    "settings": settings,
                    "first_epoch_seconds": first,
                    "epoch_ms": epoch * 1e3,
                    "step_us": training / per_epoch * 1e6,
                    "us_per_model_step": epoch / per_epoch / settings / SEEDS * 1e6,
                }


def _seconds(pack: PackTraining) -> tuple[float, float]:
    """Return medians of whole epochs and of their steps, after three to warm up."""
    for _ in range(3):
        pack.run_epoch()
    order = minibatch_order(pack._examples, pack._options.batch_size, pack._seeds, 1).to(pack._device)
    sizes = adam_sizes(0.003, range(1, len(order) + 1)).to(pack._device)
    state = (pack._theta, pack._mean, pack._square)

    def train() -> None:
        pack._engine.train(state, sizes, order, pack._lanes(None))

    return _median(pack.run_epoch), _median(train)


def _median(function: Callable[[], None]) -> float:
    seconds: list[float] = []
    while len(seconds) < 10 and sum(seconds) < 3:
        begun = time.perf_counter()
        function()
        _wait()
        seconds.append(time.perf_counter() - begun)
    return sorted(seconds)[len(seconds) // 2]


def _wait() -> None:
    if GPU.type == "cuda":
        torch.cuda.synchronize()


def cpu(small: bool) -> Iterator[Row]:
    """Time the compiled step on one core and on all of them."""
    code = tempfile.mkdtemp()
    for shape in SHAPES:
        with pool(1) as processes:
            processes.submit(_epochs_on_a_core, shape, 64, code, 0).result()
        for settings in [64] if small else [64, 256, 1024]:
            for cores in (1, len(os.sched_getaffinity(0))):
                with pool(cores) as processes:
                    arguments = (shape, settings, code, 1.0 if small else 2.5)
                    jobs = [processes.submit(_epochs_on_a_core, *arguments) for _ in range(cores)]
                    speed = sum(job.result() for job in jobs)
                yield {
                    "shape": shape,
                    "cores": cores,
                    "settings": settings,
                    "us_per_model_step": 1e6 / speed,
                }


def _epochs_on_a_core(shape: str, settings: int, code: str, seconds: float) -> float:
    """Return model-steps per second."""
    engine, options = _on_cpu(shape, "defer", code)
    pack = begin(engine, settings, "defer", options, SEEDS)
    pack.run_epoch()
    begun = time.perf_counter()
    while time.perf_counter() - begun < seconds or pack.epoch < 2:
        pack.run_epoch()
    taken = time.perf_counter() - begun
    return (pack.epoch - 1) * settings * SEEDS * (SHAPES[shape][0] // options.batch_size) / taken


def _on_cpu(shape: str, method: str, code: str) -> tuple[Engine, TrainingOptions]:
    torch.set_num_threads(1)
    *examples, options = problem(shape)
    of = (FAMILIES["ordinal"].model(method), loss_of(method), *examples)
    sizes = {"hidden": options.hidden, "batch_size": options.batch_size}
    return make_engine("compiled", *of, **sizes, code=Path(code)), options


def runs(small: bool) -> Iterator[Row]:
    """Train Figure 6 to the end: two methods, two decision-makers, 1,024 settings x 5 seeds for each."""
    settings, epochs = (32, 3) if small else (1024, 1000)
    cores = len(os.sched_getaffinity(0))
    ways = [("gpu", 1, settings), ("gpu", 2, settings), ("gpu", 1, max(32, settings // 4))]
    for where, processes, width in [*ways, ("cpu", cores, max(32, settings // 16))]:
        code = tempfile.mkdtemp()
        with pool(processes) as workers:
            begun = time.perf_counter()
            _ = [workers.submit(_to_the_end, where, m, 32, 2, code).result() for m in ("reject", "defer")]
            started = time.perf_counter() - begun
            arms = [method for method in ("reject", "defer") * 2 for _ in range(settings // width)]
            begun = time.perf_counter()
            jobs = [workers.submit(_to_the_end, where, method, width, epochs, code) for method in arms]
            packs = [job.result() for job in jobs]
            seconds = time.perf_counter() - begun
        trained = sum(pack[0] for pack in packs)
        yield {
            "where": where,
            "processes": processes,
            "pack": width,
            "start_and_compile_seconds": started,
            "runs": trained,
            "seconds": seconds,
            "runs_per_second": trained / seconds,
            "mean_epochs": sum(pack[1] for pack in packs) / trained,
            "seconds_of_packs": [pack[2] for pack in packs],
        }


def _to_the_end(where: str, method: str, settings: int, epochs: int, code: str) -> tuple[int, int, float]:
    """Return how many runs were trained, for how many epochs in all, and the seconds."""
    if where == "gpu":
        torch.set_num_threads(4)
        *examples, options = problem("compas")
        engine = WAYS["compiled, as a CUDA graph"](
            FAMILIES["ordinal"].model(method), loss_of(method), *examples
        )
    else:
        engine, options = _on_cpu("compas", method, code)
    begun = time.perf_counter()
    pack = begin(engine, settings, method, replace(options, max_epochs=epochs), SEEDS)
    while pack.running:
        pack.run_epoch()
    trained = pack.result()
    return settings * SEEDS, int(trained.epochs.sum()), time.perf_counter() - begun
