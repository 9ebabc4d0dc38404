"""One whole incident over HTTP, on a real model server: alert, suspended, answered, closed, reported."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.sending import SAID
from tests.support.api_house import House, problems
from tests.support.api_journey import KEYS, answer_everything, guarded_platform, platform

from firedoor.alerts.registry import example_body, find

ROLES = ("responder", "commander", "dpo", "legal", "communications", "engineering", "manager")
CANARY = {
    "id": "canary-7", "title": "A planted canary came out", "severity": "critical", "method": "canary",
    "endpoint": "chat-large", "model": "chat-large", "incident": "data_leakage_in_ai_models", "confidence": 0.99,
}  # fmt: skip


@pytest.fixture(name="built")
async def _built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    for name, key in KEYS.items():
        monkeypatch.setenv(name, key)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "organisation.yaml").write_text("name: Example Cloud\nfacts:\n  established_in: [DE]\n")
    with platform(tmp_path) as url:
        async with guarded_platform(tmp_path, url) as built:
            yield built


async def sent(built: House, source: str, body: bytes | str) -> str:
    """Send an alert and return its incident."""
    headers = {"content-type": "application/json"}
    answer = await built.holding("detector", "source").post(f"/api/v1/alerts/{source}", content=body, headers=headers)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["alerts"][0]["incident"])


async def until_suspended(client: httpx.AsyncClient, incident: str) -> dict[str, Any]:
    """The target once it is proved closed."""
    for _ in range(100):
        targets = (await client.get(f"/api/v1/incidents/{incident}")).json()["targets"]
        if targets and targets[0]["state"] == "suspended":
            return dict(targets[0])
        await asyncio.sleep(0.05)
    raise AssertionError(f"not suspended: {targets}")


async def test_strong_evidence_closes_the_endpoint_before_anybody_answers(built: House) -> None:
    """A planted canary: the endpoint refuses, its neighbour answers, and the proof is door by door."""
    incident = await sent(built, "generic", json.dumps(CANARY))
    target = await until_suspended(built.local, incident)
    (door,) = target["events"][0]["doors"]
    seen = {(probe["what"], probe["name"]): probe["serving"] for probe in door["probes"]}
    assert (seen["target", "chat-large"], seen["neighbour", "chat-small"]) == ("no", "yes")
    assert {state["door"] for state in target["before"]} >= {door["door"]}
    tasks = (await built.local.get(f"/api/v1/incidents/{incident}/tasks")).json()["tasks"]
    assert all(not task["answers"] for task in tasks)


async def test_a_dry_run_names_the_calls_and_makes_none(built: House) -> None:
    """For each door: the calls, what else is behind it, and the permissions; the platform saw no suspension."""
    facts = {"endpoint": "chat-large", "severity": "critical"}
    given = {"playbook": "model-data-leakage", "facts": facts}
    told = (await built.local.post("/api/v1/incidents", json=given, params={"dry_run": True})).json()
    reflex = next(one for one in told["operations"] if one["id"] == "containment.suspend.reflex.suspend")
    assert reflex["target"] == "chat-large"
    assert [door["door"] for door in reflex["doors"]] == ["platform", "gateway"]
    assert all(door["calls"] and door["permissions"] and not door["problems"] for door in reflex["doors"])
    again = await sent(built, "generic", json.dumps(CANARY))
    assert (await until_suspended(built.local, again))["events"][0]["doors"][0]["changed"] is True


async def test_from_the_alert_to_the_report(built: House) -> None:
    """Two people answer everything: the clocks are settled, the endpoint is open again, the report tells it all."""
    body = example_body(find("presidio").examples[0]).replace(b"support-chat-eu", b"chat-large")
    now = datetime.now(UTC).isoformat().encode()  # the limits count from the alert's own time
    incident = await sent(built, "presidio", body.replace(b"2026-11-21T02:59:12.480Z", now))
    ada, ben = built.holding("Ada Okafor", *ROLES), built.holding("Ben Ruiz", *ROLES)
    await answer_everything(ada, incident, ben)
    made = (await ada.get(f"/api/v1/incidents/{incident}/report", params={"format": "json"})).json()
    assert made["incident"]["state"] == "closed"
    assert {person["name"] for person in made["people"]} == {"Ada Okafor", "Ben Ruiz"}
    assert made["clocks"]
    assert not {clock["result"] for clock in made["clocks"]} & {"open", "missed", "late"}
    assert [target["state"] for target in made["containment"]] == ["resumed"]
    assert (await ada.get(f"/api/v1/incidents/{incident}/verify")).json()["holds"] is True
    page = (await ada.get(f"/api/v1/incidents/{incident}/report")).text
    assert made["chain"]["head_hash"] in page


async def test_a_clock_is_submitted_with_its_reference(built: House) -> None:
    """By the clock's own address, with dots in its id; without a reference it stays open."""
    known = dict.fromkeys(("controller", "personal_data", "security_breach"), "yes")
    since = {"aware_at": "2026-11-01T08:00:00Z", "risk_to_people": "risk"}
    incident = await built.open(endpoint="chat-large", severity="high", **since, **known)
    url = f"/api/v1/incidents/{incident}/clocks"
    clock = (await built.local.get(url)).json()["clocks"][0]
    assert (clock["id"], clock["overdue"]) == ("eu.gdpr.art33.sa", True)
    send = f"{url}/eu.gdpr.art33.sa/submit"
    dpo = built.holding("Dana", "dpo")
    late = {**SAID, "reference": "SA-1", "reasons_for_delay": "Found late."}
    for fields, code in ((SAID, "T107"), ({**SAID, "reference": "SA-1"}, "C104")):
        assert problems(await dpo.post(send, json={"why": "sent", "fields": fields})) == [code]
    done = await dpo.post(send, json={"why": "sent", "fields": late})
    assert done.status_code == 200, done.text
    assert done.json()["clock"]["state"] == "submitted"
    assert (await dpo.post(send, json={"why": "sent", "fields": late})).status_code == 409
