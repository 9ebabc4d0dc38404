"""The stage of the demonstration: its folder, its two processes, and that nothing of it is left.

Decides that everything lies in one temporary folder of its own, on ports that the
kernel gives, with keys made for this run, and that the processes end with it, however
it ends. Leaves the story to `demo`.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import NotRequired, TypedDict
from urllib.parse import urlsplit

from firedoor.runtime.patience import Patience, cpu_ticks

COMMAND = 600.0  # seconds for one command
GRACE = 20.0  # seconds for a process to end when asked
LOOK = 0.02
LATER = ("reverify: 10m", "reverify: 2s")  # what the demonstration changes in its copy of the playbooks


class StageError(Exception):
    """A part of the demonstration did not start, or did not end."""


class Address(TypedDict):
    """Where a process listens, and the token that it takes, as it wrote down."""

    url: str
    token: NotRequired[str]


class Stage:
    """A folder and the processes in it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="firedoor-demo-"))
        self.data = self.folder / "data"
        self.api_key, self.admin_key = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        self.model: Address = {"url": ""}
        self.server: Address = {"url": ""}
        self._processes: list[subprocess.Popen[bytes]] = []
        self._ports: set[int] = set()

    def set_up(self) -> None:
        """Start the model server, and write the files that a newcomer would write."""
        ready = self.folder / "model.json"
        self._spawn("model-server", "-m", "firedoor.demo.model_server", "--with-parent", "--ready-file", str(ready))
        self.model = self._wait_for(ready)
        self.data.mkdir(mode=0o700)
        (self.data / "targets.yaml").write_text(_inventory(self.model["url"]))
        (self.data / "organisation.yaml").write_bytes((files("firedoor.demo") / "organisation.yaml").read_bytes())
        _copy_playbooks(self.folder / "playbooks")

    def start_firedoor(self) -> float:
        """Start `firedoor up` and return the seconds until it accepted alerts."""
        began = time.monotonic()
        self._spawn("firedoor", "-m", "firedoor.interfaces.cli.main", "up", "--port", "0", "--with-parent")
        self.server = self._wait_for(self.data / "server.json")
        return time.monotonic() - began

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `firedoor` as somebody on this machine would."""
        program = (sys.executable, "-m", "firedoor.interfaces.cli.main", *words)
        return subprocess.run(  # noqa: S603 - our own program
            program, env=self._environment(), capture_output=True, text=True, check=False, timeout=COMMAND
        )

    def prefect_url(self) -> str:
        """The address of the private Prefect server, as it wrote it down; empty before that."""
        with contextlib.suppress(OSError, ValueError):
            port = int((self.data / "prefect" / "port").read_text())
            self._ports.add(port)
            return f"http://127.0.0.1:{port}"
        return ""

    def prefect_password(self) -> str:
        """The secret of the private Prefect server, which only this machine's user can read."""
        return (self.data / "prefect" / "password").read_text()

    def words_of(self, name: str) -> str:
        """What a process has said."""
        with contextlib.suppress(OSError):
            return (self.folder / f"{name}.log").read_text(errors="replace")
        return ""

    def close(self) -> list[str]:
        """End everything, remove the folder, and return what is left that should not be."""
        for process in reversed(self._processes):
            self._end(process)
        left = [f"process {pid}: {line}" for pid, line in self._strays().items()]
        left += [f"port {port} is still listened on" for port in sorted(self._ports) if _listens(port)]
        shutil.rmtree(self.folder, ignore_errors=True)
        return left + ([f"the folder {self.folder}"] if self.folder.exists() else [])

    def _spawn(self, name: str, *words: str) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own programs
                (sys.executable, *words), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                env=self._environment(), start_new_session=True,
            )  # fmt: skip
        self._processes.append(process)

    def _environment(self) -> Mapping[str, str]:
        """Nothing of the person's own Firedoor or Prefect gets in here."""
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("FIREDOOR_", "PREFECT_"))
        }
        return {
            **inherited, "FIREDOOR_DATA_DIR": str(self.data), "FIREDOOR_PLAYBOOKS": str(self.folder / "playbooks"),
            "FIREDOOR_DEMO_API_KEY": self.api_key, "FIREDOOR_DEMO_ADMIN_KEY": self.admin_key,
            "NO_COLOR": "1", "PYTHONUNBUFFERED": "1",
        }  # fmt: skip

    def _wait_for(self, file: Path) -> Address:
        """Wait for the file in which a process writes its address."""
        process, patience = self._processes[-1], self.patience()
        while not patience.lost():
            if process.poll() is not None:
                raise StageError(f"a part ended early, saying: {self._last_words()}")
            with contextlib.suppress(OSError, ValueError):
                found: Address = json.loads(file.read_text())
                self._ports.add(urlsplit(found["url"]).port or 0)
                return found
            time.sleep(LOOK)
        raise StageError(f"a part does not get ready, saying: {self._last_words()}")

    def patience(self) -> Patience:
        """A wait that goes on while any process of the stage works or says something."""
        return Patience(self._marks)

    def _marks(self) -> tuple[int, ...]:
        logs = [*self.folder.glob("*.log"), self.data / "prefect" / "server.log"]
        sizes = [log.stat().st_size for log in logs if log.exists()]
        return (*sizes, *(cpu_ticks(process.pid) for process in self._processes))

    def _last_words(self) -> str:
        logs = sorted(self.folder.glob("*.log"), key=lambda log: log.stat().st_mtime)
        return logs[-1].read_text(errors="replace")[-2000:] if logs else ""

    @staticmethod
    def _end(process: subprocess.Popen[bytes]) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            if process.poll() is not None:
                return
            process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(GRACE)

    def _strays(self) -> dict[int, str]:
        """Processes that carry our data folder in their environment; found on Linux, where /proc tells."""
        mark = f"FIREDOOR_DATA_DIR={self.data}".encode()
        found = {}
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (process / "environ").read_bytes().split(b"\0") and int(process.name) != os.getpid():
                    found[int(process.name)] = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:100]
        return found


def _copy_playbooks(target: Path) -> None:
    """Copy the shipped playbooks; the second look at a closed door comes after seconds, not minutes."""
    from firedoor.runtime.config import playbooks

    shutil.copytree(playbooks.folder(), target)
    for file in target.glob("*.yaml"):
        file.write_text(file.read_text().replace(*LATER))


def _inventory(url: str) -> str:
    import yaml

    from firedoor.demo.targets import demo_inventory

    shown = demo_inventory(url).model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return yaml.safe_dump(shown, sort_keys=False, allow_unicode=True)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
