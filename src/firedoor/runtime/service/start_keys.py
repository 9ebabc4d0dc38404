"""A start that is sent twice opens one incident: by the key that its sender, or the page it came from, gave it.

Decides which starts are the same: the same key, from the same person, with the same words, within a day. Leaves opening
to whoever calls, and that two processes do not open two to the store.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping

import orjson

from firedoor.core.person import Person
from firedoor.runtime.config.container import World
from firedoor.store.incidents.starts import StartedBefore, started_by

MAXIMUM_KEY = 200


class StartKeys:
    """The starts of one installation."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def once(
        self, key: str, said: Mapping[str, object], person: Person, start: Callable[[str], Awaitable[str]]
    ) -> tuple[str, bool]:
        """Start, unless this key did; the incident, and whether it was there. `start` is given the mark to keep.

        What opened an incident is not checked again: a target that it has closed would refuse the repetition.
        """
        if not key:
            return await start(""), False
        mark = _mark(key, said, person)
        if before := await asyncio.to_thread(self._opened, mark):
            return before, True
        try:
            return await start(mark), False
        except StartedBefore as meanwhile:
            return meanwhile.incident, True

    def _opened(self, mark: str) -> str | None:
        with self._world.store.engine.connect() as connection:
            return started_by(connection, mark, self._world.now())


def _mark(key: str, said: Mapping[str, object], person: Person) -> str:
    """What recognises the same start; of what was said nothing can be read from it."""
    written = orjson.dumps([key, person.actor, dict(said)], option=orjson.OPT_SORT_KEYS, default=str)
    return hashlib.sha256(written).hexdigest()
