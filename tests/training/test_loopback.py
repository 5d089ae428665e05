"""A Ray that a study starts is for this machine alone: whoever reaches its ports could run code."""

import ipaddress
import os
from contextlib import suppress
from pathlib import Path

import pytest

pytestmark = pytest.mark.waits

LISTENING = "0A"


def listening() -> dict[str, str]:
    """Socket number and address of everything that listens on TCP here."""
    found = {}
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        for line in table.read_text().splitlines()[1:] if table.exists() else ():
            words = line.split()
            if words[3] == LISTENING:
                found[words[9]] = address(words[1].partition(":")[0])
    return found


def address(hexadecimal: str) -> str:
    """An address as the kernel writes it: words of four bytes, each in the machine's order.

    IPv4 within IPv6 is written as IPv4.
    """
    words = [bytes.fromhex(hexadecimal[at : at + 8])[::-1] for at in range(0, len(hexadecimal), 8)]
    found = ipaddress.ip_address(b"".join(words))
    return str(getattr(found, "ipv4_mapped", None) or found)


def family() -> set[int]:
    """This process and all that it started."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            pid = int(entry.name)
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(pid)
    found = [os.getpid()]
    for pid in found:
        found += children.get(pid, [])
    return set(found)


def sockets(pid: int) -> set[str]:
    found = set()
    with suppress(OSError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                name = os.readlink(entry)
                if name.startswith("socket:["):
                    found.add(name[8:-1])
    return found


def test_addresses_are_read_as_the_kernel_writes_them() -> None:
    assert address("0100007F") == "127.0.0.1"
    assert address("0000000000000000FFFF00000100007F") == "127.0.0.1"
    assert address("0" * 32) == "::"


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs /proc")
def test_ray_on_this_machine_listens_on_loopback_alone(ray_here: int) -> None:
    ours = set().union(*(sockets(pid) for pid in family()))
    heard = {where for socket, where in listening().items() if socket in ours}
    assert heard
    assert heard <= {"127.0.0.1", "::1"}
