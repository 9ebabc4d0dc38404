"""What Prefect has still to be shown of this installation's journals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from tests.support.pages import HEAD, SUSPEND
from tests.tampering import forced

from firedoor.runtime.execution.performer import Json, OperationView, perform_directly
from firedoor.runtime.prefect.backlog import StoreBacklog
from firedoor.store.database.sql import table
from firedoor.store.database.tables import EntryRow
from firedoor.store.incidents.prefect_backlog import QUIET
from firedoor.testing import House, plan_of


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A house with one target that is closed at once, and one question."""
    house = House(tmp_path, plan_of(HEAD + SUSPEND))
    yield house
    await house.driver.stop()
    house.close()


def backlog_of(house: House) -> StoreBacklog:
    """The backlog, once everybody has rested for long enough."""
    house.wind(seconds=QUIET.total_seconds() + 1)
    return StoreBacklog(house.world, house.driver, lambda: "http://127.0.0.1:8600")


class Shows:
    """As much of a bridge as a driver needs: conducts at once, and keeps what is shown."""

    def __init__(self) -> None:
        self.seen: list[tuple[OperationView, Json]] = []

    async def run_incident(self, incident: str, _playbook: str, conduct: Any) -> str:
        async def shown(operation: OperationView, outcome: Json) -> None:
            self.seen.append((operation, outcome))

        return str(await conduct(incident, perform_directly, shown))


async def test_the_catch_up_shows_what_a_flow_run_would_have_shown(house: House) -> None:
    """The same operations with the same outcomes, and that the incident waits."""
    incident = await house.open(endpoint="chat-large")
    await house.settle(incident)
    (one,) = await backlog_of(house).claim(20, ())
    shows = Shows()
    house.driver.bridge = shows
    house.driver.wake(incident)
    await house.settle(incident)
    assert [operation.id for operation, _ in one.operations]
    assert list(one.operations) == shows.seen
    assert (one.incident, one.playbook, one.ended) == (incident, "small", False)
    assert incident in one.views.summary


async def test_what_was_shown_is_left_alone_until_the_journal_grows(house: House) -> None:
    """And what is claimed, by everybody else."""
    incident = await house.open(endpoint="chat-large")
    await house.settle(incident)
    backlog = backlog_of(house)
    assert await backlog.claim(20, [incident]) == []
    (one,) = await backlog.claim(20, ())
    assert await backlog.claim(20, ()) == []
    assert await backlog.untouched(one)
    await backlog.done(one)
    house.wind(minutes=30)
    assert await backlog.claim(20, ()) == []
    await backlog.reopen([incident], [])
    assert [again.incident for again in await backlog.claim(20, ())] == [incident]


async def test_a_flow_run_says_once_how_far_it_has_conducted(house: House) -> None:
    """Up to the entry at which it stopped, so that what is written afterwards is still behind."""
    house.driver.bridge = Shows()
    incident = await house.open(endpoint="chat-large")
    view = await house.settle(incident)
    backlog = backlog_of(house)
    reached = backlog.reached(incident)
    assert (reached, backlog.reached(incident)) == (view.head.seq, 0)
    await backlog.noted(incident, reached)
    assert await backlog.claim(20, ()) == []


async def test_one_journal_that_cannot_be_read_hides_no_other(house: House) -> None:
    """It is tried again later."""
    bad, good = await house.open(endpoint="chat-large"), await house.open()
    for incident in (bad, good):
        await house.settle(incident)
    spoilt = update(table(EntryRow)).where(table(EntryRow).c.incident == bad).values(body="{")
    await asyncio.wrap_future(house.store.write(forced(spoilt)))
    backlog = backlog_of(house)
    assert [one.incident for one in await backlog.claim(20, ())] == [good]
    assert await backlog.claim(20, ()) == []
