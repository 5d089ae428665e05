"""``python -m tests.benchmarks.bookkeeping RUNS``: what a study costs its driver, beside the training.

Real Ray, real queue, real ledger; a pack is not trained, its rows are drawn. So the workers are done as
soon as they have written, and what is left is what a driver does for a pack: ask for it, write it down,
hand it out, hear of it, read its rows and tell the front.
"""

import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from study.api import Study
from study.config.plan import ThresholdOptions
from study.config.reading import validate
from study.models.training import TrainingOptions
from study.results.directory import ResultsDirectory
from study.results.files.schema import RUN_SCHEMA
from study.results.packs import Pack, run_id
from study.search.identity import Identity
from study.search.pack_queue import PackQueue
from study.training.on_ray import run_on_ray
from study.training.pack import Advance
from study.training.progress import Progress
from study.training.ray_cluster import ray_cluster
from study.training.scheduler import Attempts
from study.training.study_data import StudyData

SETTINGS, SEEDS = 64, 5
IDENTITY = Identity(
    "fingerprint", {}, {"thresholds": {"choose_on": "validation"}, "test_decision_maker": None}, "code"
)


@dataclass(frozen=True)
class Cost:
    """What ``runs`` runs in ``packs`` packs cost; ``memory`` (MiB) is the driver's at each quarter."""

    sampler: str
    runs: int
    packs: int
    seconds: float
    driver_cpu_seconds: float
    memory: list[float]
    status_seconds: float


def drawn(pack: Pack, data: StudyData, directory: ResultsDirectory) -> Iterator[Advance]:
    """Stand in for training a pack: write rows of the right form, drawn from its name."""
    generator = np.random.default_rng(list(pack.pack_id.encode()))
    runs = [(seed, setting) for seed in pack.seeds for setting in pack.settings]
    rows: dict[str, list[Any]] = {}
    for field in RUN_SCHEMA:
        if str(field.type) == "double":
            rows[field.name] = generator.random(len(runs)).tolist()
        elif str(field.type) in ("int32", "int64"):
            rows[field.name] = [1] * len(runs)
        else:
            rows[field.name] = [field.name] * len(runs)
    rows["run_id"] = [run_id(setting.setting_id, seed) for seed, setting in runs]
    rows["setting_id"] = [setting.setting_id for _, setting in runs]
    rows["seed"] = [seed for seed, _ in runs]
    rows["pack_id"] = [pack.pack_id] * len(runs)
    rows["finished_at"] = [datetime.now(UTC)] * len(runs)
    directory.write_runs(
        pack.pack_id,
        rows,
        weights=list(generator.random((len(runs), 120), dtype=np.float32)),
        deferred=[b"\0"] * len(runs),
        positive=[b"\0"] * len(runs),
    )
    yield Advance(len(runs))


def no_data() -> StudyData:
    """Return as much data as a worker needs that trains nothing."""
    nothing = np.zeros(0, np.int64)
    return StudyData(
        study="bookkeeping",
        dataset="none",
        identity=IDENTITY,
        fingerprint="fingerprint",
        features=np.zeros((0, 1), np.float32),
        label=np.zeros(0, np.float32),
        sensitive=np.zeros(0, np.int8),
        rows=dict.fromkeys(("train", "validation", "test", "choice"), nothing),
        decision_makers={"standard": np.zeros(0, np.float32)},
        test_decision_maker=None,
        options=TrainingOptions(5, 0.003, 64, 50, 1000),
        thresholds=ThresholdOptions("exact", 1, True, "validation"),
        backend="eager",
    )


def measure(runs: int, folder: Path, sampler: str = "random", settings: int = SETTINGS) -> Cost:
    """Keep the books of a study of about ``runs`` runs, on the Ray of this process."""
    config = validate(
        {
            "study": "bookkeeping",
            "methods": "defer",
            "search": {
                **{"sampler": sampler, "settings": max(1, runs // SEEDS)},
                "gamma": {"low": 0.03, "high": 0.15},
            },
            "seeds": SEEDS,
            "pack": {"settings": settings},
        },
        "the benchmark",
    )
    directory = ResultsDirectory(folder)
    directory.write_study(config.resolved())
    started, cpu = time.perf_counter(), time.process_time()
    queue = PackQueue(config.plan().search, IDENTITY, directory)
    quarters: list[float] = []

    def front() -> str:
        if queue.finished_runs >= queue.planned_runs * (len(quarters) + 1) / 4:
            quarters.append(resident())
        return queue.front.summary()

    with (folder / "progress.txt").open("w") as said:
        progress = Progress(queue, front, said)
        run_on_ray(Attempts(queue, [no_data()], directory, progress, {}), directory, train=drawn)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    assert queue.done
    packs = len(directory.read_packs())
    started = time.perf_counter()
    assert Study(directory.root).status().finished == queue.finished_runs
    return Cost(sampler, queue.finished_runs, packs, seconds, cpu, quarters, time.perf_counter() - started)


def resident() -> float:
    """Return the memory that this process holds now, in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def main(runs: int, sampler: str = "random", settings: int = SETTINGS) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, ray_cluster(None, 2, Path(folder) / "logs", "again"):
        cost = measure(runs, Path(folder) / "results", sampler, settings)
    print(json.dumps(asdict(cost), indent=2))
    of_wall, of_driver = cost.runs / cost.seconds, cost.runs / cost.driver_cpu_seconds
    print(f"{of_wall:,.0f} runs/s; {of_driver:,.0f} runs per second of the driver's CPU")


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:3], *map(int, sys.argv[3:4]))
