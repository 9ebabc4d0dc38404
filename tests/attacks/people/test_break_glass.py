"""Breaking the glass on a legal clock, as somebody does it who would like it to stop.

In the first release one answer of a responder waived it: the review came after the clock had stopped.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.attacks.people.test_links import LAW, answer_first, tasks
from tests.support.api_house import House, house, problems
from tests.web.api.test_notices import TEXT

V1, CLOCK = "/api/v1", "eu.gdpr.art33.sa"
WAIVE = {"choice": "not_required", "why": "nobody will notice"}
FIELDS = {"reference": "SA-7", "reasons_for_delay": "night", "channel": "portal", "sent_at": "now", "version": "edited"}
SENT = {"choice": "submitted", "why": "by the portal", "fields": FIELDS}


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as built:
        yield built


async def asked(built: House) -> tuple[str, str]:
    """An incident whose clock asks somebody whether it was met, and the number of that task."""
    incident = await built.open(**LAW)
    for _ in range(20):
        await built.runtime.driver.settled(incident)
        for one in await tasks(built, incident):
            if one["clock"] == CLOCK and one["kind"] == "submit":
                return incident, str(one["name"])
        await answer_first(built, incident)
    raise AssertionError("the clock asks nobody")


async def broken(built: House, who: httpx.AsyncClient, **answer: Any) -> tuple[str, str, httpx.Response]:
    """Break the glass for the clock's task."""
    incident, task = await asked(built)
    return incident, task, await who.post(f"{V1}/incidents/{incident}/tasks/{task}/break-glass", json=answer)


async def clock(built: House, incident: str) -> dict[str, Any]:
    """The clock as the API shows it."""
    found = (await built.local.get(f"{V1}/incidents/{incident}/clocks")).json()["clocks"]
    return dict(next(one for one in found if one["id"] == CLOCK))


async def review(built: House, incident: str) -> dict[str, Any]:
    """The open review."""
    (one,) = [t for t in await tasks(built, incident) if t["kind"] == "review-break-glass" and t["state"] == "open"]
    return one


async def test_one_person_proposes_and_the_clock_runs_on(built: House) -> None:
    """It is told and reviewed; the clock and its task stay as they were."""
    incident, task, answer = await broken(built, built.holding("Eve", "engineering"), **WAIVE)
    assert answer.status_code == 200, answer.text
    assert (await clock(built, incident))["state"] not in ("waived", "not_applicable", "submitted")
    assert next(t for t in await tasks(built, incident) if t["name"] == task)["state"] == "open"
    one = await review(built, incident)
    assert (one["role"], one["not_by"]) == ("dpo", ["Eve"])
    eve = built.holding("Eve", "engineering", "manager")
    again = await eve.post(f"{V1}/incidents/{incident}/tasks/{task}/break-glass", json=WAIVE)
    assert problems(again) == ["O113"]


@pytest.mark.parametrize("who", [("Eve", "dpo"), ("EVE", "dpo"), ("Max", "manager")])
async def test_only_who_may_waive_it_agrees(built: House, who: tuple[str, str]) -> None:
    """Not whoever proposed it, once they have the role; not a manager; not this machine's own user."""
    incident, _, _ = await broken(built, built.holding("Eve", "engineering"), **WAIVE)
    path = f"{V1}/incidents/{incident}/tasks/{(await review(built, incident))['name']}/answer"
    agree = {"choice": "justified", "why": "so it is"}
    name = "Eve" if who[0] == "EVE" else who[0]
    for client in (built.holding(name, who[1]), built.local):
        assert (await client.post(path, json=agree)).status_code in (403, 409)
    assert (await clock(built, incident))["state"] != "waived"


async def test_the_dpo_agrees_in_their_own_name(built: House) -> None:
    """Then it is waived, by the DPO, on the proposal of whoever broke the glass."""
    incident, _, _ = await broken(built, built.holding("Eve", "engineering"), **WAIVE)
    path = f"{V1}/incidents/{incident}/tasks/{(await review(built, incident))['name']}/answer"
    answer = await built.holding("dora", "dpo").post(path, json={"choice": "justified", "why": "no personal data"})
    assert answer.status_code == 200, answer.text
    assert (await clock(built, incident))["state"] == "waived"
    (waived,) = [e for e in built.runtime.world.store.entries(incident) if e.kind == "clock.waived"]
    assert (waived.actor, waived.body["by"], waived.body["why"]) == ("person:dora", "dora", "no personal data")


async def test_the_dpo_does_not_agree(built: House) -> None:
    """The clock runs on and is still to be answered."""
    incident, task, _ = await broken(built, built.holding("Eve", "engineering"), **WAIVE)
    path = f"{V1}/incidents/{incident}/tasks/{(await review(built, incident))['name']}/answer"
    refused = {"choice": "not_justified", "why": "it is needed"}
    assert (await built.holding("dora", "dpo").post(path, json=refused)).status_code == 200
    assert (await clock(built, incident))["state"] not in ("waived", "submitted")
    assert next(t for t in await tasks(built, incident) if t["name"] == task)["state"] == "open"


async def test_what_was_sent_is_recorded_at_once(built: House) -> None:
    """A notice that has left has left: with its reference, told to everybody, and reviewed."""
    incident, task = await asked(built)
    worded = {"text": TEXT, "why": "worded"}
    dora, eve = built.holding("dora", "dpo"), built.holding("Eve", "engineering")
    assert (await dora.post(f"{V1}/incidents/{incident}/notices/{CLOCK}/edit", json=worded)).is_success
    answer = await eve.post(f"{V1}/incidents/{incident}/tasks/{task}/break-glass", json=SENT)
    assert answer.status_code == 200, answer.text
    assert (await clock(built, incident))["state"] == "submitted"
    assert (await review(built, incident))["not_by"] == ["Eve"]
