from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.patience import GENEROUS, ended, until
from tests.support.prefect_home import prefect_home

PROGRAM = (sys.executable, "-m", "firedoor.interfaces.cli.main")
ALERT = Path(__file__).parents[2] / "src" / "firedoor" / "demo" / "alert.json"

SHORT = """
playbook: short
version: 1.0.0
title: Two questions
incident: data_leakage_in_ai_models
start:
  - {source: alertmanager, when: alert.severity >= low}
roles: [commander, dpo]
phases:
  identification:
    - confirm: "Is it real?"
      by: commander
      within: 30m
  containment: []
  remediation: []
  post_incident:
    - task: "Write down what changes"
      by: dpo
      within: 1d
"""

pytestmark = pytest.mark.slow


class Here:
    """A data folder, and `firedoor up` on it, as somebody in a shell would start it."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.log = folder / "up.log"
        (folder / "playbooks").mkdir()
        (folder / "playbooks" / "short.yaml").write_text(SHORT)
        own = {"FIREDOOR_DATA_DIR": str(self.data), "FIREDOOR_PLAYBOOKS": str(folder / "playbooks")}
        self.environment = {**os.environ, **own}
        self.process: subprocess.Popen[bytes] | None = None

    def up(self, *words: str, command: str = "up") -> float:
        """Start it; return the seconds until it answers."""
        began = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*PROGRAM, command, "--port", "0", *words], env=self.environment, stdout=log, stderr=log
            )
        until(
            lambda: self.process.poll() is not None or (self.note().get("pid") == self.process.pid and self.answers()),
            otherwise=self.said,
        )
        assert self.process.poll() is None, self.said()
        return time.monotonic() - began

    def answers(self) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.note()['url']}/healthz", trust_env=False).status_code == 200
        return False

    def note(self) -> dict[str, Any]:
        with contextlib.suppress(OSError, ValueError):
            return json.loads((self.data / "server.json").read_text())
        return {}

    def said(self) -> str:
        return self.log.read_text()

    def end(self, number: int) -> int:
        """Send a signal, and return how the process ended."""
        self.process.send_signal(number)
        return ended(self.process)

    def command(self, *words: object) -> subprocess.CompletedProcess[str]:
        program = [*PROGRAM, *map(str, words)]
        return subprocess.run(
            program, env=self.environment, capture_output=True, text=True, timeout=GENEROUS, check=False
        )

    def get(self, path: str) -> Any:
        """What the API answers this machine's user; for looking often, for which a process each time is too dear."""
        headers = {"authorization": f"Bearer {self.note()['token']}"}
        return httpx.get(
            f"{self.note()['url']}/api/v1{path}", headers=headers, trust_env=False, timeout=GENEROUS
        ).json()

    def asked(self) -> list[str]:
        """The names of the tasks that are open."""
        return [task["name"] for task in self.get("/tasks")["tasks"]]

    def state(self, incident: str) -> str:
        return str(self.get(f"/incidents/{incident}")["state"])

    def strays(self) -> list[str]:
        """Processes with this data folder in their environment."""
        mark = f"FIREDOOR_DATA_DIR={self.data}".encode()
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (process / "environ").read_bytes().split(b"\0"):
                    found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        return found


@pytest.fixture(name="here")
def _here(tmp_path: Path) -> Iterator[Here]:
    here = Here(tmp_path)
    yield here
    if here.process is not None and here.process.poll() is None:
        here.process.kill()
        here.process.wait()
    until(lambda: not here.strays(), otherwise=lambda: f"left running: {here.strays()}")


def test_a_killed_server_goes_on_where_it_was(here: Here) -> None:
    """Killed with -9 while people are asked; started again, answered, closed, and the journal holds."""
    here.up("--no-prefect")
    incident = here.command("run", "short", "--why", "a call").stdout.strip()
    until(lambda: "T1" in here.asked(), otherwise=here.said)
    assert "commander" in here.command("tasks", incident).stdout
    assert here.end(signal.SIGKILL) == -signal.SIGKILL
    here.up("--no-prefect")
    assert here.command("answer", incident, "T1", "yes", "--why", "seen").returncode == 0
    until(lambda: "T2" in here.asked(), otherwise=here.said)
    assert here.command("answer", incident, "T2", "done", "--why", "written").returncode == 0
    until(lambda: here.state(incident) == "closed", otherwise=here.said)
    assert here.command("journal", "verify", incident).returncode == 0


def test_an_answer_given_while_no_server_ran_is_taken_up(here: Here) -> None:
    """The command writes it and drives it by itself; the next server finds nothing to repeat."""
    here.up("--no-prefect")
    incident = here.command("run", "short", "--why", "a call").stdout.strip()
    until(lambda: "T1" in here.asked(), otherwise=here.said)
    assert here.end(signal.SIGTERM) == 0
    assert here.command("answer", incident, "T1", "yes", "--why", "seen").returncode == 0
    assert "T2" in here.command("tasks", incident).stdout
    here.up("--no-prefect")
    here.command("answer", incident, "T2", "done", "--why", "written")
    until(lambda: here.state(incident) == "closed", otherwise=here.said)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything_cleanly(here: Here, number: signal.Signals) -> None:
    """Exit code 0, the note is gone, the port is free, and no process is left; Prefect was starting meanwhile."""
    here.up()
    port = int(here.note()["url"].rpartition(":")[2])
    assert here.end(number) == 0
    assert "Traceback" not in here.said()
    assert not (here.data / "server.json").exists()
    until(lambda: not here.strays(), otherwise=lambda: str(here.strays()))
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_alerts_are_accepted_before_prefect_has_started(here: Here) -> None:
    """On existing data the server says that it accepts alerts before it says that Prefect is ready."""
    prefect_home(here.data)
    here.command("incidents")
    here.up()
    sent = here.command("alert", "send", "--source", "alertmanager", "--file", ALERT)
    assert sent.stdout.split()[0] == "start"
    said = until(lambda: here.said() if "ready     Prefect" in here.said() else "", otherwise=here.said)
    assert said.index("alerts are accepted") < said.index("ready     Prefect")


def test_a_run_is_seen_in_prefect(here: Here) -> None:
    """Once Prefect is ready, the incident has a flow run with its own name."""
    prefect_home(here.data)
    here.up()
    incident = here.command("run", "short", "--why", "a call").stdout.strip()
    port = until(
        lambda: (here.data / "prefect" / "port").exists() and (here.data / "prefect" / "port").read_text(),
        otherwise=here.said,
    )

    def seen() -> bool:
        query = {"flow_runs": {"name": {"any_": [incident]}}}
        with contextlib.suppress(httpx.HTTPError):
            url, password = (
                f"http://127.0.0.1:{port}/api/flow_runs/filter",
                (here.data / "prefect" / "password").read_text(),
            )
            auth = tuple(password.split(":", 1))
            return bool(httpx.post(url, json=query, auth=auth, trust_env=False).json())
        return False

    until(seen, otherwise=here.said)
    assert here.end(signal.SIGTERM) == 0


def test_a_second_server_on_the_same_data_is_refused(here: Here) -> None:
    """Exit code 3, and the running one is named."""
    here.up("--no-prefect")
    second = here.command("up", "--port", "0", "--no-prefect")
    assert (second.returncode, here.note()["url"] in second.stderr) == (3, True)


def test_a_port_that_is_taken_is_told(here: Here) -> None:
    """Exit code 3, and what to do; nothing was started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = here.command("up", "--port", taken.getsockname()[1], "--no-prefect")
    assert (said.returncode, "--port" in said.stderr) == (3, True)


def test_the_note_of_the_server_is_for_its_user_only(here: Here) -> None:
    """server.json holds the local token: mode 600, and a call without it is refused."""
    here.up("--no-prefect")
    assert (here.data / "server.json").stat().st_mode & 0o777 == 0o600
    assert httpx.get(f"{here.note()['url']}/api/v1/incidents", trust_env=False).status_code == 401


def test_follow_shows_what_happens_until_it_is_closed(here: Here) -> None:
    """`run --follow` tells the story as it is written, and ends with the incident."""
    here.up("--no-prefect")
    program = [*PROGRAM, "run", "short", "--why", "a call", "--follow"]
    following = subprocess.Popen(program, env=here.environment, stdout=subprocess.PIPE, text=True)
    until(lambda: "T1" in here.asked(), otherwise=here.said)
    here.command("answer", "INC-2026-0001", "T1", "no", "--why", "a rehearsal")
    told, _ = following.communicate(timeout=GENEROUS)
    assert following.returncode == 0
    assert "Is it real?" in told
    assert "open tasks" in told


def test_serve_runs_without_prefect(here: Here) -> None:
    """The API for a Prefect of one's own, or none: the same incident, and Prefect is off."""
    here.up("--no-prefect", command="serve")
    parts = httpx.get(f"{here.note()['url']}/readyz", trust_env=False).json()["parts"]
    assert parts["prefect"] == "off"
    assert here.command("run", "short").returncode == 0
    assert here.end(signal.SIGTERM) == 0
