"""Real processes for the proof of durability: Firedoor, Prefect, PostgreSQL, and far ends that count.

Decides how a process is started, killed with SIGKILL, started again and ended. Every one
is known by its id and ends with `Supervisor.close`. Leaves what they are killed for to
`matrix` and `soak`.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
from tests.support.prefect_home import prefect_home

from firedoor.runtime.prefect.settings import PrefectSettings

T = TypeVar("T")
LOOK = 0.05
FIREDOOR = ("-m", "firedoor.interfaces.cli.main")


@dataclass
class Supervised:
    """One process, and the command that starts it again."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    address: str = ""
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    kills: int = 0

    def start(self, **more: str) -> None:
        """Start it, with further variables for this life only."""
        with self.log.open("ab") as words:
            self.process = subprocess.Popen(
                [sys.executable, *self.command], stdin=subprocess.DEVNULL, stdout=words, stderr=words,
                env={**self.environment, **more}, start_new_session=True,
            )  # fmt: skip
        self.starts += 1

    @property
    def running(self) -> bool:
        """Whether it lives. One that has died is reaped by this, so that its process id tells so to others."""
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """SIGKILL, to whatever it has started as well, and wait until it is gone."""
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.kills += 1

    def end(self) -> None:
        """Ask it to stop; SIGKILL if it does not."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(20)
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()

    def words(self) -> str:
        """What it has said."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""


@dataclass
class Supervisor:
    """A folder, and the processes in it."""

    folder: Path
    processes: list[Supervised] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, *command: str, address: str = "", **more: str) -> Supervised:
        """A process that is not started yet."""
        one = Supervised(name, command, {**self.environment(), **more}, self.folder / f"{name}.log", address)
        self.processes.append(one)
        return one

    def environment(self) -> dict[str, str]:
        """Nothing of the person's own Firedoor or Prefect gets in here."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(("FIREDOOR_", "PREFECT_"))}
        return {**own, "NO_COLOR": "1", "PYTHONUNBUFFERED": "1", **self.variables}

    def prefect(self, database: str | None = None) -> Supervised:
        """A Prefect server for several processes; the variables name it to all that are added later."""
        home, port = prefect_home(self.folder) / "prefect", free_port()
        url = f"http://127.0.0.1:{port}/api"
        settings = PrefectSettings(home, url, private=True, port=port, database_url=database)
        server = self.add("prefect", "-m", "prefect", "server", "start", address=url, **settings.server_environment())
        self.variables |= {"PREFECT_API_URL": url, "PREFECT_HOME": str(home)}
        return server

    def close(self) -> None:
        """End everything, the youngest first."""
        for process in reversed(self.processes):
            process.end()


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str, path: str) -> bool:
    """Whether a server answers with success."""
    try:
        return httpx.get(f"{url}{path}", trust_env=False, timeout=2).is_success
    except httpx.HTTPError:
        return False


def keys() -> dict[str, str]:
    """The keys of the model server, made for one run."""
    return {"FIREDOOR_DEMO_API_KEY": secrets.token_urlsafe(24), "FIREDOOR_DEMO_ADMIN_KEY": secrets.token_urlsafe(24)}


def table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table in Markdown, wide enough to be read as plain text."""
    cells = [list(map(str, row)) for row in (heads, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])
