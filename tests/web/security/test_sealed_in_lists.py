"""Lists show nothing of what is sealed, to nobody: whoever needs it opens the incident, and that is written down.

The addresses come from the table of access: every one that is not about a single incident is a list here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import orjson
import pytest
from tests.support.api_house import House, house
from tests.support.marked import EVERY_ROLE, alert, open_for

from firedoor.core.reporting.weekly_summary import digest_message
from firedoor.interfaces.web.security.route_table import ROUTES, V1
from firedoor.store.database.sql import table
from firedoor.store.database.tables import ClockRow, MessageRow, TaskRow
from firedoor.store.incidents.sealed_reads import reads_of

SEALED = "Mx Quillfeather, by the side door"
STREAM = f"{V1}/events"


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as built:
        yield built


async def sealed(built: House) -> str:
    """An incident whose title repeats what is sealed, as its tasks, clocks and messages do from then on."""
    number = await alert(built, id="asks", title=f"{SEALED} asks", incident_type="nonconsensual_content_generation")
    incident = await open_for(built, number, "nonconsensual-generation", why=SEALED)
    body = {"facts": {"requester_contact": SEALED, "severity": "high"}, "why": SEALED}
    assert (await built.local.post(f"{V1}/incidents/{incident}/facts", json=body)).status_code == 200
    await built.runtime.driver.settled(incident)
    store = built.runtime.world.store
    message = {"incident": incident, "seq": 1, "role": "legal", "at": "2026-11-22", "subject": "x", "text": "x"}
    clock = {"incident": incident, "id": "x", "duty": "x", "title": "x", "authority": "x", "state": "running"}
    for kind, values in ((MessageRow, message), (ClockRow, clock)):
        put = table(kind).insert().values(**values)
        store.execute(put).result()
    for row, column in ((TaskRow, "question"), (ClockRow, "title"), (MessageRow, "text")):
        said = table(row).update().values({column: f"{SEALED}?"}).where(table(row).c.incident == incident)
        store.execute(said).result()
    return incident


def lists() -> Iterator[str]:
    """Every address without a place in it, each also as CSV or whatever else it can be read as."""
    for method, path in ROUTES:
        if method == "GET" and "{" not in path and path != STREAM:
            yield path
            yield f"{path}?format=csv"
            yield f"{path}?format=json"
            yield f"{path}?all=true&state=all&whose=everybody&which=all"


def everybody(built: House) -> list[httpx.AsyncClient]:
    """Those from whom sealed facts are covered, those who may see them, and this machine's own user."""
    return [built.holding("eng", "engineering"), built.holding("lea", *EVERY_ROLE), built.local]


async def test_no_list_shows_it_to_anybody(built: House) -> None:
    """Pages, JSON, CSV, calendar, counts; and so nobody has to be written down for having looked at one."""
    incident = await sealed(built)
    asked = list(lists())
    assert len(asked) > 60
    for client in everybody(built):
        for path in asked:
            answer = await client.get(path, headers={"accept": "text/html,application/json"})
            assert "Quillfeather" not in answer.text, path
    assert not reads_of(built.runtime.world.store, incident)


async def test_the_incident_itself_shows_it_and_is_written_down(built: House) -> None:
    """The control: to whoever may see it, and to nobody else."""
    incident = await sealed(built)
    texts = [(await client.get(f"{V1}/incidents/{incident}")).text for client in everybody(built)]
    assert ["Quillfeather" in text for text in texts] == [False, True, True]
    names = {row["person"] for row in reads_of(built.runtime.world.store, incident)}
    assert names == {"lea", built.app.state.keyring.user}


async def test_the_lists_hold_the_rows_of_it(built: House) -> None:
    """The other control: its rows are there, with the words covered."""
    incident, lea = await sealed(built), built.holding("lea", *EVERY_ROLE)
    for path in ("incidents", "tasks", "messages", "alerts", "clocks?all=true", "register?format=json"):
        rows = next(iter((await lea.get(f"{V1}/{path}")).json().values()))
        mine = [row for row in rows if incident in (row.get("incident"), row.get("id"))]
        assert mine, path
        assert "[sealed]" in orjson.dumps(mine).decode() or "register" in path, path


async def test_events_and_the_digest_hold_no_words(built: House) -> None:
    """An event says where, and a digest what is due."""
    incident, lea = await sealed(built), built.holding("lea", *EVERY_ROLE)
    heard = asyncio.create_task(lea.get(f"{STREAM}?limit=1", timeout=20))
    while not built.app.state.events.listeners:  # noqa: ASYNC110 - the hub has no event for it, and needs none
        await asyncio.sleep(0.02)
    body = {"facts": {"severity": "critical"}, "why": SEALED}
    await built.local.post(f"{V1}/incidents/{incident}/facts", json=body)
    clocks, tasks, figures = [(await lea.get(f"{V1}/{name}")).json() for name in ("clocks", "tasks", "figures")]
    made = digest_message(figures, clocks["clocks"], tasks["tasks"], built.runtime.world.now())
    assert "Quillfeather" not in f"{(await heard).text}{made}"
