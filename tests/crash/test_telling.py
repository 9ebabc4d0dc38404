"""Slack is down while an incident runs, and Firedoor is killed meanwhile: everything is told once, in order."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.crash.processes import FIREDOOR, Supervised, Supervisor, answers
from tests.patience import GENEROUS, until
from tests.support.slack_house import SIGNING, TOKEN, SlackHouse, slack_house

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
ORGANISATION = "messages:\n  commander: [slack]\n  dpo: [slack]\n  engineering: [slack]\n"
LEFT = "/api/v1/deliveries?limit=1000"


@pytest.fixture(name="slack")
def _slack() -> Iterator[SlackHouse]:
    with slack_house() as slack:
        slack.users |= {"UCAS"}
        yield slack


class Door:
    """Firedoor in a process of its own that speaks with the workspace."""

    def __init__(self, supervisor: Supervisor, slack: SlackHouse) -> None:
        self.folder = supervisor.folder / "data"
        self.folder.mkdir()
        (self.folder / "organisation.yaml").write_text(ORGANISATION)
        self.process: Supervised = supervisor.add(
            "firedoor", *FIREDOOR, "serve", "--port", "0", FIREDOOR_DATA_DIR=str(self.folder), FIREDOOR_PREFECT="no",
            SLACK_TOKEN=TOKEN, SLACK_SIGNING=SIGNING, FIREDOOR_SLACK_BOT_TOKEN="secret://env/SLACK_TOKEN",
            FIREDOOR_SLACK_SIGNING_SECRET="secret://env/SLACK_SIGNING", FIREDOOR_SLACK_API_URL=f"{slack.url}/api/",
        )  # fmt: skip

    def start(self) -> None:
        """Start, or start again, and wait until it answers."""
        note = self.folder / "server.json"
        note.unlink(missing_ok=True)
        self.process.start()
        read = lambda: json.loads(note.read_text()) if note.exists() else None  # noqa: E731
        found = until(read, self.process.process, self.process.words)
        until(lambda: answers(found["url"], "/healthz"), self.process.process, self.process.words)
        headers = {"authorization": f"Bearer {found['token']}"}
        self.api = httpx.Client(base_url=found["url"], headers=headers, trust_env=False, timeout=30)

    def post(self, path: str, body: Any) -> Any:
        """Call the API."""
        answer = self.api.post(f"/api/v1{path}", json=body)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def rows(self) -> list[dict[str, Any]]:
        """What leaves, what has left, and what waits."""
        found: list[dict[str, Any]] = self.api.get(LEFT).json()["deliveries"]
        return found

    def waiting(self) -> list[dict[str, Any]]:
        """What is still to be told."""
        return [row for row in self.rows() if row["state"] in ("queued", "sending")]


@pytest.fixture(name="door")
def _door(tmp_path: Path, slack: SlackHouse) -> Iterator[Door]:
    supervisor = Supervisor(tmp_path)
    try:
        yield Door(supervisor, slack)
    finally:
        slack.silent = ""
        supervisor.close()


def told(slack: SlackHouse, incident: str) -> list[str]:
    """The keys of the messages in the channel, in the order in which they came."""
    return [post["metadata"]["event_payload"]["key"] for post in slack.posts(incident.lower())]


def test_a_minute_without_slack_and_two_kills_lose_and_double_nothing(slack: SlackHouse, door: Door) -> None:
    """Killed while everything waits, and killed while Slack has taken a message and not said so."""
    slack.away = True
    door.start()
    door.post("/accounts", {"name": "cas", "roles": ["commander", "dpo", "engineering"], "slack_id": "UCAS"})
    incident = str(door.post("/incidents", {"playbook": "model-data-leakage", "facts": {}, "why": "seen"})["incident"])
    until(lambda: any(row["problem"] for row in door.waiting()), otherwise="no attempt")
    door.post(f"/incidents/{incident}/tasks/T1/reassign", {"role": "engineering", "why": "they know it"})
    waited = until(lambda: _words(door) if len(_words(door)) >= 2 else None, otherwise="too little waits")
    assert incident in door.api.get("/deliveries", headers={"accept": "text/html"}).text
    assert "wait for a far end" in door.api.get("/readyz").text

    door.process.kill()
    assert slack.channels == {}
    slack.silent = "chat.postMessage"  # the next life gets a channel made and the summary posted, and hears nothing
    slack.away = False
    door.start()
    assert _words(door) == waited
    assert slack.stuck.wait(GENEROUS)

    door.process.kill()
    slack.silent = ""
    door.start()
    until(lambda: not door.waiting(), otherwise="something waits still")
    sent = sorted((row for row in door.rows() if row["state"] == "sent" and row["kind"] != "state"), key=_order)
    assert {row["handle"] for row in sent} >= waited
    assert told(slack, incident) == [row["handle"] for row in sent]
    assert [channel["name"] for channel in slack.channels.values()] == [incident.lower()]
    (summary,) = slack.posts(incident.lower(), "firedoor_summary")
    assert slack.channel(incident.lower())["pins"] == [summary["ts"]]
    assert door.process.kills == 2
    os.kill(door.process.process.pid, signal.SIGTERM)


def _words(door: Door) -> set[str]:
    """The messages that wait; a summary is only the newest of itself."""
    return {row["handle"] for row in door.waiting() if row["kind"] != "state"}


def _order(row: dict[str, Any]) -> tuple[str, int]:
    return row["made_at"], row["seq"]
