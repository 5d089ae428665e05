"""How many cores this process may use: by its affinity, and by the quota of the container around it."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_PROCESS, _MOUNT = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")


def available_cores() -> int:
    """Return how many cores this process may use, at least one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, int(min([cores, *_quotas(_PROCESS, _MOUNT)])))


def _quotas(process: Path, mount: Path) -> Iterator[float]:
    """Yield the quota, in cores, of every control group that a process is in, and of those around them."""
    lines = process.read_text("utf-8").splitlines() if process.is_file() else []
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        top = mount / "cpu" if controllers else mount
        # In a container the group's path may be the host's, of which only the end is mounted.
        inner = top / group.strip("/")
        for folder in [inner, *inner.parents][: len(Path(group).parts)]:
            with suppress(OSError, ValueError, ZeroDivisionError):
                yield _quota(folder, new=not controllers)


def _quota(folder: Path, *, new: bool) -> float:
    """Return the quota of one group by version 2 of the interface (``new``) or 1; raises ValueError."""
    if new:
        quota, period = (folder / "cpu.max").read_text("utf-8").split()
    else:
        quota, period = ((folder / f"cpu.cfs_{name}_us").read_text("utf-8") for name in ("quota", "period"))
    cores = int(quota) / int(period)  # "max" is no number: there is no quota.
    if cores <= 0:
        raise ValueError("no quota")
    return cores
