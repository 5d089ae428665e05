import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from filelock import FileLock

from study import Study
from study.config.study_file import StudyConfig
from study.results.directory import ResultsDirectory
from study.storage.locations import Location
from study.storage.whole_files import read_whole
from tests.worlds.small_study import FAMILIES, FAMILY_ARMS, LONG, TINY, config_of, write_cases
from tests.worlds.store import Store, serving


def train(config: StudyConfig, directory: ResultsDirectory) -> None:
    """Train a whole study in this process."""
    from study.training.launch import launch  # Not above: tests that train nothing do not wait for torch.

    assert launch(config, directory, in_process=True, log=lambda text: None)


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return a folder that ``make`` has filled: once for all of pytest-xdist's workers."""
    place = factory.getbasetemp()
    place = place.parent if "PYTEST_XDIST_WORKER" in os.environ else place
    folder, whole = place / f"{name}-made-once", place / f"{name}-is-whole"
    with FileLock(place / f"{name}.lock"):
        if not whole.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            whole.touch()
    return folder


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """The rows of the study LONG, trained from beginning to end in one process."""

    def make(place: Path) -> None:
        train(config_of(LONG), ResultsDirectory(place / "results"))

    return ResultsDirectory(made_once(tmp_path_factory, "long", make) / "results").read_runs()[0]


@pytest.fixture
def without_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports have no figures, which take longest, where a test does not look at them."""
    from study.reports.figures.album import Album  # Not above: others do not wait for matplotlib.

    monkeypatch.setattr("study.reports.page.report.album", lambda *_: Album())


@pytest.fixture
def results(tmp_path: Path) -> ResultsDirectory:
    """A results directory that is not there yet."""
    return ResultsDirectory(tmp_path / "results")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is read of results directories from now on: ``folder/name`` of every file that is opened."""
    names: list[str] = []

    def noting(path: Location) -> bytes:
        names.append("/".join(str(path).split("/")[-2:]))
        return read_whole(path)

    for module in ("directory", "files.decisions", "files.ledger", "files.reading"):
        monkeypatch.setattr(f"study.results.{module}.read_whole", noting)
    return names


@pytest.fixture(scope="session")
def tiny_results(tmp_path_factory: pytest.TempPathFactory) -> ResultsDirectory:
    """The study TINY, finished. Only to be read: ``tiny_copy`` is there to be changed."""

    def make(place: Path) -> None:
        train(config_of(TINY), ResultsDirectory(place / "results"))

    return ResultsDirectory(made_once(tmp_path_factory, "tiny", make) / "results")


@pytest.fixture
def tiny_copy(tiny_results: ResultsDirectory, tmp_path: Path) -> ResultsDirectory:
    shutil.copytree(tiny_results.root, tmp_path / "tiny")
    return ResultsDirectory(tmp_path / "tiny")


@pytest.fixture(scope="session")
def _s3() -> Iterator[Callable[[str], Store]]:
    """An S3 server on loopback, for all tests that need one."""
    pytest.importorskip("moto.server", reason="moto is not installed")
    with serving() as new_bucket:
        yield new_bucket


@pytest.fixture
def store(_s3: Callable[[str], Store]) -> Store:
    """An empty bucket."""
    return _s3(f"bucket-{uuid.uuid4().hex[:12]}")


@pytest.fixture(scope="session")
def families(tmp_path_factory: pytest.TempPathFactory) -> ResultsDirectory:
    """The study FAMILIES, finished; its table is cases.csv beside it. Only to be read."""

    def make(place: Path) -> None:
        config = config_of(FAMILIES, dataset=write_cases(place / "cases.csv"))
        train(config, ResultsDirectory(place / "results"))

    return ResultsDirectory(made_once(tmp_path_factory, "families", make) / "results")


@pytest.fixture(scope="session")
def exported(families: ResultsDirectory, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run of every arm of FAMILIES as a model, by arm. Only to be read."""

    def make(place: Path) -> None:
        runs = families.read_runs()[0]
        arm = runs["method"] + "-" + runs["model"]
        for name in FAMILY_ARMS:
            Study(families.root).export(runs.loc[arm == name, "run_id"].iloc[-1], place / name)

    place = made_once(tmp_path_factory, "exported", make)
    return {name: place / name for name in FAMILY_ARMS}
