"""How many workers a machine has room for, in a container, too."""

import os
from pathlib import Path

import pytest

from study.training import cores


def lay(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text + "\n")


@pytest.mark.parametrize(
    ("process", "files", "found"),
    [
        ("0::/", {"cpu.max": "250000 100000"}, 2),
        ("0::/", {"cpu.max": "max 100000"}, 64),
        ("0::/", {"cpu.max": "20000 100000"}, 1),
        ("0::/a/b", {"a/cpu.max": "300000 100000", "a/b/cpu.max": "max 100000"}, 3),
        ("0::/a/b", {"a/cpu.max": "300000 100000", "a/b/cpu.max": "700000 100000"}, 3),
        ("0::/the/hosts/path", {"cpu.max": "400000 100000"}, 4),
        ("4:cpu,cpuacct:/", {"cpu/cpu.cfs_quota_us": "150000", "cpu/cpu.cfs_period_us": "50000"}, 3),
        ("4:cpu,cpuacct:/j", {"cpu/j/cpu.cfs_quota_us": "-1", "cpu/j/cpu.cfs_period_us": "100000"}, 64),
        ("5:memory:/j", {"cpu.max": "100000 100000"}, 64),
        ("0::/", {}, 64),
        ("0::/", {"cpu.max": "what"}, 64),
    ],
)
def test_quota_of_the_container_counts(
    process: str, files: dict[str, str], found: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay(tmp_path, {"process": process})
    lay(tmp_path / "mount", files)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(64)), raising=False)
    monkeypatch.setattr(cores, "_PROCESS", tmp_path / "process")
    monkeypatch.setattr(cores, "_MOUNT", tmp_path / "mount")
    assert cores.available_cores() == found


def test_affinity_counts_where_there_are_no_control_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3, 5}, raising=False)
    monkeypatch.setattr(cores, "_PROCESS", tmp_path / "nothing")
    assert cores.available_cores() == 2
