"""Waiting, wherever a test waits for a process, a server or another thread: as long as there is progress.

Decides when waiting is in vain: what was waited for has ended, or for `STILL` seconds nothing has moved (no word in the
log, no CPU time in the processes), or `GENEROUS` seconds have passed. How fast a machine is decides nothing. Leaves
what is looked for, and the words when it never comes, to whoever waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
STILL = 180.0  # seconds without any movement
GENEROUS = 900.0  # seconds in all; a test itself has twice as many
LOOK = 0.05


class Started(Protocol):
    """A process that was started: `subprocess.Popen` of any kind."""

    pid: int

    def poll(self) -> int | None: ...


class Waiting:
    """One wait. `go_on` raises AssertionError once it is in vain."""

    def __init__(self, process: Started | None, log: Path | None, otherwise: str | Callable[[], str]) -> None:
        self._process, self._log, self._otherwise = process, log, otherwise
        self._end = time.monotonic() + GENEROUS
        self._moved, self._seen = time.monotonic(), self._marks()

    def go_on(self) -> None:
        """Take note of progress."""
        if self._process is not None and self._process.poll() is not None:
            raise AssertionError(f"it ended with {self._process.poll()}: {self._words()}")
        now, marks = time.monotonic(), self._marks()
        if marks != self._seen:
            self._moved, self._seen = now, marks
        watched = self._process is not None or self._log is not None
        if now > self._end or (watched and now - self._moved > STILL):
            raise AssertionError(self._words())

    def _marks(self) -> tuple[int, int]:
        """What grows while something goes on: the log, and the CPU time of the process."""
        size = self._log.stat().st_size if self._log is not None and self._log.exists() else 0
        return size, _ticks(self._process.pid) if self._process is not None else 0

    def _words(self) -> str:
        return self._otherwise if isinstance(self._otherwise, str) else self._otherwise()


def until(
    look: Callable[[], T | None],
    process: Started | None = None,
    otherwise: str | Callable[[], str] = "it did not happen",
    log: Path | None = None,
) -> T:
    """Look until there is something to see, and return it."""
    waiting = Waiting(process, log, otherwise)
    while not (found := look()):
        waiting.go_on()
        time.sleep(LOOK)
    return found


async def soon(look: Callable[[], Awaitable[T | None]], otherwise: str | Callable[[], str] = "it did not happen") -> T:
    """The same in an event loop."""
    waiting = Waiting(None, None, otherwise)
    while not (found := await look()):
        waiting.go_on()
        await asyncio.sleep(LOOK)
    return found


def ended(process: subprocess.Popen[Any]) -> int:
    """Wait until a process that was told to end has; return how it did. One that does not is killed, and fails."""
    try:
        return process.wait(GENEROUS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


def stop(process: subprocess.Popen[Any], gentle: float = 30) -> None:
    """End a process of which nothing is wanted any more: asked, then killed."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(gentle)
    if process.poll() is None:
        process.kill()
        process.wait()


def _ticks(pid: int) -> int:
    """CPU time of a process and of those it has reaped; 0 where there is no such thing to read."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]))
    return 0
