"""More time for a clock, and the register of breaches, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.api_house import House, house, problems

SA = "eu.gdpr.art33.sa"
FACTS = {
    "endpoint": "chat-large", "severity": "high", "established_in": "DE",
    "controller": "yes", "personal_data": "yes", "security_breach": "yes", "risk_to_people": "risk",
    "aware_at": "2026-11-20T10:00:00Z",
}  # fmt: skip
MORE = {"until": "2099-12-24T10:00:00+01:00", "document": "letter, ref 7", "why": "granted in writing"}


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as built:
        yield built


async def test_more_time_is_asked_for_and_agreed_by_somebody_else(built: House) -> None:
    """The clock stays as it is until another person agrees; then it is paused, and can be set going again."""
    incident = await built.open(**FACTS)
    clock = f"/api/v1/incidents/{incident}/clocks/{SA}"
    ben, anna = (
        built.holding("Ben", "responder", "dpo", "commander"),
        built.holding("Anna", "responder", "dpo", "commander"),
    )
    asked = await ben.post(f"{clock}/pause", json=MORE)
    assert (asked.status_code, asked.json()["clock"]["state"]) == (200, "running")
    (task,) = [
        one for one in (await ben.get(f"/api/v1/incidents/{incident}/tasks")).json()["tasks"] if one["kind"] == "clock"
    ]
    assert task["not_by"] == ["Ben"]
    agree = f"/api/v1/incidents/{incident}/tasks/{task['name']}/answer"
    assert problems(await ben.post(agree, json={"choice": "approve", "why": "I asked for it"})) == ["T104"]
    assert (await anna.post(agree, json={"choice": "approve", "why": "read the letter"})).status_code == 200
    done = await ben.post(f"{clock}/resume", json={"why": "lifted"})
    assert done.json()["clock"]["state"] in ("running", "extended")


async def test_what_is_missing_is_named(built: House) -> None:
    """No document, a past instant, a clock that does not exist."""
    incident = await built.open(**FACTS)
    clock = f"/api/v1/incidents/{incident}/clocks/{SA}"
    assert problems(await built.local.post(f"{clock}/extend", json={**MORE, "document": " "})) == ["C105"]
    assert (await built.local.post(f"{clock}/extend", json={**MORE, "until": "2099-12-24T10:00:00"})).status_code == 422
    assert (await built.local.post(f"{clock}x/extend", json=MORE)).status_code == 404
    assert (await built.local.post(f"{clock}/resume", json={"why": "lifted"})).status_code == 409


async def test_the_register_is_a_file_for_the_authority(built: House) -> None:
    """A row for each notice of each incident, oldest first, as CSV and as JSON."""
    first, second = [await built.open(**FACTS) for _ in range(2)]
    csv = await built.local.get("/api/v1/register")
    assert csv.headers["content-type"].startswith("text/csv")
    assert csv.text.splitlines()[0].startswith("incident,title,type")
    rows = (await built.local.get("/api/v1/register", params={"format": "json"})).json()["register"]
    assert [row["incident"] for row in rows if row["duty"] == SA] == [first, second]
