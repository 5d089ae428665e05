"""Join a Ray cluster, or start one on this machine, and check that all of it runs the same code."""

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import AuthenticationError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from study.errors import UserError
from study.search.identity import code_digest
from study.training.local_ray import ending_with_ray, local_ray, own_sigterm, shut_down

_ANSWER_WITHIN = 10.0
_CODE_WITHIN = 120.0


@contextmanager
def ray_cluster(
    address: str | None, workers: int, logs: Path, resume: str, *, gpus: bool = False
) -> Iterator[int]:
    """Join the Ray cluster at ``address``, or start one here; yields how many workers it has room for.

    With ``gpus`` each worker has one. The logs of a Ray that was started here are kept in ``logs``. Should
    it die, this process ends with status 1 and a line that names the command ``resume``.

    A Ray that is running in this process already is used and left running. Raises UserError where
    there is no cluster at ``address``, or where a node of it has other code than this process.
    """
    with ExitStack() as stack:
        stack.enter_context(_off_the_terminal())
        if not ray.is_initialized():
            if address is None:
                stack.enter_context(local_ray(workers, workers if gpus else 0, logs))
                stack.enter_context(ending_with_ray(resume))
            else:
                stack.callback(shut_down)
                _join(address)
        if address is not None:
            _same_code_on_every_node()
        yield slots(gpus)


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
        "not go together; install the same version on all nodes, then use study resume"
    )


def _join(address: str) -> None:
    # Only a cluster found by itself would be asked for its token.
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    ray._raylet.Config.initialize("")
    with own_sigterm():
        try:
            _knock(address)
            ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False)
        except AuthenticationError:
            raise UserError(
                f"--address {address}: the cluster's token is missing or another one; put it into "
                "~/.ray/auth_token, or name its file in RAY_AUTH_TOKEN_PATH"
            ) from None
        except (OSError, OverflowError, ValueError, RuntimeError, ImportError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise UserError(f"--address {address}: no Ray cluster there ({reason})") from None


def _knock(address: str) -> None:
    """Raise OSError where host:port does not answer; Ray itself would try for many minutes."""
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
    """Send Ray's messages (that a worker died, say) to the program's log."""

    def log(message: dict[str, Any], ignore_prefix: bool) -> None:
        logging.getLogger(__name__).error(" ".join(message["lines"]))

    of_ray = logging.getLogger("ray")
    handlers, printing = of_ray.handlers, ray._private.worker.print_to_stdstream
    of_ray.handlers, of_ray.propagate = [], True
    ray._private.worker.print_to_stdstream = log
    try:
        yield
    finally:
        of_ray.handlers, of_ray.propagate = handlers, False
        ray._private.worker.print_to_stdstream = printing
