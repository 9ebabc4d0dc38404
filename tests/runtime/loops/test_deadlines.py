"""The watch: every point fires once, whoever looks and however late, and one fault silences nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from tests.sending import SAID
from tests.support.pages import HEAD, LAWFUL
from tests.tampering import forced

from firedoor.core.facts import read_all
from firedoor.core.journal import Entry, Kind
from firedoor.core.problems import InvalidInput
from firedoor.duties.catalogue import catalogue
from firedoor.runtime.config.inventory import Organisation
from firedoor.runtime.loops.deadlines import due_timers, fired
from firedoor.store.database.sql import table
from firedoor.store.database.tables import EntryRow, TimerRow
from firedoor.testing import House, plan_of
from firedoor.testing.house import STARTS

GERMAN = Organisation(
    {}, read_all(catalogue().facts, {"established_in": "DE", "member_state": "DE", "time_zone": "UTC"})
)
BREACH = {
    "controller": "yes", "personal_data": "yes", "security_breach": "yes", "risk_to_people": "risk",
    "aware_at": STARTS.isoformat(),
}  # fmt: skip
NOBODYS = {"controller": "no", "processor": "no"}
SA = "eu.gdpr.art33.sa"
SUBMIT = f"post_incident.notify-authorities.submit[{SA}]"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A house under the law, with one question that is due in four hours."""
    house = House(tmp_path, plan_of(HEAD + LAWFUL), organisation=GERMAN)
    yield house
    await house.driver.stop()
    house.close()


async def opened(house: House, **facts: str) -> str:
    """An incident with these facts; without any, one that no law asks anything about."""
    incident = await house.open(**(facts or NOBODYS))
    await house.settle(incident)
    return incident


async def look(house: House, incident: str) -> int:
    """One look, and whatever follows from it."""
    count = await house.watch.look()
    await house.settle(incident)
    return count


def reminders(house: House, incident: str) -> list[tuple[str, str]]:
    return [(e.body["about"], e.body["point"]) for e in house.entries(incident) if e.kind == Kind.REMINDED]


def of_kind(house: House, incident: str, kind: Kind) -> list[Entry]:
    return [entry for entry in house.entries(incident) if entry.kind == kind]


async def test_nothing_fires_before_its_time(house: House) -> None:
    """A minute early is early."""
    incident = await opened(house)
    house.wind(minutes=119)
    assert await look(house, incident) == 0
    house.wind(minutes=1)
    assert await look(house, incident) == 1
    assert await look(house, incident) == 0


async def test_a_task_is_reminded_of_and_then_escalated(house: House) -> None:
    """At half of the time a reminder; at its end it belongs to the next role as well, and either may answer."""
    incident = await opened(house)
    house.wind(hours=2)
    await look(house, incident)
    assert of_kind(house, incident, Kind.MESSAGE)[-1].body["to"] == ["commander"]
    house.wind(hours=2)
    await look(house, incident)
    assert of_kind(house, incident, Kind.MESSAGE)[-1].body["to"] == ["commander", "manager"]
    assert house.view(incident).tasks["identification.look"].roles == {"commander", "manager"}
    view = await house.answer(incident, "T1", "done", roles=["manager"])
    assert str(view.state) == "closed"


async def test_what_passed_while_nobody_looked_fires_late_and_says_so(house: House) -> None:
    """After a night of silence each point fires once, with its lateness in seconds."""
    incident = await opened(house)
    house.wind(hours=12)
    other = house.again()
    assert await look(other, incident) == 2
    assert await look(other, incident) == 0
    late = [entry.body["late_seconds"] for entry in of_kind(house, incident, Kind.REMINDED)]
    assert late == [10 * 3600, 8 * 3600]
    other.close()


async def test_two_watches_that_race_fire_each_point_once(house: House) -> None:
    """Whoever looks at the same moment: one wins, the other one does nothing."""
    incidents = [await opened(house) for _ in range(5)]
    other = house.again()
    house.wind(hours=5)
    count = 0
    for _ in range(4):
        count += sum(await asyncio.gather(house.watch.look(), other.watch.look(), house.watch.look()))
        for incident in incidents:
            await house.settle(incident)
            await other.settle(incident)
    assert count == 10
    about = "task:identification.look"
    assert [reminders(house, incident) for incident in incidents] == [[(about, "half"), (about, "T")]] * 5
    other.close()


async def test_an_answered_task_is_left_in_peace(house: House) -> None:
    """No reminder for what is done."""
    incident = await opened(house)
    await house.answer(incident, "T1", "done")
    house.wind(days=3)
    assert await look(house, incident) == 0


async def test_a_missed_limit_is_missed_and_asks_for_reasons(house: House) -> None:
    """The clock says so, its roles are told, and from then on the reasons for the delay are demanded."""
    incident = await opened(house, **BREACH)
    due = house.view(incident).clocks[SA].due
    house.wind(hours=72, minutes=1)
    while await look(house, incident):
        pass
    clock = house.view(incident).clocks[SA]
    assert (clock.state, clock.due, bool(clock.missed_at)) == ("missed", due, True)
    assert [entry.body["id"] for entry in of_kind(house, incident, Kind.CLOCK_MISSED)] == [SA]
    with pytest.raises(InvalidInput, match="C104"):
        await house.answer(incident, SUBMIT, "submitted", **SAID, reference="7")
    await house.answer(incident, SUBMIT, "submitted", **SAID, reference="7", reasons_for_delay="the DPO was ill")
    settled = house.view(incident).clocks[SA]
    assert (settled.state, settled.settlement["late"]) == ("submitted", True)


async def test_each_point_of_a_clock_comes_once_and_in_order(house: House) -> None:
    """Half, a day, four hours, an hour, and the limit."""
    incident = await opened(house, **BREACH)
    for _ in range(73 * 2):
        house.wind(minutes=30)
        await look(house, incident)
    assert [point for about, point in reminders(house, incident) if about == f"clock:{SA}"] == [
        "half", "T-24h", "T-4h", "T-1h", "T"
    ]  # fmt: skip


async def test_a_clock_that_was_met_is_left_in_peace(house: House) -> None:
    """Submitted in time: no further reminder, and it is never missed."""
    incident = await opened(house, **BREACH)
    await house.answer(incident, SUBMIT, "submitted", **SAID, reference="7")
    house.wind(days=30)
    while await look(house, incident):
        pass
    assert not [about for about, _ in reminders(house, incident) if about == f"clock:{SA}"]
    assert of_kind(house, incident, Kind.CLOCK_MISSED) == []


async def test_one_incident_that_cannot_be_read_silences_no_other(house: House) -> None:
    """The first point of all belongs to a journal that was destroyed: it is told plainly; the second one fires."""
    broken = await opened(house)
    house.wind(minutes=1)
    whole = await opened(house)
    query = update(table(EntryRow)).where(table(EntryRow).c.incident == broken).values(body="{")
    await asyncio.wrap_future(house.store.write(forced(query)))
    house.wind(hours=2)
    assert await house.watch.look() == 2
    told = [entry.body for entry in house.entries(broken) if entry.kind == Kind.MESSAGE]
    assert "cannot be worked out" in told[-1]["text"]
    await house.settle(whole)
    assert reminders(house, whole) == [("task:identification.look", "half")]


async def test_a_hold_ends_and_is_not_missed(house: House) -> None:
    """What asks to keep something until then cannot be late."""
    view = house.view(await opened(house, **BREACH))
    view.clocks[SA] = replace(view.clocks[SA], kind="hold_until")
    point = {"about": f"clock:{SA}", "point": "T", "due_at": view.clocks[SA].due}
    drafts = fired(view, point, house.wind(days=4))
    assert [draft.kind for draft in drafts] == [Kind.REMINDED, Kind.MESSAGE]
    assert "Hold ends" in drafts[1].body["subject"]


async def test_a_point_that_was_dropped_while_it_was_looked_at_does_not_fire(house: House) -> None:
    """Found as due, then answered by somebody: no reminder goes out for what is done."""
    incident = await opened(house)
    house.wind(hours=3)
    (point,) = due_timers(house.world, house.clock())
    await house.answer(incident, "T1", "done")
    assert await house.watch._try(point) is False
    assert reminders(house, incident) == []


async def test_a_fired_point_and_its_row_are_one_transaction(house: House) -> None:
    """The entry and the row that says that it fired are both there."""
    incident = await opened(house)
    house.wind(hours=3)
    await look(house, incident)
    rows = house.store.rows(TimerRow, order=table(TimerRow).c.due_at)
    entry = of_kind(house, incident, Kind.REMINDED)[0]
    assert [row["fired_at"] for row in rows] == [entry.at, None]
    assert house.clock() - timedelta(hours=1) == STARTS + timedelta(hours=2)


async def test_a_clock_starts_at_an_instant_that_lay_ahead(house: House) -> None:
    """Nobody writes anything: when the instant of its trigger comes, the incident is driven and the clock starts."""
    ahead = STARTS + timedelta(hours=2)
    registrant = {"sec_registrant": "yes", "determined_material_at": ahead.isoformat()}
    incident = await opened(house, **NOBODYS, **registrant)
    house.wind(hours=1, minutes=59)
    assert (await house.driver.look(), list(house.view(incident).clocks)) == ([], [])
    house.wind(minutes=1)
    assert await house.driver.look() == [incident]
    clock = (await house.settle(incident)).clocks["us.sec.8k105"]
    assert (clock.trigger_at, clock.due) == ("2026-11-21T05:00:00Z", "2026-11-27T17:30:00-05:00")
