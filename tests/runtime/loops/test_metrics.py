"""Figures that are kept: never other than what the journal gives, whoever counted them, and not all at once."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import delete, update
from tests.support.api_house import House, house, problems
from tests.tampering import forced

from firedoor.core.history.operation_titles import Names
from firedoor.core.incident.view import fold
from firedoor.core.journal import Draft, Kind
from firedoor.core.reporting.metrics import figure_of, written
from firedoor.runtime.loops.metrics import Counting, Found
from firedoor.store.database.result_tables import FigureRow
from firedoor.store.database.sql import table
from firedoor.store.database.tables import EntryRow, IncidentRow
from firedoor.store.incidents import figure_rows

EVERY = table(IncidentRow).c.id != ""


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as built:
        yield built


def asked(counting: Counting, patience: float | None = None) -> Found:
    """The figures of every incident."""
    return counting.figures(figure_rows.wanted(counting.world.store, EVERY)[0], patience)


def change(built: House, **values: Any) -> None:
    """Change the kept figures behind everybody's back."""
    built.runtime.world.store.write(
        lambda connection: connection.execute(update(table(FigureRow)).values(**values))
    ).result()


def something(chance: random.Random) -> Draft:
    """An entry on which figures depend, or do not."""
    facts = {"severity": chance.choice(["low", "critical"]), "leaked_since": "2026-01-01T00:00:00+00:00"}
    state = chance.choice(["confirmed", "contained", "closed", "dismissed"])
    return chance.choice([
        Draft(Kind.STATE, "person:Ann", {"state": state}), Draft(Kind.NOTE, "person:Ann", {"text": "t"}),
        Draft(Kind.FACTS, "person:Ann", {"values": facts, "before": {}, "why": "w"}),
    ])  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
async def test_a_kept_figure_is_what_the_journal_gives(built: House, seed: int) -> None:
    """After every entry: asked anew by a process that has counted before, and by one that has just begun."""
    world, chance, old = built.runtime.world, random.Random(seed), built.runtime.counting  # noqa: S311 - the same each time
    names = [await built.open(severity="low") for _ in range(2)]
    for _ in range(12):
        for name in names:
            world.store.append(name, [something(chance)] * chance.randrange(2), world.now()).result()
        expected = []
        for row in figure_rows.wanted(world.store, EVERY)[0]:
            entries, plan = world.store.entries(row.incident), world.store.plan(row.plan_digest)
            expected.append(figure_of(fold(row.incident, entries), entries, Names(plan, world.definitions(plan))))
        assert asked(chance.choice([old, Counting(world)])) == Found(expected)


async def test_what_was_counted_is_not_counted_again_until_its_journal_grows(built: House) -> None:
    """A process that begins takes the row, as a changed row shows; with the next entry the row is worth nothing."""
    incident, world = await built.open(severity="low"), built.runtime.world
    body = orjson.dumps({**_body(asked(built.runtime.counting)), "reopened": 99}).decode()
    change(built, body=body)
    assert asked(Counting(world)).figures[0].reopened == 99
    world.store.append(incident, [Draft(Kind.NOTE, "person:Ann", {"text": "t"})], world.now()).result()
    assert asked(Counting(world)).figures[0].reopened == 0


@pytest.mark.parametrize("values", [{"formula": "0 of 0.0.1"}, {"head_hash": "f" * 64}, {"head_seq": 1}])
async def test_another_formula_or_head_is_as_good_as_none(built: House, values: dict[str, Any]) -> None:
    """What another release counted, or at another entry, is counted again."""
    await built.open(severity="low")
    body = orjson.dumps({**_body(asked(built.runtime.counting)), "reopened": 99}).decode()
    change(built, body=body, **values)
    assert asked(Counting(built.runtime.world)).figures[0].reopened == 0


async def test_what_is_not_counted_in_time_is_said_and_counted_beside_everything_else(built: House) -> None:
    """The numbers leave it out, a sheet is refused, and a batch later everything is there."""
    for _ in range(2):
        await built.open(severity="low")
    counting = Counting(built.runtime.world)
    counting._one_at_a_time.acquire()
    assert asked(counting, patience=0) == Found([], waiting=2)
    built.runtime.counting = counting
    found = (await built.local.get("/api/v1/figures")).json()
    assert (found["incidents"], found["not_counted_yet"], found["all_incidents"]) == (0, 2, 2)
    answer = await built.local.get("/api/v1/figures?format=csv")
    assert (answer.status_code, problems(answer)) == (503, ["W170"])
    page = await built.local.get("/figures", headers={"accept": "text/html"})
    assert ("2 incidents are still being counted" in page.text, page.headers["refresh"]) == (True, "5")
    counting._one_at_a_time.release()
    assert (counting.count_some(), counting.count_some()) == (2, 0)
    assert (await built.local.get("/api/v1/figures")).json()["incidents"] == 2


async def test_a_rebuild_forgets_and_the_background_counts_again(built: House) -> None:
    """The row is a projection like the others."""
    incident, store = await built.open(severity="low"), built.runtime.world.store
    asked(built.runtime.counting)
    store.rebuild(incident).result()
    assert store.rows(FigureRow) == []
    assert Counting(built.runtime.world).count_some() == 1
    assert store.rows(FigureRow)[0]["head_hash"] == store.incident(incident)["head_hash"]


async def test_a_journal_that_lacks_entries_is_named_and_holds_nothing_up(built: House) -> None:
    """It stands in no number, the others do, and nobody looks at it for ever."""
    whole, cut = [await built.open(severity="low") for _ in range(2)]
    world = built.runtime.world
    where = (table(EntryRow).c.incident == cut) & (table(EntryRow).c.seq > 3)
    world.store.write(forced(delete(table(EntryRow)).where(where))).result()
    counting = Counting(world)
    found = asked(counting)
    assert ([one.incident for one in found.figures], found.waiting, found.unreadable) == ([whole], 0, 1)
    assert counting.count_some() == 0


async def test_who_may_read_is_asked_anew_each_time(built: House) -> None:
    """A figure that was kept while everybody could read is not shown once only legal may."""
    incident = await built.open(severity="critical")
    ann = built.holding("ann", "viewer")
    assert (await ann.get("/api/v1/figures")).json()["by_severity"]["critical"] == 1
    body = {"roles": ["legal"], "people": [], "why": "a colleague is concerned"}
    assert (await built.local.post(f"/api/v1/incidents/{incident}/readers", json=body)).status_code == 200
    assert (await built.holding("cleo", "legal").get("/api/v1/figures")).json()["by_severity"]["critical"] == 1
    found = (await ann.get("/api/v1/figures")).json()
    assert (found["incidents"], found["not_counted_yet"], found["cannot_be_counted"]) == (0, 0, 0)


def _body(found: Found) -> dict[str, Any]:
    """The first figure as it is kept."""
    return written(found.figures[0])
