"""Results that may be read and not written, such as another user's, can be looked at."""

import os
from pathlib import Path
from typing import Any

import pytest

from study.api import Study
from study.errors import OutputError
from study.results.directory import ResultsDirectory


def snapshot(root: Path) -> dict[Path, tuple[int, int]]:
    stats = {path: path.stat() for path in [root, *root.rglob("*")]}
    return {path: (stat.st_mtime_ns, stat.st_size) for path, stat in stats.items()}


@pytest.fixture
def read_only(tiny_copy: ResultsDirectory, monkeypatch: pytest.MonkeyPatch) -> ResultsDirectory:
    """The study TINY where nothing may be opened for writing: permissions would not bind the superuser."""
    assert isinstance(tiny_copy.root, Path)
    with tiny_copy.locked():
        pass
    plain = os.open

    def refusing(path: Any, flags: int, *more: Any, **options: Any) -> int:
        if Path(path).is_relative_to(tiny_copy.root) and flags & (os.O_RDWR | os.O_WRONLY | os.O_CREAT):
            raise PermissionError(13, "Permission denied", str(path))
        return plain(path, flags, *more, **options)

    monkeypatch.setattr(os, "open", refusing)
    return tiny_copy


@pytest.mark.usefixtures("without_figures")
def test_status_select_and_a_report_elsewhere_write_nothing(
    read_only: ResultsDirectory, tmp_path: Path
) -> None:
    assert isinstance(read_only.root, Path)
    before = snapshot(read_only.root)
    study = Study(read_only.root)
    assert study.status().state == "finished"
    assert study.select().finished == 20
    assert study.report(tmp_path / "report").is_file()
    assert snapshot(read_only.root) == before


def test_a_driver_at_work_is_seen(read_only: ResultsDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OutputError, match="cannot be written"), read_only.locked():
        pass
    monkeypatch.undo()
    with read_only.locked():
        assert read_only.is_locked()
        assert read_only.is_locked()
    assert not read_only.is_locked()
