"""What pages keep of an incident: read from where it was left, it is what one gets who reads everything."""

from __future__ import annotations

import json
import random
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from tests.support.api_house import House, house

from firedoor.core.access.redaction import seal
from firedoor.core.incident.view import fold
from firedoor.core.journal import Draft, Kind
from firedoor.core.tasks.answers import Person
from firedoor.interfaces.web.console.incident import incident_page
from firedoor.interfaces.web.reading.cache import Glance, _glance, forget, glance
from firedoor.interfaces.web.security.auth import Caller

SECRET = "the colleague in the third office"
MANAGER = Caller(Person("mia", frozenset({"manager"})))
LEGAL = Caller(Person("leo", frozenset({"legal"})))


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    forget()
    async with house(tmp_path) as built:
        yield built


def something(chance: random.Random) -> list[Draft]:
    """Some entries that change what a page shows."""
    facts = {"requester_contact": chance.choice([SECRET, f"somebody with number {chance.random()}", None])}
    piece = {"op": None, "name": "n", "sha256": f"{chance.getrandbits(256):064x}", "size": 1, "source": "s",
             "mode": "digest", "media_type": "text/plain", "taken_at": "2026-11-21T03:00:00+00:00"}  # fmt: skip
    possible = [
        Draft(Kind.NOTE, "person:Ann", {"text": f"Seen with {SECRET}."}), Draft(Kind.EVIDENCE, "person:Ann", piece),
        Draft(Kind.FACTS, "person:Ann", {"values": facts, "before": {}, "why": SECRET}),
        Draft(Kind.STATE, "person:Ann", {"state": chance.choice(["confirmed", "contained", "closed"])}),
    ]  # fmt: skip
    return [chance.choice(possible) for _ in range(chance.randrange(4))]


def shown(built: House, found: Glance) -> object:
    """Everything that is worked out from it for the page, beside the view itself."""
    return found.entries, found.view, found.seal, incident_page.whole(built.runtime.world, found)


@pytest.mark.parametrize("seed", range(4))
async def test_what_grew_is_read_as_if_it_were_read_anew(built: House, seed: int) -> None:
    """For those who see sealed facts and for the others, after any entries, read now and then or each time."""
    incident = await built.open("nonconsensual-generation", requester_contact=SECRET)
    runtime, chance = built.runtime, random.Random(seed)  # noqa: S311 - the same each time
    for _ in range(15):
        runtime.world.store.append(incident, something(chance), runtime.world.now()).result()
        grown = {who: await glance(runtime, incident, who) for who in (MANAGER, LEGAL) if chance.random() < 0.7}
        entries = runtime.world.store.entries(incident)
        for who, found in grown.items():
            assert (found.entries, found.view) == (entries, fold(incident, entries))
            assert found.seal == (seal(found.definitions, entries) if who is MANAGER else type(found.seal)())
        kept = {who: shown(built, found) for who, found in grown.items()}
        if chance.random() < 0.3:
            forget()
            assert {who: shown(built, await glance(runtime, incident, who)) for who in grown} == kept


async def test_a_chain_that_does_not_go_on_is_read_from_its_beginning(built: House) -> None:
    """Two houses have incidents of the same name: what was kept of one is not continued with the other's entries."""
    incident = await built.open(severity="low")
    first = await glance(built.runtime, incident, LEGAL)
    built.runtime.world.store.append(
        incident, [Draft(Kind.NOTE, "x", {"text": "t"})], built.runtime.world.now()
    ).result()
    first.entries[-1] = first.entries[0]  # as if it had been another chain's
    assert (await glance(built.runtime, incident, LEGAL)).entries == built.runtime.world.store.entries(incident)


async def test_many_viewers_fold_an_incident_once(built: House) -> None:
    """Those who come while it is read wait for the one who reads it, and get the same."""
    incident, reads = await built.open(severity="low"), []
    forget()

    def slowly(*given: Any) -> None:  # so that the others come while the first one reads
        if "FROM entry" in given[2].replace("\n", ""):
            reads.append(given[2])
            time.sleep(0.05)

    event.listen(built.runtime.world.store.engine, "before_cursor_execute", slowly)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: _glance(built.runtime, incident, LEGAL), range(40)))
    assert len(reads) == 1
    assert all(one is found[0] for one in found)


async def test_pages_of_the_journal_and_the_timeline_are_the_whole(built: House) -> None:
    """Read with a limit from where the last page ended, nothing is missing and nothing comes twice."""
    path = f"/api/v1/incidents/{await built.open(severity='low')}"
    whole = (await built.local.get(f"{path}/timeline")).json()
    assert whole["next"] is None
    lines: list[object] = []
    after = 0
    while after is not None:
        page = (await built.local.get(f"{path}/timeline", params={"after": after, "limit": 7})).json()
        assert len(page["timeline"]) <= 7
        lines, after = lines + page["timeline"], page["next"]
    assert lines == whole["timeline"]
    every, entries, more = (await built.local.get(f"{path}/journal")).text, "", "0"
    while more:
        part = await built.local.get(f"{path}/journal", params={"after": more, "limit": 7})
        entries, more = entries + part.text, part.headers.get("x-firedoor-next")
    assert entries == every
    assert len(every.splitlines()) == len(lines) == json.loads(every.splitlines()[-1])["seq"]
