"""Join a Ray cluster, or start one on this machine, and see that all of it runs the same code."""

import contextlib
import logging
import os
import shutil
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

# Read by Ray at import.
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from study.errors import UserError
from study.search.identity import code_digest

_ANSWER_WITHIN = 10.0
_CODE_WITHIN = 120.0
_LOOK_EVERY = 0.2
_OBJECT_STORE = 200 * 2**20


@contextmanager
def ray_cluster(
    address: str | None, workers: int, logs: Path, go_on: str, *, gpus: bool = False
) -> Iterator[int]:
    """Join the Ray cluster at ``address``, or start one here; yields how many workers it has room for.

    With ``gpus`` each worker has one. The logs of a Ray that was started here are kept in ``logs``. Should
    it die, this process ends with status 1 and a line that names the command ``go_on``.

    A Ray that is running in this process already is used and left running. Raises UserError where
    there is no cluster at ``address``, or where a node of it has other code than this process.
    """
    ours = not ray.is_initialized()
    at_sigterm = signal.getsignal(signal.SIGTERM)
    with _off_the_terminal():
        if ours:
            _join(address, workers, workers if gpus else 0)
        if callable(at_sigterm) and threading.current_thread() is threading.main_thread():
            # Ray would abort with a stack trace; whoever asked to be told of SIGTERM is to be told.
            signal.signal(signal.SIGTERM, at_sigterm)
        try:
            if address is not None:
                _same_code_on_every_node()
            with _ending_with_ray(go_on) if ours and address is None else nullcontext():
                yield slots(gpus)
        finally:
            if ours:
                node = ray._private.worker._global_node
                kept = Path(node.get_logs_dir_path()) if node is not None else None
                ray.shutdown()
                if address is None and kept is not None and kept.is_dir():
                    # A disk that is full of results has no room for logs: no reason to fail.
                    with contextlib.suppress(OSError):
                        shutil.copytree(
                            kept, logs / "ray", dirs_exist_ok=True, ignore_dangling_symlinks=True
                        )


@contextmanager
def _ending_with_ray(go_on: str) -> Iterator[None]:
    """End this process when the Ray that was started here is dead.

    Nothing can be trained any more, and Ray would end the process itself: after a minute without its GCS,
    and without a word of how to go on.
    """
    node, over = ray._private.worker._global_node, threading.Event()

    def look() -> None:
        while not over.wait(_LOOK_EVERY):
            died = [kind for kind, _ in node.dead_processes() if kind in ("gcs_server", "raylet")]
            if died:
                try:
                    words = f"Ray's {died[0]} died; what is finished is kept, resume with: {go_on}"
                    print(f"\nstudy: {words}", file=sys.stderr, flush=True)
                    node.kill_all_processes(check_alive=False, allow_graceful=False)
                finally:
                    os._exit(1)

    looking = threading.Thread(target=look, name="is Ray alive", daemon=True)
    looking.start()
    try:
        yield
    finally:
        over.set()
        looking.join()


def slots(gpus: bool) -> int:
    """Return how many workers the cluster has room for, of a core each and, with ``gpus``, a GPU each."""
    there = ray.cluster_resources()
    return max(1, int(min(there.get(kind, 1) for kind in (("CPU", "GPU") if gpus else ("CPU",)))))


def other_code(expected: str) -> str:
    """Return a line that says how this node's code differs from the driver's; nothing where it does not."""
    here = code_digest()
    if here == expected:
        return ""
    return (
        f"the node {socket.gethostname()} has code {here} and the driver {expected}, so their rows would "
        "not go together; install the same version on all nodes, then go on with study resume"
    )


def _join(address: str | None, workers: int, gpus: int) -> None:
    quiet: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    if address is None:
        # A local cluster is ours alone: on loopback, without a dashboard, without a token file.
        os.environ.setdefault("RAY_AUTH_MODE", "disabled")
        with _on_loopback():
            ray.init(
                # Else Ray would join one that runs on this machine, and refuse the rest.
                address="local",
                num_cpus=workers,
                num_gpus=gpus,
                include_dashboard=False,
                object_store_memory=_OBJECT_STORE,
                **quiet,
            )
        return
    try:
        _knock(address)
        ray.init(address=address, **quiet)
    except (OSError, OverflowError, ValueError, RuntimeError, ImportError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"--address {address}: no Ray cluster there ({reason})") from None


@contextmanager
def _on_loopback() -> Iterator[None]:
    """Let a Ray that is started meanwhile listen on 127.0.0.1 alone.

    Ray has an address of its own for this machine, replaces a given 127.0.0.1 by it, and listens on all
    addresses then: anybody who can reach the machine could run code on it.
    """
    constants = ray._private.ray_constants
    before, constants.ENABLE_RAY_CLUSTER = constants.ENABLE_RAY_CLUSTER, False
    try:
        yield
    finally:
        constants.ENABLE_RAY_CLUSTER = before


def _knock(address: str) -> None:
    """Raise OSError where nobody answers at host:port; Ray itself would go on trying for many minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=_ANSWER_WITHIN).close()


def _same_code_on_every_node() -> None:
    """Raise UserError where a node that can train has other code than this process, or not this program.

    Nodes that join later are asked when their first worker starts.
    """
    ask = ray.remote(num_cpus=0, max_retries=0)(other_code)
    nodes = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]
    there = [NodeAffinitySchedulingStrategy(node["NodeID"], soft=False) for node in nodes]
    answers = [ask.options(scheduling_strategy=on).remote(code_digest()) for on in there]
    for node, answer in zip(nodes, answers, strict=True):
        try:
            refused = ray.get(answer, timeout=_CODE_WITHIN)
        except RayError as error:
            last = str(error).strip().splitlines()[-1]
            refused = (
                f"the node {node['NodeManagerHostname']} cannot run this program ({last}); install it there"
            )
        if refused:
            raise UserError(refused)


@contextmanager
def _off_the_terminal() -> Iterator[None]:
    """Send what Ray has to say (that a worker died, say) to the program's log."""

    def log(said: dict[str, Any], ignore_prefix: bool) -> None:
        logging.getLogger(__name__).error(" ".join(said["lines"]))

    of_ray = logging.getLogger("ray")
    handlers, printing = of_ray.handlers, ray._private.worker.print_to_stdstream
    of_ray.handlers, of_ray.propagate = [], True
    ray._private.worker.print_to_stdstream = log
    try:
        yield
    finally:
        of_ray.handlers, of_ray.propagate = handlers, False
        ray._private.worker.print_to_stdstream = printing
