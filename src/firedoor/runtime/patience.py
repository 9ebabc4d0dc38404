"""Waiting for a process as long as it gets somewhere: how fast a machine is must not decide what becomes of it.

Decides when waiting is in vain: nothing has moved for a while (no CPU time was used, no word written), or a very long
time has passed. Leaves what is waited for, and what is done then, to whoever waits.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Hashable
from pathlib import Path

STILL = 120.0  # seconds without any movement
IN_ALL = 900.0


class Patience:
    """One wait. `marks` are whatever changes while something goes on."""

    def __init__(self, marks: Callable[[], Hashable], still: float = STILL, in_all: float = IN_ALL) -> None:
        self._marks, self._still, self._end = marks, still, time.monotonic() + in_all
        self._seen, self._moved = marks(), time.monotonic()

    def lost(self) -> bool:
        """Take note of what has moved; say whether waiting is in vain."""
        now, marks = time.monotonic(), self._marks()
        if marks != self._seen:
            self._seen, self._moved = marks, now
        return now > self._end or now - self._moved > self._still


def cpu_ticks(pid: int) -> int:
    """CPU time that a process and those it has reaped have used; 0 where nothing tells."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]))
    return 0
