"""An object store for tests: an S3 server on loopback, and before it a proxy that makes trouble."""

import http.client
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Trouble = Callable[[BaseHTTPRequestHandler], bool]
"""Does something to a request; says whether that was its answer, so that it goes no further."""


@dataclass
class Store:
    """What lies in ``bucket`` behind a proxy at ``port``, and what was asked of it."""

    port: int
    bucket: str
    asked: list[str] = field(default_factory=list)
    """``METHOD name`` of every request, the name within the bucket."""
    _troubles: list[tuple[str, Trouble]] = field(default_factory=list)

    def uri(self, name: str) -> str:
        """The URI of a place in the bucket, with keys and endpoint."""
        options = f"endpoint_override=127.0.0.1:{self.port}&scheme=http&region=us-east-1"
        return f"s3://testing:hush@{self.bucket}/{name}?{options}"

    @contextmanager
    def trouble(self, pattern: str, make: Trouble) -> Iterator[None]:
        """Let ``make`` handle the requests that match, such as ``PUT .*/runs/``."""
        entry = (pattern, make)
        self._troubles.append(entry)
        try:
            yield
        finally:
            self._troubles.remove(entry)

    def handle(self, request: BaseHTTPRequestHandler) -> bool:
        name = re.sub(rf"^/{self.bucket}/?|^/", "", request.path)
        words = f"{request.command} {name}"
        self.asked.append(words)
        made = [make for pattern, make in self._troubles if re.match(pattern, words)]
        return any(make(request) for make in made)


def answers(status: int, *, times: int = 10**9) -> Trouble:
    """Answer so many requests with an error."""
    left = [times]

    def make(request: BaseHTTPRequestHandler) -> bool:
        if left[0] <= 0:
            return False
        left[0] -= 1
        body = b"" if request.command == "HEAD" else f"<Error><Code>{status}</Code></Error>".encode()
        request.rfile.read(int(request.headers.get("Content-Length") or 0))
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        request.send_header("Content-Type", "application/xml")
        request.end_headers()
        request.wfile.write(body)
        return True

    return make


def slow(seconds: float) -> Trouble:
    """Answer late."""

    def make(request: BaseHTTPRequestHandler) -> bool:
        time.sleep(seconds)
        return False

    return make


def hangs_up(*, times: int = 10**9) -> Trouble:
    """Close the connection in the middle of a request."""
    left = [times]

    def make(request: BaseHTTPRequestHandler) -> bool:
        if left[0] <= 0:
            return False
        left[0] -= 1
        request.rfile.read(int(request.headers.get("Content-Length") or 0) // 2)
        request.close_connection = True
        return True

    return make


def hangs(over: threading.Event) -> Trouble:
    """Never answer, until ``over``."""

    def make(request: BaseHTTPRequestHandler) -> bool:
        request.close_connection = True
        return over.wait()

    return make


def drips(over: threading.Event) -> Trouble:
    """Send the headers of an answer byte by byte, without an end, until ``over``."""

    def make(request: BaseHTTPRequestHandler) -> bool:
        request.close_connection = True
        request.wfile.write(b"HTTP/1.1 200 OK\r\nX-Dripping: ")
        while not over.wait(0.02):
            request.wfile.write(b"x")
        return True

    return make


@contextmanager
def serving() -> Iterator[Callable[[str], Store]]:
    """Serve S3; yields what makes a new bucket with a proxy of its own."""
    script = Path(__file__).with_name("s3_server.py")
    server = subprocess.Popen(
        [sys.executable, str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    proxies: list[ThreadingHTTPServer] = []
    try:
        assert server.stdout is not None
        upstream = int(server.stdout.readline())

        def make(bucket: str) -> Store:
            proxy = ThreadingHTTPServer(("127.0.0.1", 0), _Proxy)
            proxy.daemon_threads = True
            store = Store(proxy.server_port, bucket)
            proxy.upstream, proxy.store = upstream, store  # type: ignore[attr-defined]
            proxies.append(proxy)
            threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True).start()
            connection = http.client.HTTPConnection("127.0.0.1", upstream)
            connection.request("PUT", f"/{bucket}")
            assert connection.getresponse().status == 200
            connection.close()
            return store

        yield make
    finally:
        for proxy in proxies:
            proxy.shutdown()
            proxy.server_close()
        server.communicate("")


class _Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _forward(self) -> None:
        store: Store = self.server.store  # type: ignore[attr-defined]
        if store.handle(self):
            return
        body = self._body()
        connection = http.client.HTTPConnection("127.0.0.1", self.server.upstream)  # type: ignore[attr-defined]
        try:
            own = ("expect", "connection", "transfer-encoding", "content-length")
            headers = {name: value for name, value in self.headers.items() if name.lower() not in own}
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            content = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in (
                    "transfer-encoding",
                    "connection",
                    "content-length",
                    "date",
                    "server",
                ):
                    self.send_header(name, value)
            length = answer.getheader("Content-Length") if self.command == "HEAD" else None
            self.send_header("Content-Length", length or str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            connection.close()

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _forward  # noqa: N815

    def _body(self) -> bytes:
        if "chunked" in (self.headers.get("Transfer-Encoding") or ""):
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def log_message(self, format: str, *args: Any) -> None:
        pass
