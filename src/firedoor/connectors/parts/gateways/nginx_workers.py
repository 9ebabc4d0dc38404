"""The worker processes of an nginx on this machine, as Linux shows them: which listen, which only drain, since when.

Decides how a worker is recognised: a child of the master whose title begins with "nginx: worker process"; one that is
shutting down says so in its title (nginx sets both). Needs the same PID namespace and no right beside reading /proc.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from firedoor.core.problems import Problem, Unanswered

_TITLE = "nginx: worker process"
_TICK = 1 / os.sysconf("SC_CLK_TCK")  # seconds; proc(5), field 22 of stat


@dataclass(frozen=True)
class Worker:
    """A worker. `started_at` is in seconds of the system clock, right to a hundredth or so, never too early."""

    pid: int
    started_at: float
    drains: bool


def master(pid_file: Path) -> int:
    """Return the process id of a running master. Raises Unanswered when there is none."""
    try:
        pid = int(pid_file.read_text().strip())
        if not Path(f"/proc/{pid}").exists():
            raise ProcessLookupError(0, f"no process has the number {pid}")
    except (OSError, ValueError) as error:
        do = "see whether nginx runs on this machine and pid_file is the one of its configuration; nothing was changed"
        message = f"{pid_file}: {getattr(error, 'strerror', None) or 'it holds no process number'}"
        raise Unanswered(Problem(code="K213", message=message, do=do)) from None
    return pid


def listening(master_pid: int) -> list[Worker]:
    """Return the workers that take new connections."""
    return [worker for worker in _workers(master_pid) if not worker.drains]


def draining(master_pid: int) -> list[Worker]:
    """Return the workers that only finish what they began."""
    return [worker for worker in _workers(master_pid) if worker.drains]


def _workers(master_pid: int) -> list[Worker]:
    boot = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    found = (_worker(int(entry.name), master_pid, boot) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [worker for worker in found if worker is not None]


def _worker(pid: int, master_pid: int, boot: float) -> Worker | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        if int(fields[1]) != master_pid:
            return None
        title = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except (OSError, IndexError, ValueError):
        return None  # it ended while we looked
    started_at = boot + (int(fields[19]) + 1) * _TICK
    return Worker(pid, started_at, "shutting down" in title) if title.startswith(_TITLE) else None
