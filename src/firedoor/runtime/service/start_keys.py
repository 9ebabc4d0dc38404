"""A start that is sent twice opens one incident: by the key that its sender, or the page it came from, gave it.

Decides which starts are the same: the same key, from the same person, with the same words, within a day. The key stands
in the first entry of the incident, so it is known after a restart as well. Leaves opening to whoever calls.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import select

from firedoor.core.person import Person
from firedoor.runtime.config.container import World
from firedoor.store.database.tables import EntryRow, IncidentRow
from firedoor.store.incidents.projections import table, text_of

KEPT = timedelta(days=1)
MAXIMUM_KEY = 200


class StartKeys:
    """The starts of one installation."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._one_by_one = asyncio.Lock()  # pressed twice at once, the second waits and finds the first

    async def once(
        self, key: str, said: Mapping[str, Any], person: Person, start: Callable[[str], Awaitable[str]]
    ) -> tuple[str, bool]:
        """Start, unless this key did; the incident, and whether it was there. `start` is given the mark to keep."""
        if not key:
            return await start(""), False
        mark = _mark(key, said, person)
        async with self._one_by_one:
            before = await asyncio.to_thread(self._opened, mark)
            return (before, True) if before else (await start(mark), False)

    def _opened(self, mark: str) -> str | None:
        entries, incidents = table(EntryRow).c, table(IncidentRow).c
        query = (
            select(incidents.id).join(table(EntryRow), entries.incident == incidents.id)
            .where((incidents.opened_at >= text_of(self._world.now() - KEPT)) & (entries.seq == 1))
            .where(entries.body.contains(f'"start":"{mark}"'))
        )  # fmt: skip
        with self._world.store.engine.connect() as connection:
            found: str | None = connection.execute(query.limit(1)).scalar()
        return found


def _mark(key: str, said: Mapping[str, Any], person: Person) -> str:
    """What recognises the same start; of what was said nothing can be read from it."""
    written = orjson.dumps([key, person.actor, dict(said)], option=orjson.OPT_SORT_KEYS, default=str)
    return hashlib.sha256(written).hexdigest()
