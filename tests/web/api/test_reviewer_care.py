"""Whoever has decided enough cases is asked to hand over; the manager is told; two people refuse."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.api_house import House, house, problems
from tests.web.console.test_console_incident import SECRET, browser  # noqa: F401 - a fixture's secret

NCII = "nonconsensual-generation"
GONE = {"outcome": "removed", "why": "gone", "reference": "ticket 77", "channel": "e-mail", "sent_at": "now",
        "version": "none"}  # fmt: skip
ROLES = ("legal", "commander", "victim_support", "dpo")
PROFILE = """name: Example House
reviewer_care: {cases_in_24_hours: 1}
facts: {established_in: [US], serves: [US], covered_platform: yes, time_zone: America/New_York}
"""


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    (tmp_path / "organisation.yaml").write_text(PROFILE)
    async with house(tmp_path) as built:
        yield built


async def asked(built: House, who: str = "Invented Person") -> str:
    """An incident with one request; the address of the request."""
    incident = await built.open(NCII, endpoint="image-gen", severity="high")
    place = f"/api/v1/incidents/{incident}/requests"
    made = await built.local.post(place, json={"kind": "removal", "requester": who, "why": "a letter"})
    assert made.status_code == 201, made.text
    await built.runtime.driver.settled(incident)
    return f"{place}/R1"


async def messages(built: House, place: str) -> list[dict[str, Any]]:
    """What the journal of an incident says was told to the manager."""
    found = built.runtime.world.store.entries(place.split("/")[4])
    return [dict(one.body) for one in found if one.kind == "message.sent" and one.body["to"] == ["manager"]]


async def test_a_second_case_is_for_somebody_else(built: House) -> None:
    """The same case goes on; the next is refused, unless it is said why nobody else can; the manager reads both."""
    first, second = await asked(built), await asked(built, "Another Person")
    ann = built.holding("ann", *ROLES)
    assert (await ann.post(f"{first}/answer", json=GONE)).status_code == 200
    told = [one for one in await messages(built, first) if "enough cases" in one["subject"]]
    assert [one["text"].startswith("ann: 1 cases in 24 hours") for one in told] == [True]
    assert problems(await ann.post(f"{second}/answer", json=GONE)) == ["Q108"]
    page = await (await browser(built, "ann", *ROLES)).get(second.removeprefix("/api/v1"))
    assert "Have somebody else take over this request." in page.text
    answered = await ann.post(f"{second}/answer", json={**GONE, "alone": "night, nobody else is here"})
    assert answered.status_code == 200, answered.text
    told = [one for one in await messages(built, second) if "enough cases" in one["subject"]]
    assert "night, nobody else is here" in told[0]["text"]
    kim = built.holding("kim", *ROLES)
    third = await asked(built, "Third Person")
    assert (await kim.post(f"{third}/answer", json=GONE)).status_code == 200


async def test_two_people_refuse(built: House) -> None:
    """The first word is a proposal and ends nothing; the same person cannot agree to it."""
    place = await asked(built)
    refused = {"outcome": "refused", "why": "It shows a building.", "ground": "not_covered"}
    ann, kim = built.holding("ann", *ROLES), built.holding("kim", *ROLES)
    one = (await ann.post(f"{place}/answer", json=refused)).json()["request"]
    assert (one["open"], one["answer"], one["proposed"]["by"]) == (True, None, "ann")
    assert all(clock["state"] not in ("waived", "submitted") for clock in one["clocks"])
    assert problems(await ann.post(f"{place}/answer", json=refused)) == ["Q106"]
    assert problems(await built.local.post(f"{place}/answer", json=refused)) == ["Q106"]
    agreed = {"outcome": "refused", "why": "No person is shown."}
    one = (await kim.post(f"{place}/answer", json=agreed)).json()["request"]
    assert (one["status"], one["answer"]["by"], one["answer"]["ground"]) == ("refused", "ann and kim", "not_covered")
    assert one["answer"]["why"] == "No person is shown."
    assert all(clock["state"] == "waived" for clock in one["clocks"])


async def test_a_proposal_is_no_answer(built: House) -> None:
    """Whoever reads it may remove it instead, alone."""
    place = await asked(built)
    ann, kim = built.holding("ann", *ROLES), built.holding("kim", *ROLES)
    await ann.post(f"{place}/answer", json={"outcome": "refused", "why": "no"})
    one = (await kim.post(f"{place}/answer", json=GONE)).json()["request"]
    assert (one["status"], one["answer"]["by"], one["proposed"]) == ("removed", "kim", None)
