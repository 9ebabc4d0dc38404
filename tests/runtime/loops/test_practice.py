"""Practice is done as the real thing is, labelled wherever it is shown, and counted in no manager's number."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert
from tests.support.api_house import LEAK, House, house
from tests.web.api.test_notices import FACTS, ORGANISATION

from firedoor.core.incident.view import FAULT
from firedoor.core.notices.notifications import standing_of
from firedoor.core.notices.subject_lines import headline
from firedoor.core.ports import Notice
from firedoor.core.tasks.answers import Person
from firedoor.store.database.sql import table
from firedoor.store.database.tables import HoldRow, TaskRow

TASKS = 'firedoor_open_tasks{role="practice"}'
AT = "2026-11-01T10:00:00+00:00"
HELD = {"target": "chat-large", "op": "x", "state": "drifted", "every": 600, "since": AT, "seen_at": AT,
        "next_look": AT, "looks": 1, "drifts": 1}  # fmt: skip
ASIDE = {"id": "fault:1", "number": 99, "kind": FAULT, "role": "commander", "question": "x", "due_at": AT,
         "opened_at": AT, "state": "open"}  # fmt: skip


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    (tmp_path / "organisation.yaml").write_text(ORGANISATION)
    async with house(tmp_path) as built:
        yield built


async def opened(built: House, *, practice: bool) -> str:
    """An incident, driven as far as it goes without people."""
    asked: dict[str, Any] = {"playbook": LEAK, "facts": FACTS, "why": "tried", "title": "A leak", "practice": practice}
    answer = await built.local.post("/api/v1/incidents", json=asked)
    assert answer.status_code == 201, answer.text
    await built.runtime.driver.settled(answer.json()["incident"])
    return str(answer.json()["incident"])


async def metrics(built: House) -> dict[str, float]:
    """What /metrics publishes."""
    lines = (await built.local.get("/metrics")).text.splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


async def test_it_stands_in_no_number_of_the_figures(built: House) -> None:
    """It is counted by itself; the sheet has a column for it, and the page says that it is left out."""
    await opened(built, practice=True)
    await opened(built, practice=False)
    found = (await built.local.get("/api/v1/figures")).json()
    assert (found["incidents"], found["practice"], found["all_incidents"]) == (1, 1, 1)
    assert (found["by_type"], sum(found["clocks"].values()) > 0) == ({"data_leakage_in_ai_models": 1}, True)
    sheet = (await built.local.get("/api/v1/figures?format=csv")).text.splitlines()
    assert [line.rpartition(",")[2] for line in sheet] == ["practice", "1", "0"]
    assert "Practice runs are excluded: 1 in this period" in (await built.local.get("/figures")).text


async def test_nobody_is_woken_by_its_numbers(built: House) -> None:
    """Its clocks, their next limit and its tasks stand in no gauge of the real ones, and are there as practice."""
    await opened(built, practice=True)
    seen = await metrics(built)
    assert (seen['firedoor_incidents{state="practice",type="practice"}'], seen[TASKS] >= 1) == (1, True)
    assert not [name for name in seen if name.startswith(("firedoor_clocks", "firedoor_next_limit"))]
    await opened(built, practice=False)
    assert [name for name in await metrics(built) if name.startswith("firedoor_next_limit")]


async def test_it_is_labelled_in_lists_letters_and_messages(built: House) -> None:
    """Its title says so on every page; the week's letter leaves it out and says that it does; a message begins so."""
    incident = await opened(built, practice=True)
    assert (await built.local.get("/api/v1/incidents")).json()["incidents"][0]["title"] == "Practice: A leak"
    for page in ("/", f"/incidents/{incident}", f"/api/v1/incidents/{incident}/report?format=md"):
        assert "Practice: A leak" in (await built.local.get(page)).text, page
    week = built.runtime.outbox.week
    assert week is not None
    subject, text = week.words(Person("mia", frozenset({"manager"})), built.runtime.world.now())
    assert (subject.endswith("nothing is due"), incident in text, "0 incidents were opened" in text) == (
        True,
        False,
        True,
    )
    assert "Practice runs are excluded: 1 in this period." in text
    standing = standing_of(built.runtime.world.view(incident), "https://firedoor.test")
    told = Notice(
        key="k", handle="h", kind="state", incident=incident, roles=("manager",), made_at=built.runtime.world.now(),
        link="https://firedoor.test", standing=standing,
    )  # fmt: skip
    assert headline(told).startswith(f"[practice] {incident}")


async def tiles(built: House) -> int:
    """How many open incidents the overview counts."""
    counted = re.findall(r"<strong>(\d+)</strong><span>(\w+)</span>", (await built.local.get("/")).text)
    return sum(int(number) for number, word in counted)


async def test_it_is_in_no_register_and_in_no_number_of_the_overview(built: House) -> None:
    """An authority that reads the register finds no breach that was none; a deadline of practice is labelled."""
    incident = await opened(built, practice=True)
    assert incident not in (await built.local.get("/api/v1/register")).text
    assert await tiles(built) == 0
    for page in ("/", "/tasks", "/clocks"):
        assert '<span class="mark">practice</span>' in (await built.local.get(page)).text, page
    assert f"Practice: {incident}" in (await built.local.get("/api/v1/calendar.ics")).text
    real = await opened(built, practice=False)
    assert real in (await built.local.get("/api/v1/register")).text
    assert await tiles(built) == 1


async def test_what_practice_holds_and_sets_aside_wakes_nobody(built: House) -> None:
    """Its holds are counted as practice, and what is set aside of it in no gauge."""
    incident = await opened(built, practice=True)
    with built.runtime.world.store.engine.begin() as connection:
        connection.execute(insert(table(HoldRow)).values(**HELD, incident=incident))
        connection.execute(insert(table(TaskRow)).values(**ASIDE, incident=incident))
    seen = await metrics(built)
    assert (seen['firedoor_holds{state="practice"}'], seen["firedoor_incidents_set_aside"]) == (1, 0)
    assert 'firedoor_holds{state="drifted"}' not in seen
