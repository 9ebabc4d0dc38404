"""A restricted incident in which everything that anybody can say is a word that stands nowhere else.

Whoever asks anything and reads `zqx` has been told something about it. What the words are about stands in them, so that
a test that fails says by its words what leaked.
"""

from __future__ import annotations

from typing import Any

import httpx
import orjson
from tests.sending import SAID
from tests.support.api_house import LEAK, House

from firedoor.core.access.roles import PLAYBOOK_ROLES, SYSTEM_ROLES
from firedoor.interfaces.web.security.route_table import V1

SIGN = "zqx"
CLOCK = "eu.gdpr.art33.sa"
ORGANISATION = "name: Example AI\nfacts: {established_in: [IE], member_state: IE, time_zone: Europe/Dublin}\n"
FACTS: dict[str, Any] = {
    "aware_at": "2026-11-20T10:00:00+00:00", "controller": "yes", "personal_data": "yes", "security_breach": "yes",
    "risk_to_people": "high", "jurisdictions": ["DE"], "people_affected": "7331..7332", "severity": "critical",
    "endpoint": "zqx-endpoint", "incident_description": "zqx-description came out", "other_targets": ["zqx-adapter"],
}  # fmt: skip
EVERY_ROLE = sorted((SYSTEM_ROLES | PLAYBOOK_ROLES | {"victim_support", "engineering"}) - {"source"})
READER, COMMANDER, STRANGER = "zqx-person", "zqx-commander", "eve"


def stranger(built: House) -> httpx.AsyncClient:
    """Somebody with every role but the DPO's, so that the table of access lets them in everywhere."""
    return built.holding(STRANGER, *[role for role in EVERY_ROLE if role != "dpo"])


def reader(built: House) -> httpx.AsyncClient:
    """Somebody who needs to know."""
    return built.holding(READER, *EVERY_ROLE)


async def alert(built: House, **said: Any) -> int:
    """Send an alert that triage leaves to a person, and return its number."""
    detection = {
        "incident_type": "data_leakage_in_ai_models", "severity": "low", "method": "content_classifier",
        "occurred_at": "2026-11-20T09:00:00+00:00", **said,
    }  # fmt: skip
    answer = await built.local.post(f"{V1}/alerts/generic", json=detection)
    assert answer.status_code == 202, answer.text
    return int((await built.local.get(f"{V1}/alerts?limit=1")).json()["alerts"][0]["id"])


async def open_for(built: House, number: int, playbook: str = LEAK, why: str = "zqx-start-reason") -> str:
    """Open an incident for an alert."""
    body = {"playbook": playbook, "why": why}
    answer = await built.local.post(f"{V1}/alerts/{number}/start", json=body)
    assert answer.status_code == 201, answer.text
    incident = str(answer.json()["incident"])
    await built.runtime.driver.settled(incident)
    return incident


async def restrict(built: House, incident: str) -> None:
    """From now on only the DPO needs to know, and Zqx by name."""
    body = {"roles": ["dpo"], "people": [READER], "why": "zqx-readers-reason"}
    answer = await built.local.post(f"{V1}/incidents/{incident}/readers", json=body)
    assert answer.status_code == 200, answer.text


async def marked(built: House) -> str:
    """The incident, restricted."""
    number = await alert(built, id="zqx-alert-id", title="zqx-alert-title", model="zqx-model", endpoint="zqx-endpoint",
                         notes=["zqx-alert-note"])  # fmt: skip
    incident = await open_for(built, number)
    at, ann = f"{V1}/incidents/{incident}", built.holding(COMMANDER, *EVERY_ROLE)
    await _send(ann, f"{at}/facts", facts=FACTS, why="zqx-facts-reason")
    await built.runtime.driver.settled(incident)
    await _send(ann, f"{at}/tasks/T1/claim", why="zqx-claim-reason")
    await _keep(ann, at)
    await _send(ann, f"{at}/legal-hold", why="zqx-legal-hold")
    await _send(ann, f"{at}/control", action="pause", why="zqx-pause")
    await _send(ann, f"{at}/control", action="unpause", why="zqx-unpause")
    await _answer(built, ann, incident)
    draft = (await ann.get(f"{at}/notices/{CLOCK}")).json()
    await _send(ann, f"{at}/notices/{CLOCK}/edit", text="# zqx-notice\n", base=draft["sha256"], why="zqx-edit-reason")
    sent = {
        "why": "zqx-submit-reason",
        "fields": {**SAID, "reference": "zqx-reference", "reasons_for_delay": "zqx-delay"},
    }
    await _send(ann, f"{at}/clocks/{CLOCK}/submit", **sent)
    await restrict(built, incident)
    await built.runtime.driver.settled(incident)
    return incident


async def _keep(client: httpx.AsyncClient, at: str) -> None:
    answer = await client.post(
        f"{at}/evidence", params={"name": "zqx-evidence", "why": "zqx-evidence-reason"}, content=b"zqx-content",
        headers={"content-type": "text/plain"},
    )  # fmt: skip
    assert answer.status_code == 201, answer.text


async def _answer(built: House, client: httpx.AsyncClient, incident: str) -> None:
    """Answer the first task that takes an answer, so that a choice and a reason are on record."""
    at = f"{V1}/incidents/{incident}"
    for task in (await client.get(f"{at}/tasks?open=true")).json()["tasks"]:
        given = {"choice": task["choices"][0]["id"], "why": "zqx-answer-reason", "role": task["role"]}
        answer = await client.post(f"{at}/tasks/{task['name']}/answer", json=given)
        if answer.status_code == 200:
            await built.runtime.driver.settled(incident)
            return
    raise AssertionError("no task took an answer")


async def _send(client: httpx.AsyncClient, address: str, **body: Any) -> None:
    answer = await client.post(address, content=orjson.dumps(body), headers={"content-type": "application/json"})
    assert answer.status_code in (200, 201, 202), (address, answer.text)
