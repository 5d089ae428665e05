"""Storage that has no room, or is not to be written: one line, what is finished stays, resume completes."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from study.errors import UserError
from study.results.directory import ResultsDirectory
from study.training.launch import launch
from tests.worlds.small_study import TINY, assert_same_rows, config_of, finished_packs, resume

pytestmark = pytest.mark.waits


@pytest.fixture(params=["in this process", "on Ray"])
def in_process(request: pytest.FixtureRequest) -> bool:
    if request.param == "on Ray":
        request.getfixturevalue("ray_here")
    return bool(request.param == "in this process")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MiB, where one may be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)]
    try:
        mounted = os.geteuid() == 0 and subprocess.run(words, capture_output=True).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("no disk may be mounted here")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def assert_completes(directory: ResultsDirectory, finished: set[str], expected: ResultsDirectory) -> None:
    assert finished_packs(directory) >= finished
    assert resume(directory, in_process=True, log=lambda text: None)
    rows, broken = directory.read_runs()
    assert broken == []
    assert_same_rows(rows, expected.read_runs()[0])


def test_a_full_disk_is_one_line_and_keeps_what_is_finished(
    small_disk: Path, in_process: bool, tiny_results: ResultsDirectory
) -> None:
    assert isinstance(tiny_results.root, Path)
    needed = sum(path.stat().st_blocks * 512 for path in tiny_results.root.rglob("*") if path.is_file())
    directory = ResultsDirectory(small_disk / "results")
    filler = small_disk / "filler"
    filler.write_bytes(b"\1" * (4 * 2**20 - needed * 6 // 10))
    with pytest.raises(UserError, match="No space left on device") as raised:
        launch(config_of(TINY), directory, in_process=in_process, log=lambda text: None)
    assert "\n" not in str(raised.value)
    finished = finished_packs(directory)
    assert len(finished) < 6
    assert not [path for path in small_disk.rglob("*.part") if path.is_file()]
    filler.unlink()
    assert_completes(directory, finished, tiny_results)


def test_a_place_that_cannot_be_written_stops_the_study_and_is_no_packs_fault(
    results: ResultsDirectory, in_process: bool, tiny_results: ResultsDirectory
) -> None:
    assert isinstance(results.root, Path)
    results.root.mkdir()
    in_the_way = results.root / "outcomes"
    in_the_way.write_text("")
    with pytest.raises(UserError, match=r"outcomes/.*parquet: cannot be written"):
        launch(config_of(TINY), results, in_process=in_process, log=lambda text: None)
    assert results.read_runs()[0].empty
    in_the_way.unlink()
    assert_completes(results, set(), tiny_results)
