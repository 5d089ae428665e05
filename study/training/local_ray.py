"""A Ray for this process alone: who may talk to it, where its files lie, and how it ends."""

import contextlib
import ctypes
import logging
import os
import secrets
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from study import printer
from study.errors import UserError
from study.storage.temporary import temporary_folder

if sys.flags.optimize > 1:
    raise UserError("Ray cannot be imported without docstrings; run Python without -OO")

# Read by Ray at import.
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

import ray
from ray.exceptions import RayError

GCS_SILENT = 30.0
"""Seconds without an answer after which Ray's control process counts as dead."""
_LOOK_EVERY = 0.2
_PING_EVERY = 2.0
_OBJECT_STORE = 200 * 2**20
_LONGEST_SOCKET = 100
_SOCKET_BELOW = len("/study-12345678/ray/session_2026-01-01_00-00-00_000000_1234567/sockets/plasma_store")


@contextmanager
def local_ray(workers: int, gpus: int, logs: Path) -> Iterator[None]:
    """Start a Ray that is ours alone: on loopback, with a token, in a directory of its own."""
    with _session_folder() as folder, _random_token():
        try:
            with own_sigterm(), _on_loopback():
                ray.init(
                    # Else Ray would join one that runs on this machine, and refuse the rest.
                    address="local",
                    num_cpus=workers,
                    num_gpus=gpus,
                    include_dashboard=False,
                    object_store_memory=_OBJECT_STORE,
                    # Ray opens it to all; what it lies in is ours.
                    _temp_dir=str(folder / "ray"),
                    logging_level=logging.ERROR,
                    log_to_driver=False,
                )
            yield
        finally:
            node = ray._private.worker._global_node
            if node is not None:
                # Nothing of it is needed any more, and an interrupted driver has two seconds.
                node.kill_all_processes = partial(_kill_at_once, node.kill_all_processes)
            shut_down()
            _keep_logs(folder / "ray", logs / "ray")


def shut_down() -> None:
    """Leave Ray, and keep this process's handler of SIGTERM, which Ray would take away."""
    with own_sigterm():
        ray.shutdown()


def _kill_at_once(kill: Any, **ignored: bool) -> None:
    kill(check_alive=False, allow_graceful=False)


@contextmanager
def _session_folder() -> Iterator[Path]:
    """Make a directory of ours for Ray's files, with a name that leaves room for its sockets'."""
    base = os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()
    if len(os.fsencode(base)) + _SOCKET_BELOW > _LONGEST_SOCKET:
        base = "/tmp"
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(temporary_folder("study-", Path(base)))
        except OSError as error:
            raise UserError(
                f"{base}: cannot be written ({error.strerror}); set TMPDIR to a writable directory"
            ) from None
        yield folder


def _keep_logs(session: Path, kept: Path) -> None:
    """Copy Ray's logs, no link among them. A disk that is full of results has no room for logs."""

    def links(folder: str, names: list[str]) -> set[str]:
        return {name for name in names if Path(folder, name).is_symlink()}

    for written in session.glob("session_2*/logs"):
        with contextlib.suppress(OSError):
            shutil.copytree(written, kept, dirs_exist_ok=True, ignore=links)


@contextmanager
def _random_token() -> Iterator[None]:
    """Let only processes that know a new random token talk to a Ray that is started meanwhile.

    All users of a machine share its loopback, and whoever reaches Ray's control process runs code as us.
    """
    ours = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    before = {name: os.environ.get(name) for name in ours}
    _set_environment(ours)
    try:
        yield
    finally:
        _set_environment(before)


def _set_environment(wanted: Mapping[str, str | None]) -> None:
    for name, value in wanted.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    _read_again()


def _read_again() -> None:
    """Have Ray read mode and token again: it does so once."""
    ray._raylet.Config.initialize("")
    ray._raylet.AuthenticationTokenLoader.instance().reset_cache()


@contextmanager
def own_sigterm() -> Iterator[None]:
    """Keep this process's handler of SIGTERM while Ray starts or ends.

    Ray's own ends the process with a stack trace or 15, and when Ray ends there is none.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    libc, kept = ctypes.CDLL(None), ctypes.create_string_buffer(1024)
    libc.sigaction(signal.SIGTERM, None, kept)
    at_sigterm, over = signal.getsignal(signal.SIGTERM), threading.Event()
    set_handler = ray._private.utils.set_sigterm_handler

    def keep() -> None:
        while not over.wait(0.002):
            libc.sigaction(signal.SIGTERM, kept, None)

    keeping = threading.Thread(target=keep, name="SIGTERM", daemon=True)
    ray._private.utils.set_sigterm_handler = lambda handler: None
    keeping.start()
    try:
        yield
    finally:
        over.set()
        keeping.join()
        ray._private.utils.set_sigterm_handler = set_handler
        signal.signal(signal.SIGTERM, at_sigterm)


@contextmanager
def _on_loopback() -> Iterator[None]:
    """Let a Ray that is started meanwhile listen on 127.0.0.1 alone.

    Ray has an address of its own for this machine, replaces a given 127.0.0.1 by it, and listens on all
    addresses then: whoever can reach the machine could run code on it.
    """
    constants = ray._private.ray_constants
    before, constants.ENABLE_RAY_CLUSTER = constants.ENABLE_RAY_CLUSTER, False
    try:
        yield
    finally:
        constants.ENABLE_RAY_CLUSTER = before


@contextmanager
def ending_with_ray(resume: str) -> Iterator[None]:
    """End this process when the Ray of this process is dead, or stopped.

    Nothing can be trained any more, and Ray would end the process itself: after a minute without its GCS,
    and without a word of how to resume.
    """
    node, over = ray._private.worker._global_node, threading.Event()

    def look() -> None:
        answered = pinged = time.monotonic()
        while not over.wait(_LOOK_EVERY):
            died = [f"{kind} died" for kind, _ in node.dead_processes() if kind in ("gcs_server", "raylet")]
            if not died and time.monotonic() - pinged > _PING_EVERY:
                with contextlib.suppress(RayError):
                    node.get_gcs_client().get_all_node_info(timeout=_PING_EVERY)
                    answered = time.monotonic()
                pinged = time.monotonic()
            if not died and time.monotonic() - answered > GCS_SILENT:
                died = [f"gcs_server gave no sign for {GCS_SILENT:.0f} s"]
            if died and not over.is_set():
                try:
                    printer.log(
                        f"\nstudy: Ray's {died[0]}; what is finished is kept, resume with: {resume}"
                    )
                    node.kill_all_processes(check_alive=False, allow_graceful=False)
                finally:
                    os._exit(1)

    looking = threading.Thread(target=look, name="is Ray alive", daemon=True)
    looking.start()
    try:
        yield
    finally:
        over.set()
