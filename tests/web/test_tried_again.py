"""Whatever a person does can be done again after it failed: never a fault of ours, and never done twice."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import event, func, select
from sqlmodel import SQLModel
from tests.support.forms import strange
from tests.support.human_actions import ACTIONS, NONE, Here, Sent
from tests.support.letters import writing

from firedoor.interfaces.web.reading.cache import forget
from firedoor.interfaces.web.security.route_table import ROUTES
from firedoor.store.database.sql import table
from firedoor.store.database.tables import EntryRow

CHANGES = {route for route in ROUTES if route[0] in ("POST", "PUT", "PATCH", "DELETE")}
# What grows with every call, done or refused, or by itself.
ASIDE = {
    "session",
    "sealed_read",
    "security_entry",
    "pulse",
    "timer",
    "drive",
    "counter",
    "house_secret",
    "figure",
    "plan",
    "delivery",
    "account_likeness",
}


@pytest.fixture(name="here")
async def _here(tmp_path: Path) -> AsyncIterator[Here]:
    forget()
    (tmp_path / "organisation.yaml").write_text("name: Example AI\nfacts: {time_zone: Europe/Dublin}\n")
    async with writing(tmp_path) as built:
        yield Here(built)
        assert strange(built.runtime.world.store.engine) == []


def test_every_route_that_changes_something_is_tried_or_excepted() -> None:
    """A new route is one of the two; an exception has a reason."""
    assert set(ACTIONS) | set(NONE) == CHANGES
    assert not set(ACTIONS) & set(NONE)


def there(here: Here, incident: str) -> Counter[str]:
    """How much of everything there is: rows of each table, and entries of each kind."""
    found: Counter[str] = Counter()
    with here.built.runtime.world.store.engine.connect() as connection:
        for name, rows in SQLModel.metadata.tables.items():
            if name not in ASIDE | {"entry"}:
                found[name] = connection.execute(select(func.count()).select_from(rows)).scalar_one()
            for column in rows.c:
                if column.name in ("revoked_at", "settled_at", "used_at"):
                    ended = connection.execute(select(func.count(column))).scalar_one()
                    found[f"{name} {column.name}"] = ended
        entries = table(EntryRow)
        for kind, incident_of in connection.execute(select(entries.c.kind, entries.c.incident)):
            found[f"entry {kind}"] += 1 if incident_of == incident or not incident else 0
    found["letter"] = len(here.built.mail.letters)
    return found


async def after(here: Here, sent: Sent, before: Counter[str]) -> dict[str, int]:
    """What has come into being since."""
    await asyncio.sleep(0)
    if sent.incident:
        await here.settled(sent.incident)
    else:
        for row in here.built.runtime.world.store.rows(table_of("incident"), None, table_of_newest(), 3):
            await here.settled(row["id"])
    now = there(here, sent.incident)
    return {name: now[name] - before[name] for name in now | before if now[name] != before[name]}


def table_of(_: str) -> Any:
    from firedoor.store.database.tables import IncidentRow

    return IncidentRow


def table_of_newest() -> Any:
    return table(table_of("")).c.id.desc()


@contextmanager
def locked(here: Here) -> Iterator[None]:
    """While this lasts, the database takes no write: SQLite answers that somebody else has it."""
    engine = here.built.runtime.world.store.engine

    def refuse(cursor: Any, statement: str, parameters: Any, context: Any) -> None:
        if statement.startswith("BEGIN IMMEDIATE"):
            raise sqlite3.OperationalError("database is locked")

    event.listen(engine, "do_execute", refuse)
    try:
        yield
    finally:
        event.remove(engine, "do_execute", refuse)


def says(answer: httpx.Response) -> str:
    """What a bad answer says."""
    return f"{answer.status_code} {answer.text[:300]}"


@pytest.mark.parametrize("route", sorted(ACTIONS), ids=" ".join)
async def test_it_is_done_once_whatever_was_lost(here: Here, route: tuple[str, str]) -> None:
    """The answer is lost; the database is locked; it is pressed twice at once: then it is sent again."""
    sent = await ACTIONS[route](here)
    before = there(here, sent.incident)
    first = await sent.send()
    assert first.status_code < 400, says(first)
    once = await after(here, sent, before)
    assert once, "nothing was done"
    again = await sent.send()
    assert again.status_code < 500, says(again)
    assert await after(here, sent, before) == once, says(again)

    sent = await ACTIONS[route](here)
    before = there(here, sent.incident)
    with locked(here):
        refused = await sent.send()
    assert refused.status_code == 503, says(refused)
    assert await after(here, sent, before) == {}
    again = await sent.send()
    assert again.status_code < 400, says(again)
    assert await after(here, sent, before) == once

    sent = await ACTIONS[route](here)
    before = there(here, sent.incident)
    answers = await asyncio.gather(sent.send(), sent.send())
    assert all(one.status_code < 500 for one in answers), [says(one) for one in answers]
    assert await after(here, sent, before) == once, [says(one) for one in answers]
