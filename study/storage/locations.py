"""Where results may lie: a local path, or one in any store that pyarrow's file systems open (s3://)."""

import hashlib
import math
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from pyarrow import ArrowException, fs

from study.errors import LedgerError, OutputError
from study.printer import without_keys
from study.storage.retries import Result, answered, reason, with_retries
from study.storage.user_cache import own_directory

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")

_PIECE = 4 * 2**20
"""Bytes read at a time."""


@dataclass(frozen=True, order=True)
class RemotePath:
    """A location in an object store, with as much of ``pathlib.Path`` as results need.

    There are no folders to make and nothing is renamed or appended to: a file appears whole or not at
    all. As text it is its URI without keys. Methods raise FileNotFoundError where there is no such file,
    and LedgerError where the store refuses, or fails for longer than it is retried.
    """

    store: str
    """Scheme and host, user and key included."""
    query: str
    key: str

    def __truediv__(self, below: str) -> "RemotePath":  # noqa: D105
        return RemotePath(self.store, self.query, f"{self.key}/{below}".lstrip("/"))

    def __str__(self) -> str:  # noqa: D105
        return without_keys(self.uri)

    def __repr__(self) -> str:  # noqa: D105
        return f"RemotePath({str(self)!r})"

    @property
    def uri(self) -> str:
        """The whole URI, for another process to open; it may hold a key, so it is never shown."""
        return f"{self.store}/{quote(self.key)}" + (f"?{self.query}" if self.query else "")

    @property
    def name(self) -> str:
        """The last part."""
        return self.key.rpartition("/")[2]

    @property
    def stem(self) -> str:
        """The last part without its ending."""
        return self.name.rpartition(".")[0] or self.name

    @property
    def parent(self) -> "RemotePath":
        """The location that this one is in."""
        return RemotePath(self.store, self.query, self.key.rpartition("/")[0])

    def is_file(self) -> bool:
        """Say whether there is a file here."""
        return bool(self._info().type == fs.FileType.File)

    exists = is_file

    def glob(self, pattern: str) -> Iterator["RemotePath"]:
        """Yield the files here whose names match."""
        for found in self._request(lambda system, path, allow: system.get_file_info(_within(path))):
            if found.type == fs.FileType.File and fnmatchcase(found.base_name, pattern):
                yield self / found.base_name

    def modified(self) -> float | None:
        """Return when the file here was written, in seconds since 1970 by the store's clock."""
        mtime = self._info().mtime
        return None if mtime is None else float(mtime.timestamp())

    def read_bytes(self, at_most: float = math.inf) -> bytes:
        """Return the file's content, of which above ``at_most`` bytes no more than a piece.

        Raises FileNotFoundError where there is none.
        """

        def read(system: Any, path: str, allow: Callable[[int], None]) -> bytes:
            parts, size = [], 0
            with system.open_input_stream(path) as stream:
                while size <= at_most and (part := stream.read(_PIECE)):
                    allow(len(part))
                    parts.append(part)
                    size += len(part)
            return b"".join(parts)

        return self._request(read)

    def write_bytes(self, content: bytes) -> None:
        """Write a file that appears whole or not at all."""

        def write(system: Any, path: str, allow: Callable[[int], None]) -> None:
            allow(len(content))
            with system.open_output_stream(path) as stream:
                stream.write(content)

        self._request(write)

    def unlink(self, missing_ok: bool = False) -> None:
        """Delete the file."""
        try:
            self._request(lambda system, path, allow: system.delete_file(path))
        except FileNotFoundError:
            if not missing_ok:
                raise

    def renamed(self, name: str) -> "RemotePath":
        """Give the file another name: a copy that appears whole, then this one goes."""
        target = self.parent / name
        target.write_bytes(self.read_bytes())
        self.unlink(missing_ok=True)
        return target

    def _info(self) -> Any:
        return self._request(lambda system, path, allow: system.get_file_info(path))

    def _request(self, action: Callable[[Any, str, Callable[[int], None]], Result]) -> Result:
        """Ask the store, with_retries."""
        try:
            system, base = _open(self.store, self.query)
        except (ArrowException, OSError, ValueError) as error:
            raise LedgerError(
                f"{self}: cannot be opened ({self._without_keys(reason(error))}); a local path is allowed, "
                "or a URI such as s3://bucket/study, gs://bucket/study, "
                "abfss://container@account.dfs.core.windows.net/study"
            ) from None
        path = f"{base.rstrip('/')}/{self.key}".rstrip("/")
        try:
            return with_retries(lambda: answered(lambda allow: action(system, path, allow)))
        except FileNotFoundError:
            raise
        except (ArrowException, OSError) as error:
            raise LedgerError(f"{self}: {self._without_keys(reason(error))}") from None

    def _without_keys(self, text: str) -> str:
        for secret in filter(None, (self.store, self.query)):
            text = text.replace(secret, "...")
        return text


Location = Path | RemotePath


def location(given: str | Location) -> Location:
    """Return the location that a path or a URI names; raises LedgerError for a URI that became a Path."""
    if isinstance(given, RemotePath):
        return given
    text = str(given)
    if not _URI.match(text):
        try:
            return Path(given).expanduser()
        except RuntimeError as error:  # No such user.
            raise LedgerError(f"{given}: {error}") from None
    if "://" not in text or isinstance(given, Path):
        raise LedgerError(
            f"{without_keys(text)}: is neither a path nor a URI; write a URI as text, such as s3://bucket/study"
        )
    parts = urlsplit(text)
    if _cut_secret(parts.netloc, parts.path):
        raise LedgerError(f"{without_keys(text)}: the secret has a / in it; write it as %2F")
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return RemotePath(f"{parts.scheme}://{parts.netloc}", parts.query, unquote(parts.path).strip("/"))


def _cut_secret(host: str, path: str) -> bool:
    """Return whether a URI's host ends within a secret: what follows its colon is no port."""
    port = host.rpartition("@")[2].partition(":")[2]
    return "@" in path and port != "" and not port.isdecimal()


def shown_location(given: str) -> str:
    """Return a path or URI as it may be shown: without the keys that a URI can hold."""
    if not _URI.match(given) or not {"@", "?"} & set(given):
        return given
    try:
        return str(location(given))
    except (ValueError, LedgerError):  # It is no URI; whatever it holds is not shown.
        return without_keys(given)


def holds_keys(given: str) -> bool:
    """Return whether a URI has a key, or an option that may be one."""
    return bool(_URI.match(given)) and _key_places(given) != _key_places(shown_location(given))


def local_path(given: str | Location) -> Path:
    """Return a path on this machine; raises OutputError for a URI, which would become a folder's name."""
    found = location(given)
    if isinstance(found, RemotePath):
        raise OutputError(f"{found}: is a URI; give a path on this machine")
    return found


def _key_places(uri: str) -> tuple[str, int]:
    """Return where a URI can have keys: its host, and how many options it has."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return uri, 0
    return parts.netloc, len(parse_qsl(parts.query))


def _within(path: str) -> fs.FileSelector:
    return fs.FileSelector(path, allow_not_found=True)


def files_in(folder: Location, pattern: str) -> list[Location]:
    """Return the files in a folder whose names match, by name; none where there is no such folder.

    Raises LedgerError where it cannot be read: it is not empty then.
    """
    if isinstance(folder, RemotePath):
        return sorted(folder.glob(pattern), key=lambda path: path.name)
    try:
        return [folder / name for name in sorted(os.listdir(folder)) if fnmatchcase(name, pattern)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise LedgerError(f"{folder}: cannot be read ({reason(error)})") from None


def renamed(path: Location, name: str) -> Location:
    """Rename a file in its folder; return its location."""
    return path.replace(path.with_name(name)) if isinstance(path, Path) else path.renamed(name)


def local_logs(root: Location) -> Path:
    """Return where the driver keeps logs: they are appended to, which an object store does not know."""
    if isinstance(root, Path):
        return root / "logs"
    digest = hashlib.sha256(str(root).encode()).hexdigest()[:8]
    own = own_directory(Path(tempfile.gettempdir()) / f"study-logs-{os.getuid()}")
    return own / f"{root.name}-{digest}"


@lru_cache
def _open(store: str, query: str) -> tuple[Any, str]:
    """Return the file system of a store, and what its paths begin with."""
    if store.startswith("s3:"):
        # A small file is then one request instead of three.
        query = "&".join(filter(None, (query, "allow_delayed_open=true")))
    uri = f"{store}?{query}" if query else store
    system, base = with_retries(lambda: answered(lambda allow: fs.FileSystem.from_uri(uri)))
    return system, base
