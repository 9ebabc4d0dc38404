"""The drivers of a process: restarts, wake-ups, takeovers, and what happens to an incident that cannot be driven."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from tests.runtime.execution.test_conductor import until
from tests.support.pages import CLOSE, HEAD, SUSPEND, TWO

from firedoor.core.journal import Draft, Kind
from firedoor.core.problems import Problem, Unanswered
from firedoor.runtime.execution.driver import ROOM
from firedoor.runtime.execution.performer import perform_directly
from firedoor.store.database.sql import table
from firedoor.store.database.tables import DriveRow, PlanRow
from firedoor.store.incidents.journal import NewIncident
from firedoor.store.incidents.leases import LEASE
from firedoor.testing import House, plan_of

SILENT = Unanswered(Problem(code="D1", message="no answer"))
SUSPENDED = f"{CLOSE}.suspend"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A house with one target that is closed at once, and one question."""
    house = House(tmp_path, plan_of(HEAD + SUSPEND))
    yield house
    await house.driver.stop()
    house.close()


def drive_row(house: House) -> dict:
    """Who drives, and what is known of it."""
    return dict(house.store.rows(DriveRow)[0])


async def test_when_nothing_is_left_to_do_the_lease_is_given_back(house: House) -> None:
    """Nobody holds what only waits for people, and nobody looks at it again without a reason."""
    incident = await house.open(endpoint="chat-large")
    await house.settle(incident)
    row = drive_row(house)
    assert (row["owner"], row["slept_seq"], row["ended"]) == ("", house.view(incident).head.seq, False)
    assert await house.driver.look() == []


async def test_a_retry_wakes_by_its_time(house: House) -> None:
    """The row says when; before that nobody drives, after it any process does."""
    house.far_end.raises["suspend", "chat-large"] = SILENT
    incident = await house.open(endpoint="chat-large")
    await house.settle(incident)
    assert drive_row(house)["wake_at"] == (house.clock() + timedelta(seconds=2)).isoformat(timespec="microseconds")
    assert await house.driver.look() == []
    house.wind(seconds=2)
    other = house.again()
    assert await other.driver.look() == [incident]
    assert (await other.settle(incident)).operations[SUSPENDED].status == "finished"
    other.close()


async def test_a_process_that_died_is_taken_over_after_its_lease(house: House) -> None:
    """Opened, and then silence: another process finds it, observes what was started, and closes the endpoint once."""
    incident = (await house.opened(endpoint="chat-large"))[0].incident
    other = house.again()
    assert await other.driver.look() == []
    other.wind(seconds=LEASE.total_seconds() + 1)
    assert await other.driver.look() == [incident]
    view = await other.settle(incident)
    assert view.operations[SUSPENDED].status == "finished"
    assert list(house.far_end.effects.values()) == [1]
    other.close()


async def test_an_effect_in_doubt_is_observed_and_not_repeated(house: House) -> None:
    """Killed between the effect and its entry: the next process sees that it is closed, and closes nothing."""
    hold = house.far_end.holds["verify", "chat-large"] = asyncio.Event()
    incident = await house.open(endpoint="chat-large")
    await until(lambda: house.far_end.calls["verify", "chat-large"] == 1)  # the door is closed, and it waits for proof
    other = house.again()
    other.wind(seconds=LEASE.total_seconds() + 1)
    house.far_end.holds.clear()
    assert await other.driver.look() == [incident]
    view = await other.settle(incident)
    assert (house.far_end.calls["suspend", "chat-large"], house.far_end.calls["observe", "chat-large"]) == (1, 1)
    hold.set()
    await house.settle(incident)
    assert house.view(incident).head == view.head
    other.close()


async def test_a_beating_driver_is_not_taken_over(house: House) -> None:
    """A long effect is no reason: as long as it beats, it drives."""
    hold = house.far_end.holds["verify", "chat-large"] = asyncio.Event()
    incident = await house.open(endpoint="chat-large")
    await until(lambda: house.far_end.effects.total() == 1)
    from firedoor.store.incidents import leases

    house.wind(seconds=LEASE.total_seconds() + 1)
    await asyncio.wrap_future(leases.beat(house.store, list(house.driver._leases.values()), house.clock()))
    other = house.again()
    assert await other.driver.look() == []
    hold.set()
    await house.settle(incident)
    other.close()


async def test_an_answer_given_while_it_is_driven_is_not_overlooked(house: House) -> None:
    """Also when it comes at the very moment at which the drive ends."""
    incident = await house.open(endpoint="chat-large")
    await house.settle(incident)
    for _ in range(20):
        house.driver.wake(incident)
        await asyncio.sleep(0)
    view = await house.answer(incident, "remediation.open.approve", "approve")
    assert str(view.state) == "closed"
    assert set(house.far_end.effects.values()) == {1}


async def test_stopping_gives_the_lease_back_for_others(house: House) -> None:
    """A process that ends in good order leaves its incidents to be taken at once."""
    house.far_end.holds["verify", "chat-large"] = asyncio.Event()
    incident = await house.open(endpoint="chat-large")
    await until(lambda: house.far_end.effects.total() == 1)
    await house.driver.stop()
    house.far_end.holds.clear()
    other = house.again()
    assert await other.driver.look() == [incident]
    assert (await other.settle(incident)).operations[SUSPENDED].status == "finished"
    assert set(house.far_end.effects.values()) == {1}
    other.close()


async def test_a_drive_that_fails_is_tried_ever_more_rarely_and_shows(house: House) -> None:
    """Its plan was altered: health names it and the pauses grow; once it is mended all goes on."""
    entries = await house.opened(endpoint="chat-large")
    incident, body = entries[0].incident, house.store.rows(PlanRow)[0]["body"]
    await write(house, update(table(PlanRow)).values(body="{}"))
    other = house.again()
    pauses = []
    for _ in range(4):
        other.wind(seconds=61)
        assert await other.driver.look() == [incident]
        await other.settle(incident)
        times, again, why = other.driver.failing[incident]
        assert await other.driver.look() == []
        pauses.append((times, (again - other.clock()).total_seconds(), "S106" in why))
    assert pauses == [(1, 1, True), (2, 2, True), (3, 4, True), (4, 8, True)]
    await write(house, update(table(PlanRow)).values(body=body))
    other.wind(seconds=61)
    await other.driver.look()
    assert (await other.settle(incident)).operations[SUSPENDED].status == "finished"
    assert other.driver.failing == {}
    other.close()


async def write(house: House, query) -> None:
    """Change the database past every rule."""
    await asyncio.wrap_future(house.store.execute(query))


async def test_however_many_fail_the_others_are_taken_over(house: House) -> None:
    """A look that is full of incidents at rest would never see the one behind them."""
    opened = Draft(Kind.OPENED, "x", {"type": "data_leakage_in_ai_models", "title": "t", "severity": "high"})
    new = NewIncident("data_leakage_in_ai_models", "t", "high", "p", "x", (opened,))
    written = [house.store.open_incident(new, house.clock()) for _ in range(ROOM + 1)]
    *resting, last = [future.result()[0].incident for future in written]
    again = house.clock() + timedelta(seconds=30)
    house.driver.failing = dict.fromkeys(resting, (1, again, "the disk is full"))
    assert await house.driver.look() == [last]
    await house.settle(last)


async def test_one_process_conducts_an_incident_once(tmp_path: Path) -> None:
    """A flow run that asks while it is driven gets nothing; one that asks later conducts."""
    house = House(tmp_path, plan_of(HEAD + TWO))
    hold = house.far_end.holds["capture", "chat-large"] = asyncio.Event()
    incident = await house.open(endpoint="chat-large", other="chat-small")
    await until(lambda: house.far_end.calls["capture", "chat-large"] == 1)
    assert await house.driver.conduct(incident, perform_directly, _shown) == "lost_lease"
    hold.set()
    await house.settle(incident)
    assert await house.driver.conduct(incident, perform_directly, _shown) == "waiting"
    assert drive_row(house)["owner"] == ""
    house.close()


async def test_a_flow_run_that_conducts_hears_of_answers(tmp_path: Path) -> None:
    """An answer that comes while a flow run conducts wakes that one, and takes its lease from nobody."""
    house = House(tmp_path, plan_of(HEAD + TWO))
    incident = (await house.opened(endpoint="chat-large", other="chat-small"))[0].incident
    hold = house.far_end.holds["capture", "chat-large"] = asyncio.Event()
    conducting = asyncio.create_task(house.driver.conduct(incident, perform_directly, _shown))
    await until(lambda: house.far_end.calls["capture", "chat-large"] == 1)
    answering = asyncio.create_task(house.answer(incident, "identification.look", "done"))
    await until(lambda: any(task.id == "identification.write" for task in house.view(incident).open_tasks()))
    hold.set()
    assert await conducting == "waiting"
    await answering
    assert set(house.far_end.effects.values()) == {1}
    house.close()


async def _shown(*_: object) -> None:
    return None
