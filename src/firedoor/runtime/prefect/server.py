"""The private Prefect server as a child process: started, watched, restarted, ended.

Decides when the server counts as ready and how long to wait before the next start. Never blocks its caller: the rest
of Firedoor works without the server and asks for `state`. A server given by the user is watched and never touched.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import httpx

from firedoor.runtime.patience import Patience, cpu_ticks
from firedoor.runtime.prefect.settings import PrefectSettings, taken

State = Literal["starting", "ready", "away"]

POLL_STARTING = 0.2  # seconds between two looks while it starts
POLL_READY = 1.0
# A fresh database needs 4 to 14 seconds, on a busy machine many more: one that works on it is given all it needs.
DEAF = 5  # looks in a row without an answer before a live process counts as hung
RESTART_FIRST, RESTART_MOST = 0.5, 30.0  # seconds before a restart, doubled each time
GRACE = 5.0  # seconds between SIGTERM and SIGKILL

log = logging.getLogger(__name__)


class PrefectServer:
    """Keeps one server running. `start` returns at once; `stop` leaves nothing behind."""

    def __init__(self, settings: PrefectSettings, changed: Callable[[State], None] | None = None) -> None:
        self.settings = settings
        self.state: State = "away"
        self._changed = changed
        self._process: subprocess.Popen[bytes] | None = None
        self._watch: asyncio.Task[None] | None = None
        self._said: State = "away"

    @property
    def pid(self) -> int | None:
        """The process id of the running child, None without one."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        """Begin to start (or only to watch, where the server is the user's). Needs a running event loop."""
        self._set("starting")
        self._watch = asyncio.get_running_loop().create_task(self._keep_running())

    async def stop(self) -> None:
        """End the watch and the child: SIGTERM, then SIGKILL to its whole process group."""
        if self._watch:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
        await self._end_child()
        self._set("away")

    async def _keep_running(self) -> None:
        wait = RESTART_FIRST
        while True:
            if self.settings.private:
                self._spawn()
            if await self._watch_until_away():
                wait = RESTART_FIRST  # it has worked, so this is a new trouble
            await self._end_child()
            self._set("away")
            await asyncio.sleep(wait)
            wait = min(wait * 2, RESTART_MOST)
            self._set("starting")

    def _spawn(self) -> None:
        self.settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        _end_stale(self.settings)
        if self.settings.port and taken(self.settings.port):
            log.warning("port %s of this machine is taken; the Prefect server cannot start there", self.settings.port)
        with self.settings.log_file.open("ab") as words:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "firedoor.runtime.prefect.server_process"],
                stdin=subprocess.PIPE,  # its end tells the child that we are gone
                stdout=words,
                stderr=subprocess.STDOUT,
                env=os.environ | self.settings.server_environment(),
                start_new_session=True,  # the terminal's Ctrl-C is for us; we end the child ourselves
            )
        (self.settings.home / "server.pid").write_text(str(self._process.pid))

    async def _watch_until_away(self) -> bool:
        """Return when the server is gone; True if it was ready in between."""
        patience, silent = Patience(self._marks), 0
        async with httpx.AsyncClient(timeout=2.0, trust_env=False) as client:
            while self._process is None or self._process.poll() is None:
                if await self._answers(client):
                    silent = 0
                    self._set("ready")
                elif self.state == "ready" and (silent := silent + 1) >= DEAF:
                    log.warning("the Prefect server does not answer")
                    return True
                elif self.state != "ready" and patience.lost():
                    return False
                await asyncio.sleep(POLL_READY if self.state == "ready" else POLL_STARTING)
        if self.state == "ready":
            log.warning("the Prefect server has ended; its words are in %s", self.settings.log_file)
        return self.state == "ready"

    def _marks(self) -> tuple[int, int]:
        """What moves while the child starts: its CPU time and its words. The user's own server is only asked."""
        log = self.settings.log_file
        return cpu_ticks(self.pid) if self.pid else 0, log.stat().st_size if log.exists() else 0

    async def _answers(self, client: httpx.AsyncClient) -> bool:
        try:
            return (await client.get(f"{self.settings.api_url}/health")).status_code == 200
        except httpx.HTTPError:
            return False

    async def _end_child(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for number, seconds in ((signal.SIGTERM, GRACE), (signal.SIGKILL, GRACE)):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            if await _ended(process, seconds):
                break
        if process.stdin:
            process.stdin.close()
        (self.settings.home / "server.pid").unlink(missing_ok=True)

    def _set(self, state: State) -> None:
        if state == self.state:
            return
        self.state = state
        if state not in ("starting", self._said):  # once, however often it is tried again
            self._said = state
            log.info("Prefect is %s", state)
        if self._changed:
            self._changed(state)


async def _ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    for _ in range(int(seconds / 0.05)):
        if process.poll() is not None:
            return True
        await asyncio.sleep(0.05)
    return False


def _end_stale(settings: PrefectSettings) -> None:
    """End a server that an earlier Firedoor left on this data directory, if both its ropes broke."""
    note = settings.home / "server.pid"
    try:
        pid = int(note.read_text())
        ours = b"firedoor.runtime.prefect.server_process" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return
    if ours and pid != os.getpid():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
