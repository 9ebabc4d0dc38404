"""Which entries listeners are told of: few questions for many incidents, and none is missed for good."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.api_house import House, house

from firedoor.core.journal import Draft, Kind
from firedoor.interfaces.web.system.events import SWEEP, Hub


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as built:
        yield built


async def note(built: House, incident: str, ago: timedelta = timedelta()) -> None:
    """Write an entry, by a clock that lags behind by so much."""
    world = built.runtime.world
    draft = Draft(Kind.NOTE, "person:ann", {"text": "x"})
    world.store.append(incident, [draft], world.now() - ago).result()


async def hub(built: House) -> tuple[Hub, str]:
    """A hub that has just begun to listen, and an incident at rest."""
    incident = await built.open()
    made = Hub(built.runtime)
    made._heads = made._look()
    assert made._news() == []
    return made, incident


async def test_an_entry_is_told_once(built: House) -> None:
    """The next look finds it; the one after that does not find it again."""
    made, incident = await hub(built)
    await note(built, incident)
    (event,) = made._news()
    assert event.incident == incident
    assert b"event: note" in event.line
    assert made._news() == []


async def test_an_entry_of_a_lagging_clock_is_found_by_the_sweep(built: House) -> None:
    """Its time is long past, so that a look at the newest does not see it; the heads of the incidents tell."""
    made, incident = await hub(built)
    await note(built, incident, ago=timedelta(hours=1))
    assert made._news() == []
    found = [event.incident for _ in range(SWEEP) for event in made._news()]
    assert found == [incident]


async def test_an_event_says_who_may_hear_of_it(built: House) -> None:
    """The readers of an incident go along, so that nobody asks the store once for every listener."""
    made, incident = await hub(built)
    await built.local.post(f"/api/v1/incidents/{incident}/readers", json={"roles": ["dpo"], "why": "x"})
    events = made._news()
    assert events
    assert all(event.readers and "dpo" in event.readers for event in events)
