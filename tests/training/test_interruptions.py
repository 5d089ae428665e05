"""Real drivers, real Ray, and what can happen to them: nothing is lost and nothing is done twice."""

import io
import os
import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import yaml

from study.api import Study
from study.cli import main
from study.results.directory import ResultsDirectory
from study.training.launch import launch
from tests.training.driver import PATIENCE, Driver, driver, environment, until
from tests.worlds.small_study import LONG, LONG_RUNS, assert_same_rows, config_of, resume

PROGRESS = re.compile(
    r"pack \S+ is tried again, \d of 3: [^\n]+|"
    r"\d+ of 26 runs( \| \d+\.\d runs/s)?( \| (\d+ s|\d+ min \d\d s|\d+ h \d\d min) left)?"
    r"( \| front: \d+ settings, error \d+\.\d-\d+\.\d %, odds difference \d\.\d{3}-\d\.\d{3})?"
)
WAITING = re.compile(r"[^|\n]+ \(\d+ s\)\n?")
"""What is said of a wait that grows long: how many of these there are depends on the machine."""

pytestmark = [pytest.mark.usefixtures("_own_sigterm"), pytest.mark.waits]


@pytest.fixture(scope="module")
def long_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("files") / "long.yaml"
    path.write_text(yaml.safe_dump(LONG))
    return path


def times(files: list[Path]) -> dict[str, int]:
    return {path.name: os.stat(path).st_mtime_ns for path in files}


def assert_completed(directory: ResultsDirectory, finished: dict[str, int], expected: pd.DataFrame) -> None:
    """What was finished was left alone, and the rows are those of an undisturbed study."""
    files = [directory.runs / name for name in finished]
    assert times(files) == finished
    rows, broken = directory.read_runs()
    assert not broken
    assert len(rows) == LONG_RUNS
    # Not through read_runs, which would hide it: no run is in two files.
    twice = pd.concat([pd.read_parquet(path) for path in directory.runs.iterdir()])["run_id"]
    assert twice.is_unique
    assert_same_rows(rows, expected)
    assert Study(directory.root).status().state == "finished"
    unwanted = (".part", ".checkpoint", ".broken")
    assert not [path for path in directory.root.rglob("*") if path.suffix in unwanted]


def test_study_interrupted_and_then_killed_says_how_to_resume_and_does_each_time(
    long_study: Path, results: ResultsDirectory, undisturbed: pd.DataFrame, ray_here: int
) -> None:
    """By SIGTERM, then SIGKILL; SIGINT comes to a study in a store and to one without memory."""
    words = ("run", long_study, "--out", results.root, "--workers", 2)
    # However slow this machine is at the moment, let it end in order.
    tampered = {"study.commands.interruption.GRACE": PATIENCE}
    with driver(*words, results=results.root, tampered=tampered) as started:
        started.wait_for_packs(1)
        os.kill(started.process.pid, signal.SIGTERM)
        status, out, err = started.end()
        finished = times(started.rows_files)
    assert (status, out) == (130, "")
    *lines, last = err.splitlines()
    resume_with = "study: interrupted; what is finished is kept, resume with: study resume"
    assert last == f"{resume_with} {results.root}"
    assert_progress(lines, results.root)
    assert 0 < len(finished) < len(list(results.packs.iterdir()))
    assert Study(results.root).status().state == "interrupted"
    assert results.read_manifest()["sessions"][-1]["state"] == "interrupted"

    with driver("resume", results.root, "--workers", 2, results=results.root) as again:
        again.wait_for_packs(len(finished) + 1)
        os.kill(again.process.pid, signal.SIGKILL)
        again.process.wait()
        found = Study(results.root).status()
        later = times(again.rows_files)
    assert finished.items() <= later.items()
    assert found.state == "interrupted"
    assert 0 < found.finished < LONG_RUNS
    assert main(["resume", str(results.root)]) == 0
    assert_completed(results, later, undisturbed)


KINDS = ["raylet", "gcs_server"]


@dataclass
class Bereft:
    """A driver of whose Ray a process was killed, and what it left."""

    driver: Driver
    results: ResultsDirectory
    exit_status: int
    out: str
    err: str
    finished: dict[str, int]


def part_of_ray(kind: str, started: Driver) -> int:
    """The process of a driver's Ray that is called ``kind``."""
    found = started.processes().items()
    (number,) = (number for number, title in found if f"/{kind} " in title.partition("--")[0])
    return number


@pytest.fixture(scope="module")
def bereft(long_study: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Bereft]]:
    """By what was killed. Ray's agents may take a minute to end: meanwhile other tests run."""
    begun: dict[str, tuple[ResultsDirectory, Driver]] = {}
    with ExitStack() as drivers:
        for kind in KINDS:
            results = ResultsDirectory(tmp_path_factory.mktemp(kind) / "results")
            words = ("run", long_study, "--out", results.root, "--workers", 1)
            begun[kind] = results, drivers.enter_context(driver(*words, results=results.root))
        for kind, (_, started) in begun.items():
            started.wait_for_packs(1)
            os.kill(part_of_ray(kind, started), signal.SIGKILL)
        yield {
            kind: Bereft(started, results, *started.end(), times(started.rows_files))
            for kind, (results, started) in begun.items()
        }


@pytest.mark.parametrize("kind", KINDS)
def test_driver_whose_ray_is_killed_ends_with_one_line(
    kind: str, bereft: dict[str, Bereft], undisturbed: pd.DataFrame
) -> None:
    seen = bereft[kind]
    assert (seen.exit_status, seen.out) == (1, "")
    kept = "what is finished is kept, resume with: study resume"
    assert f"study: Ray's {kind} died; {kept} {seen.results.root}" in seen.err.splitlines()
    assert "Traceback" not in seen.err
    assert Study(seen.results.root).status().state == "interrupted"
    assert resume(seen.results, in_process=True, log=lambda text: None)
    assert_completed(seen.results, seen.finished, undisturbed)


def test_driver_whose_ray_is_stopped_ends_with_one_line(
    long_study: Path, results: ResultsDirectory
) -> None:
    tampered = {"study.training.local_ray.GCS_SILENT": 6.0}
    words = ("run", long_study, "--out", results.root, "--workers", 1)
    with driver(*words, results=results.root, tampered=tampered) as started:
        until(started.workers, "a worker")
        os.kill(part_of_ray("gcs_server", started), signal.SIGSTOP)
        status, out, err = started.end()
        until(lambda: not started.workers(), "the end of the workers")
    assert (status, out) == (1, "")
    kept = "what is finished is kept, resume with: study resume"
    assert f"study: Ray's gcs_server gave no sign for 6 s; {kept} {results.root}" in err.splitlines()
    assert "Traceback" not in err
    assert Study(results.root).status().state == "interrupted"


def test_worker_that_is_stopped_is_replaced_and_its_pack_continues_from_its_checkpoint(
    long_study: Path, results: ResultsDirectory, undisturbed: pd.DataFrame
) -> None:
    tampered = {
        "study.training.on_ray.SILENT": 5.0,
        "study.training.checkpoint.CHECKPOINT_EVERY": 0.1,
        "no_report": True,
    }
    words = ("run", long_study, "--out", results.root, "--workers", 1)
    with driver(*words, results=results.root, tampered=tampered) as started:
        until(lambda: list(results.checkpoints.glob("*.checkpoint")) and started.workers(), "a checkpoint")
        (stopped,) = started.workers()
        os.kill(stopped, signal.SIGSTOP)
        status, _, err = started.end()
    assert status == 0, err
    assert re.search(r"pack \S+ is tried again, 1 of 3: its worker gave no sign for 5 s", err)
    assert re.search(r"pack \S+ continues from epoch \d+", err)
    assert_completed(results, {}, undisturbed)
    assert results.read_manifest()["sessions"][-1]["retried"] == 1


def test_run_that_kills_its_worker_gets_a_row_that_says_so_and_its_neighbours_finish(
    tmp_path: Path, results: ResultsDirectory
) -> None:
    search = {"sampler": "grid", "alpha": [0.2, 0.3], "gamma": {"defer": 0.1, "reject": 0.5}}
    study = {**LONG, "methods": "defer", "search": search, "seeds": 1}
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(study))
    tampered = {
        "fatal_alpha": 0.3,
        "no_report": True,
        "study.training.scheduler.RETRIES": 0,
        "study.training.scheduler.RETRIES_BETWEEN": 0,
    }
    words = ("run", path, "--out", results.root, "--workers", 1)
    with driver(*words, results=results.root, tampered=tampered) as started:
        status, _, err = started.end()
    assert status == 1
    rows = results.read_runs()[0]
    (failed,) = rows[rows["status"] == "failed"].to_dict("records")
    assert (failed["alpha"], failed["seed"]) == (0.3, 0)
    assert "died" in failed["reason"]
    assert f"run {failed['run_id']} of pack {failed['pack_id']}" in err
    found = Study(results.root).status()
    assert (found.state, found.finished, found.failed) == ("interrupted", 2, 1)
    assert resume(results, in_process=True, log=lambda text: None)
    undisturbed = ResultsDirectory(tmp_path / "undisturbed")
    assert launch(config_of(study), undisturbed, in_process=True, log=lambda text: None)
    # It was trained apart from its pack, which is all that its row says of it.
    rows = (directory.read_runs()[0].drop(columns="pack_id") for directory in (results, undisturbed))
    assert_same_rows(*rows)


def test_worker_killed_as_another_program_takes_the_memory_is_tried_again_in_one_line(
    long_study: Path, results: ResultsDirectory
) -> None:
    full = environment() | {"RAY_memory_usage_threshold": "0.001"}
    tampered = {
        "study.training.on_ray.FIRST_WAIT": 0.1,
        "study.training.on_ray.LONGEST_WAIT": 0.1,
        "study.commands.interruption.GRACE": PATIENCE,
    }
    words = ("run", long_study, "--out", results.root, "--workers", 1)
    lines: list[str] = []
    with driver(*words, results=results.root, surroundings=full, tampered=tampered) as started:
        assert started.process.stderr is not None
        while sum("is tried again" in line for line in lines) < 5:
            lines.append(started.process.stderr.readline())
            assert lines[-1], lines
        os.kill(started.process.pid, signal.SIGINT)
        status, _, err = started.end()
    assert status == 130
    heard = [line for line in lines if not WAITING.fullmatch(line)]
    tried = r"pack \S+ is tried again: its machine ran out of memory; waiting 0 s\n"
    assert heard[0].startswith("26 runs, 1 workers")
    # The bar is repeated as long as nothing finishes.
    assert {line for line in heard[1:] if not re.fullmatch(tried, line)} == {"0 of 26 runs\n"}
    assert "Traceback" not in err
    found = Study(results.root).status()
    assert (found.state, found.finished, found.failed) == ("interrupted", 0, 0)


@dataclass
class Eventful:
    """What was seen of a study that lost workers, and of a second driver that wanted in."""

    results: ResultsDirectory
    state_meanwhile: str
    second_status: int
    second_words: tuple[str, str]
    killed: list[int]
    exit_status: int
    out: str
    err: str


@pytest.fixture(scope="module")
def eventful(long_study: Path, tmp_path_factory: pytest.TempPathFactory) -> Eventful:
    results = ResultsDirectory(tmp_path_factory.mktemp("eventful") / "results")
    words = ("run", long_study, "--out", results.root, "--workers", 2)
    # Ray cannot be imported without docstrings: the driver must see to them.
    optimized = environment() | {"PYTHONOPTIMIZE": "2"}
    with driver(*words, results=results.root, surroundings=optimized) as started:
        started.wait_for_packs(1)
        killed = [started.kill_a_worker()]
        started.wait_for_packs(2)
        killed.append(started.kill_a_worker())
        state = Study(results.root).status().state
        at_sigterm = signal.getsignal(signal.SIGTERM)
        with redirect_stdout(io.StringIO()) as said, redirect_stderr(io.StringIO()) as warned:
            second_status = main(["run", str(long_study), "--out", str(results.root)])
        signal.signal(signal.SIGTERM, at_sigterm)
        exit_status, out, err = started.end()
    second_words = said.getvalue(), warned.getvalue()
    return Eventful(results, state, second_status, second_words, killed, exit_status, out, err)


def test_study_that_loses_workers_completes_by_itself(
    eventful: Eventful, undisturbed: pd.DataFrame
) -> None:
    assert eventful.exit_status == 0
    rows = eventful.results.read_runs()[0]
    assert_same_rows(rows, undisturbed)
    assert {int(worker.rpartition("-")[2]) for worker in rows["worker"]} - {*eventful.killed}
    assert Study(eventful.results.root).status().failed == 0


def test_running_study_says_so(eventful: Eventful) -> None:
    assert eventful.state_meanwhile == "running"
    assert Study(eventful.results.root).status().state == "finished"


def test_second_driver_is_kept_out_with_one_line(eventful: Eventful) -> None:
    root = eventful.results.root
    assert eventful.second_status == 2
    assert eventful.second_words == (
        "",
        f"study: {root}: another `study run` or `study resume` is at work there; "
        "wait for it, stop it, or give another --out\n",
    )


def test_driver_says_what_it_does_and_nothing_else(eventful: Eventful) -> None:
    assert eventful.out == f"report: {eventful.results.report / 'index.html'}\n"
    lines = eventful.err.splitlines()
    assert_progress(lines, eventful.results.root)
    *_, last = (line for line in lines if not WAITING.fullmatch(line))
    assert last.startswith("26 of 26 runs | ")


def test_results_directory_holds_what_the_contract_says(eventful: Eventful) -> None:
    root = eventful.results.root
    assert ResultsDirectory(root).read_study() == config_of(LONG).resolved()
    for name in (
        "manifest.json",
        "test_rows.parquet",
        "report/index.html",
        "report/fronts.csv",
        "report/idk_cdf.csv",
    ):
        assert (root / name).is_file()
    packs = {path.stem for path in (root / "packs").iterdir()}
    assert len(packs) == 7
    for folder in ("runs", "weights", "outcomes"):
        assert {path.stem for path in (root / folder).iterdir()} == packs


def test_driver_whose_ray_is_killed_leaves_no_process(bereft: dict[str, Bereft]) -> None:
    """The last test here, so that there is little left to wait for."""
    for seen in bereft.values():
        until(lambda driver=seen.driver: not driver.processes(), "the end of all processes")


def assert_progress(lines: list[str], root: Path) -> None:
    """The first line and then nothing but progress: neither Ray nor Optuna is heard."""
    first, *others = [line for line in lines if line and not WAITING.fullmatch(line)]
    assert first == f"26 runs, 2 workers, results in {root}"
    assert others
    assert [line for line in others if not PROGRESS.fullmatch(line)] == []
