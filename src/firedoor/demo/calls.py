"""What the demonstration asks of the running systems: Firedoor's API as a client, and Prefect's.

Decides that an answer which is not as expected ends the demonstration with what it
said. Leaves what is done with the answers to `demo`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from threading import Event
from typing import TypeVar

import httpx

from firedoor.core.json_types import JsonObject, as_objects
from firedoor.demo.cast import Answered
from firedoor.demo.stage import StageError
from firedoor.interfaces.shapes.incident import Clock, Clocks, Incident, Task
from firedoor.interfaces.shapes.installation import EntryLine
from firedoor.interfaces.shapes.records import Received
from firedoor.runtime.patience import Patience

T = TypeVar("T")
LOOK = 0.005  # seconds between two looks at what is measured
UNHURRIED = 0.2  # and at what is not: whoever looks all the time takes the machine from whom he waits for
ACCEPTED, INVALID = 202, 422
interrupted = Event()  # an exception that a signal raises is swallowed where it meets a destructor; this is not


class Calls:
    """Firedoor's API, as this machine's user with the local token, or as the holder of another."""

    def __init__(self, url: str, token: str) -> None:
        self.http = open_client(url)
        self.token = token
        self.incident = ""

    def text(self, path: str) -> str:
        """Read something about the incident."""
        answer = self.http.get(f"/api/v1/incidents/{self.incident}{path}", headers=_bearer(self.token))
        must(answer.is_success, f"GET {path}: {answer.status_code} {answer.text[:300]}")
        return answer.text

    def page(self) -> Incident:
        """The incident as it stands."""
        found: Incident = json.loads(self.text(""))
        return found

    def clocks(self) -> Sequence[Clock]:
        """Its clocks."""
        found: Clocks = json.loads(self.text("/clocks"))
        return found["clocks"]

    def journal(self) -> list[EntryLine]:
        """The entries."""
        return [json.loads(line) for line in self.text("/journal").splitlines()]

    def part(self, name: str) -> str:
        """How a part of Firedoor is."""
        return str(self.http.get("/readyz").json()["parts"][name])

    def new_token(self, name: str, roles: tuple[str, ...]) -> str:
        """A token for somebody, of an account of their own where they are a person."""
        body = {"name": name, "roles": list(roles)}
        if "source" not in roles:
            made = self.http.post("/api/v1/accounts", json=body, headers=_bearer(self.token))
            must(made.is_success, f"no account: {made.text[:300]}")
        answer = self.http.post("/api/v1/tokens", json=body, headers=_bearer(self.token))
        must(answer.is_success, f"no token: {answer.text[:300]}")
        return str(answer.json()["token"])

    def send_alert(self, file: Path, token: str) -> Received:
        """Post an alert as Alertmanager does; what became of it."""
        headers = {**_bearer(token), "content-type": "application/json"}
        answer = self.http.post("/api/v1/alerts/alertmanager", content=file.read_bytes(), headers=headers)
        must(answer.status_code == ACCEPTED, f"not accepted: {answer.status_code} {answer.text[:300]}")
        received: Received = answer.json()["alerts"][0]
        return received

    def hand_in(self, clock: str, token: str) -> str:
        """Add what was sent to the evidence, as somebody would after sending it; its digest."""
        content = f"What was sent for {clock} of {self.incident}, as it left the house.\n".encode()
        headers = {**_bearer(token), "content-type": "text/plain"}
        query = {"name": f"as sent for {clock}", "why": "printed from the form"}
        path = f"/api/v1/incidents/{self.incident}/evidence"
        answer = self.http.post(path, params=query, content=content, headers=headers)
        must(answer.is_success, f"not kept: {answer.status_code} {answer.text[:300]}")
        return str(answer.json()["evidence"]["sha256"])

    def answer(self, task: Task, body: Answered, token: str) -> bool:
        """Answer a task; False when the rules refuse this person. An answer that does not fit is a fault of ours."""
        path = f"/api/v1/incidents/{self.incident}/tasks/{task['number']}/answer"
        answer = self.http.post(path, json=body, headers=_bearer(token))
        must(answer.status_code != INVALID, f"T{task['number']} ({task['id']}): {answer.text[:500]}")
        return answer.is_success


class Prefect:
    """Prefect's own API."""

    def __init__(self, url: str, password: str) -> None:
        self.http = open_client(f"{url}/api")
        self.http.auth = tuple(password.split(":", 1))  # type: ignore[assignment]  # a name and a password

    def flow_run(self, incident: str) -> JsonObject | None:
        """The incident's flow run once it has ended; None before that."""
        query = {"flow_runs": {"name": {"any_": [incident]}}}
        found = as_objects(self.http.post("/flow_runs/filter", json=query).json())
        return next((run for run in found if run["state_type"] == "COMPLETED"), None)

    def task_runs(self, flow_run: str) -> list[JsonObject]:
        """Its task runs, in the order in which they began."""
        query = {"flow_runs": {"id": {"any_": [flow_run]}}, "limit": 200}
        found: list[JsonObject] = self.http.post("/task_runs/filter", json=query).json()
        return sorted(found, key=lambda task: str(task.get("start_time") or task["created"]))


def open_client(url: str) -> httpx.Client:
    """A client for this machine; no proxy stands between."""
    return httpx.Client(base_url=url, trust_env=False, timeout=20)


def write_alert(folder: Path) -> Path:
    """The shipped alert as a file, dated now."""
    alert = json.loads((files("firedoor.demo") / "alert.json").read_text())
    alert["alerts"][0]["startsAt"] = datetime.now(UTC).isoformat()
    file = folder / "alert.json"
    file.write_text(json.dumps(alert))
    return file


def until(look: Callable[[], T | None], otherwise: str, patience: Patience, pause: float = LOOK) -> T:
    """Look until there is something to see, or waiting is in vain."""
    while not (found := look()):
        must(not patience.lost(), otherwise)
        time.sleep(pause)
    return found


def must(condition: object, otherwise: str) -> None:
    """End the demonstration unless this is so, and also where somebody has asked for its end."""
    if interrupted.is_set():
        raise KeyboardInterrupt
    if not condition:
        raise StageError(otherwise)


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}
