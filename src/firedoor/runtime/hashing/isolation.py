"""What a process gives up before it touches somebody's picture: the network, the disk, other programs, core dumps.

Decides what is given up and in which order, and says honestly what held. Namespaces of Linux hold even against a
decoder that was taken over; where they are not allowed, a hook refuses the same to Python code, which is less. Limits
of the process hold everywhere: no file is written, nothing started, no core dumped. Leaves what it does to `worker`.
"""

from __future__ import annotations

import ctypes
import os
import resource
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

# unshare(2): a view of its own for users, the network, mounts, and what processes share.
NEW_USER, NEW_NETWORK, NEW_MOUNTS, NEW_IPC = 0x10000000, 0x40000000, 0x00020000, 0x08000000
SET_DUMPABLE, NO_NEW_PRIVILEGES = 4, 38  # prctl(2)
REFUSED = (
    "open", "os.", "socket.", "subprocess.", "shutil.", "ctypes.", "tempfile.", "sqlite3.", "http.", "urllib.",
    "ftplib.", "smtplib.", "syslog.", "pty.", "mmap.", "fcntl.", "pathlib.", "glob.", "webbrowser.",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Held:
    """By what a process is kept from the network and from files: "namespace" (the kernel) or "hook" (Python)."""

    network: str
    files: str


def leave_the_network() -> bool:
    """Take a network that has nothing but its own loopback. Called while there is one thread.

    False where the system does not allow it.
    """
    if not sys.platform.startswith("linux"):
        return False
    library = ctypes.CDLL(None, use_errno=True)
    library.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    library.prctl(SET_DUMPABLE, 0, 0, 0, 0)
    if library.unshare(NEW_USER | NEW_NETWORK | NEW_MOUNTS | NEW_IPC) != 0:
        return False
    return [name for _, name in socket.if_nameindex()] == ["lo"]


def leave_the_rest(*, alone: bool, root: str, memory: int) -> Held:
    """Give up files, other programs, and memory beyond `memory` bytes more than is used now.

    `alone` is what `leave_the_network` said, `root` an empty folder. Whatever is needed later has been imported before.
    """
    used = _used()
    empty = alone and _root(root)
    for limit, value in (
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_AS, used + memory),
    ):
        resource.setrlimit(limit, (value, value))
    sys.addaudithook(_refuse)
    return Held("namespace" if alone else "hook", "namespace" if empty else "hook")


def _used() -> int:
    """Bytes of addresses that the process has; NumPy reserves far more than it uses."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return pages * resource.getpagesize()


def _root(folder: str) -> bool:
    try:
        os.chroot(folder)
        os.chdir("/")
    except OSError:
        return False
    return not any(Path("/").iterdir())


def _refuse(event: str, _: tuple[object, ...]) -> None:
    if event.startswith(REFUSED):
        raise PermissionError("a process that hashes pictures does nothing else")
