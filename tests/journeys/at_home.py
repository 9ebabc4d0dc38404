"""An installation as the person at the machine uses it: every call goes over HTTP with this machine's own token."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import httpx
from tests.journeys.installation import PROGRAM, Installation

MINUTES = 300.0  # for one answer, on a machine that does much else


class AtHome(Installation):
    """A Firedoor without Prefect, and the API as its owner sees it."""

    def up(self) -> None:
        """Start the server and wait until it answers; no command is run and no token made."""
        with self.log.open("ab") as log:
            words = [*PROGRAM, "up", "--no-prefect", "--port", "0"]
            self.process = subprocess.Popen(words, env=self.environment, stdout=log, stderr=log)
        self.until(self.answers)

    def api(self, method: str, path: str, **given: Any) -> httpx.Response:
        """One call; an answer that is a refusal is shown in full."""
        server = json.loads((self.data / "server.json").read_text())
        headers = {"authorization": f"Bearer {server['token']}"}
        address = f"{server['url']}/api/v1/{path}"
        answer = httpx.request(method, address, headers=headers, trust_env=False, timeout=MINUTES, **given)
        assert answer.status_code < 300, (method, path, answer.text)
        return answer

    def alert(self, **body: Any) -> str:
        """Deliver one detection; the incident that it starts."""
        (one,) = self.api("POST", "alerts/generic", json=body).json()["alerts"]
        assert one["decision"] == "start", one
        return str(one["incident"])

    def tasks(self, incident: str) -> dict[str, dict[str, Any]]:
        """The tasks of an incident by their id, open or not."""
        return {task["id"]: task for task in self.api("GET", f"incidents/{incident}/tasks").json()["tasks"]}

    def answer(self, incident: str, task: str, choice: str, **more: Any) -> None:
        """Wait until it is asked, and answer."""
        self.until(lambda: task in self.tasks(incident))
        body = {"choice": choice, "why": "looked at by a person", **more}
        self.api("POST", f"incidents/{incident}/tasks/{self.tasks(incident)[task]['number']}/answer", json=body)

    def journal(self, incident: str) -> list[dict[str, Any]]:
        """The entries of an incident."""
        lines = self.api("GET", f"incidents/{incident}/journal", params={"limit": 1000}).text.splitlines()
        return [json.loads(line) for line in lines]
