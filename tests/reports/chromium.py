"""A real browser: opens a page, does in it what a person would, and says what is then seen."""

import base64
import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars")
# DevTools speak through the descriptors 3 and 4.
START = """import os, sys
for given, wanted in zip(map(int, sys.argv[1:3]), (3, 4)): os.dup2(given, wanted)
os.execv(sys.argv[3], sys.argv[3:])"""
DRAWN = "await new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"
KEYS = {"Tab": 9, "Enter": 13, " ": 32, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}


class Tab:
    """One page in a browser that runs.

    Attributes:
        requests: the addresses of everything that the page asked for, its own first.
        errors: what its scripts threw or wrote as an error.
    """

    def __init__(self, read: BinaryIO, write: BinaryIO) -> None:
        self._read, self._write, self._numbers = read, write, itertools.count(1)
        self._rest, self._session, self._loaded = b"", None, False
        self.requests: list[str] = []
        self.errors: list[str] = []
        (first,) = (t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=first["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> Any:
        """One command of the DevTools protocol."""
        number = next(self._numbers)
        sent = {"id": number, "method": method, "params": params}
        self._write.write(
            json.dumps(sent | ({"sessionId": self._session} if self._session else {})).encode() + b"\0"
        )
        self._write.flush()
        while True:
            message = self._next()
            if message.get("id") == number:
                assert "error" not in message, message["error"]
                return message["result"]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            more = os.read(self._read.fileno(), 1 << 20)
            assert more, "the browser has ended"
            self._rest += more
        text, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        match message.get("method"), message.get("params", {}):
            case "Page.loadEventFired", _:
                self._loaded = True
            case "Network.requestWillBeSent", {"request": {"url": url}}:
                self.requests.append(url)
            case "Runtime.exceptionThrown", {"exceptionDetails": details}:
                self.errors.append(str(details.get("exception", details).get("description", details)))
            case "Log.entryAdded", {"entry": {"level": "error", "text": said}}:
                self.errors.append(said)
        return message

    def open(self, address: str | Path, ready: str = "true", scripts: bool = True) -> None:
        """Go to another page, with or without its scripts; wait until `ready` holds in it."""
        self._loaded = False
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.call("Page.navigate", url=address.as_uri() if isinstance(address, Path) else address)
        while not self._loaded:
            self._next()
        self.call("Emulation.setScriptExecutionDisabled", value=False)
        self.until(ready)

    def until(self, condition: str) -> None:
        """Wait, frame by frame, until an expression holds."""
        self.do(f"while (!({condition})) await new Promise(requestAnimationFrame)")

    def do(self, body: str) -> Any:
        """What the body of an asynchronous function returns in the page, when its next frame is drawn."""
        inner = f"await (async () => {{ {body} }})()"
        code = f"(async () => {{ const found = {inner}; {DRAWN}; return found; }})()"
        result = self.call("Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]["exception"]["description"]
        return result["result"].get("value")

    def size(self, width: int, height: int = 800) -> None:
        """Give the page a window of so many pixels."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def media(self, kind: str = "screen", scheme: str = "light") -> None:
        """Show the page on a screen or as `print`; in a light or dark colour scheme."""
        self.call(
            "Emulation.setEmulatedMedia",
            media=kind,
            features=[{"name": "prefers-color-scheme", "value": scheme}],
        )

    def click(self, x: float, y: float) -> None:
        """Click there, in pixels of the window."""
        self.move(x, y)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def move(self, x: float, y: float) -> None:
        """Move the pointer there."""
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def press(self, key: str, times: int = 1, shift: bool = False) -> None:
        """Press a key of `KEYS`."""
        text = {"text": "\r"} if key == "Enter" else {"text": " "} if key == " " else {}
        named = {"key": key, "code": "Space" if key == " " else key, "windowsVirtualKeyCode": KEYS[key]}
        for _ in range(times):
            self.call("Input.dispatchKeyEvent", type="keyDown", modifiers=8 * shift, **named, **text)
            self.call("Input.dispatchKeyEvent", type="keyUp", modifiers=8 * shift, **named)

    def screenshot(self, path: Path, whole: bool = False) -> None:
        """Save what is seen as a PNG; `whole` is the page from top to bottom."""
        taken = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(taken["data"]))


@contextmanager
def chromium(folder: Path, *flags: str) -> Iterator[Tab]:
    """A page in a browser whose profile is in `folder`; skips the test where there is no browser."""
    browser = next(filter(None, map(shutil.which, NAMES)), None)
    if browser is None:
        pytest.skip("no Chromium on the path")
    (read_in, write_in), (read_out, write_out) = os.pipe(), os.pipe()
    command = [
        sys.executable,
        "-c",
        START,
        str(read_in),
        str(write_out),
        browser,
        *FLAGS,
        "--remote-debugging-pipe",
    ]
    command += [
        "--host-resolver-rules=MAP * ~NOTFOUND",
        f"--user-data-dir={folder / 'profile'}",
        *flags,
        "about:blank",
    ]
    started = subprocess.Popen(command, pass_fds=(read_in, write_out), stderr=subprocess.DEVNULL)
    for end in (read_in, write_out):
        os.close(end)
    try:
        with os.fdopen(read_out, "rb") as read, os.fdopen(write_in, "wb") as write:
            yield (tab := Tab(read, write))
            tab.call("Browser.close")
    finally:
        try:
            started.wait(10)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()
