"""A study whose processes are killed at random moments, and that must end as if undisturbed.

Only processes of the study's own drivers are killed: each driver has a session of its own, and Ray's
processes and workers stay in it.
"""

import contextlib
import io
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from study.api import Study
from study.results.directory import ResultsDirectory
from study.training.launch import launch
from tests.training.driver import environment, processes
from tests.worlds.small_study import GAMMA, assert_same_rows, config_of, finished_packs

TARGETS = {
    **{"worker": 12, "driver": 3, "everything": 2, "raylet": 1, "gcs_server": 1},
    **{"SIGINT": 3, "SIGTERM": 3},
}
"""Who is killed, and how often beside the others; the last two are signals to the driver."""
MOMENTS = {"some seconds later": 2, "between packs": 3, "while a file is written": 3}
"""When: after up to eight seconds, often while Ray starts; once a pack or two came in; as soon as a file is
there that is not yet in its place. Two packs are the longest wait, so that a fast machine does not finish
the study between two kills."""
LONGEST_WAIT = 120.0
ENDS_WITHIN = 180.0
"""Seconds in which a driver ends whose Ray is dead, and processes whose driver is: else something hangs."""


def study_of(kills: int) -> dict[str, Any]:
    """Return a study file with work for so many kills: four packs for each."""
    return {
        "study": "chaos",
        "dataset": "compas-two-year",
        "methods": ["reject", "defer"],
        "search": {"sampler": "random", "settings": 4 * kills, "gamma": GAMMA},
        "seeds": 2,
        "training": {"max_epochs": 6, "patience": 1000, "batch_size": 512},
        "pack": {"settings": 2},
    }


@dataclass
class Storm:
    """Kills of one study, drawn from ``seed``; ``log`` hears of each."""

    results: ResultsDirectory
    study: Path
    kills: int
    seed: int
    log: Callable[[str], None] = print
    killed: Counter[str] = field(default_factory=Counter)
    """How often each target was killed."""
    drivers: list[int] = field(default_factory=list)
    """The sessions that the study had, one after the other."""
    ended_after: list[float] = field(default_factory=list)
    """How many seconds a driver took to end after a signal."""

    def __post_init__(self) -> None:
        self._began = time.monotonic()

    def blow(self) -> None:
        """Kill until it was done ``kills`` times or the study is finished; then let it finish."""
        while self.killed.total() < self.kills and not self._finished():
            self._session()
        for _ in range(5):
            if self._start().wait() == 0:
                break
        self._until(lambda: not processes(self.drivers), f"these ended: {processes(self.drivers)}")

    def _session(self) -> None:
        """Start a driver, and kill until it has ended."""
        driver = self._start()
        while driver.poll() is None and self.killed.total() < self.kills:
            # Drawn by the kill's number: how often a victim was not there yet has no say.
            chance = random.Random(f"{self.seed} {self.killed.total()}")
            target, moment = _draw(chance, TARGETS), _draw(chance, MOMENTS)
            self._wait_for(moment, driver, chance)
            victims = self._victims(target, driver, chance)
            if driver.poll() is not None or not victims:
                continue
            number = signal.Signals[target if target.startswith("SIG") else "SIGKILL"]
            for victim in victims:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(victim, number)
            sent = time.monotonic()
            self.killed[target] += 1
            self.log(
                f"{time.monotonic() - self._began:6.0f} s: kill {self.killed.total()}, {target}, {moment}, "
                f"{self._packs()} packs are in"
            )
            if target != "worker":
                self._until(lambda: driver.poll() is not None, f"its driver ended: {target} was killed")
            if number != signal.SIGKILL:
                self.ended_after.append(time.monotonic() - sent)
                assert driver.wait() in (0, 130), f"exit status {driver.wait()} after {target}"
        assert driver.wait() != 2, (self.study.parent / "drivers.log").read_text()

    def _start(self) -> "subprocess.Popen[bytes]":
        """Start a driver: ``study run``, or ``study resume`` where there is something to resume."""
        begin = ["run", self.study, "--out", self.results.root]
        words = ["resume", self.results.root] if self.results.exists() else begin
        with (self.study.parent / "drivers.log").open("ab") as log:
            driver = subprocess.Popen(
                [sys.executable, "-m", "study", *map(str, words), "--workers", "2"],
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=environment(),
            )
        self.drivers.append(driver.pid)
        return driver

    def _wait_for(self, moment: str, driver: "subprocess.Popen[bytes]", chance: random.Random) -> None:
        until = time.monotonic() + chance.uniform(0, 8)
        before, stale = self._packs(), self._half_written()
        wanted = before + chance.choice([1, 2])
        came = {
            "some seconds later": lambda: time.monotonic() >= until,
            "between packs": lambda: self._packs() >= wanted,
            "while a file is written": lambda: self._half_written() - stale,
        }[moment]
        deadline = time.monotonic() + LONGEST_WAIT
        while driver.poll() is None and time.monotonic() < deadline and not came():
            if self._packs() >= before + 2:
                break
            time.sleep(0.001)

    def _half_written(self) -> set[Path]:
        folders = [self.results.root / name for name in ("runs", "weights", "outcomes", "packs", ".")]
        return {path for folder in folders for path in folder.glob(".*.part")}

    def _victims(self, target: str, driver: "subprocess.Popen[bytes]", chance: random.Random) -> list[int]:
        there = processes({driver.pid})
        if target == "everything":
            return list(there)
        if target.startswith("SIG") and not _listens(driver.pid):
            return []
        named = {"worker": "Trainable", "raylet": "/raylet/raylet ", "gcs_server": "/gcs_server "}
        found = [driver.pid] if target not in named else [n for n, t in there.items() if named[target] in t]
        return chance.sample(found, min(1, len(found)))

    def _packs(self) -> int:
        return len(finished_packs(self.results))

    def _finished(self) -> bool:
        return self.results.exists() and Study(self.results.root).status().state == "finished"

    def _until(self, holds: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + ENDS_WITHIN
        while not holds():
            assert time.monotonic() < deadline, f"waited in vain until {what}"
            time.sleep(0.05)


def _listens(process: int) -> bool:
    """Whether the program has got as far as to catch SIGTERM; before, the interpreter starts."""
    with contextlib.suppress(OSError):
        (line,) = re.findall(r"SigCgt:\t(\w+)", Path(f"/proc/{process}/status").read_text())
        return bool(int(line, 16) & 1 << signal.SIGTERM - 1)
    return False


def _draw(chance: random.Random, weights: dict[str, int]) -> str:
    return chance.choices(list(weights), list(weights.values()))[0]


def assert_undisturbed(results: ResultsDirectory, undisturbed: pd.DataFrame) -> None:
    """Every run is there once, with the row of an undisturbed study, and nothing else is left behind."""
    assert Study(results.root).status().state == "finished"
    rows = pd.concat([pd.read_parquet(path) for path in results.runs.iterdir()])
    assert rows["run_id"].is_unique
    # What was split by its kills has rows under the ids of its halves.
    assert_same_rows(
        *(of.assign(pack_id=of["pack_id"].str.partition(".")[0]) for of in (rows, undisturbed))
    )
    unwanted = (".part", ".checkpoint", ".broken")
    left = [path for path in results.root.rglob("*") if path.suffix in unwanted]
    assert left == []
    packs = {path.stem for path in results.packs.iterdir()}
    for folder in (results.runs, results.weights, results.outcomes):
        assert {path.stem for path in folder.iterdir()} == {*rows["pack_id"]}
    assert {pack_id.partition(".")[0] for pack_id in rows["pack_id"]} == packs


def storm(folder: Path, kills: int, seed: int, log: Callable[[str], None] = print) -> Storm:
    """Let a study in ``folder`` be killed, and compare it with one that was left alone."""
    file = folder / "study.yaml"
    file.write_text(yaml.safe_dump(study_of(kills)))
    blown = Storm(ResultsDirectory(folder / "results"), file, kills, seed, log)
    blown.blow()
    alone = ResultsDirectory(folder / "undisturbed")
    with contextlib.redirect_stderr(io.StringIO()):
        assert launch(config_of(study_of(kills)), alone, in_process=True, log=lambda text: None)
    assert_undisturbed(blown.results, alone.read_runs()[0])
    assert blown.killed.total() >= kills, f"finished after {blown.killed.total()} kills"
    return blown
