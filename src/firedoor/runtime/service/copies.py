"""Copies of content within an incident, as calls: read them, say what one is, put one back, tell a hash bank.

Decides that putting back is looked at before it is written down. It is a part of `Service`. Leaves the rules to
`core.tasks.copy_actions` and the words to `core.reporting.copies`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from firedoor.core.incident.view import IncidentView
from firedoor.core.person import Person
from firedoor.core.problems import Problem, Unanswered
from firedoor.core.tasks import copy_actions as rules
from firedoor.core.ternary import NO
from firedoor.runtime.config.container import World
from firedoor.store.banks import banks


class Copying:
    """Calls about copies."""

    world: World
    _write: Callable[..., Awaitable[IncidentView]]
    view: Callable[..., Awaitable[IncidentView]]

    async def decide_copy(self, incident: str, name: str, said: str, why: str, person: Person) -> IncidentView:
        """Say that a copy is the same, that it is not, or that it is gone."""
        return await self._write(incident, lambda view: rules.decide_copy(view, name, said, why, person))

    async def restore_copy(self, incident: str, name: str, why: str, person: Person) -> IncidentView:
        """Put back what was removed wrongly. Raises Unanswered where the store does not show that it is there again."""
        one = rules.to_restore(await self.view(incident), name, why, person)
        system = self.world.stores(self.world.target(one.store))
        await system.restore(one.locator, one.undo, f"{incident}:restore:{one.id[:12]}")
        if await system.removed(one.locator) is not NO:
            message = f"{one.store} does not show that {one.name} is there again"
            raise Unanswered(Problem(code="R126", message=message, do="look at the store, then try again"))
        return await self._write(incident, lambda _: rules.restored(one, why, person))

    async def tell_bank(
        self, incident: str, bank: str, entry: str, verdict: str, why: str, person: Person
    ) -> IncidentView:  # fmt: skip
        """Note what is to be told to a bank about an entry. Nothing is sent: it is exported in the bank's form."""
        known = await asyncio.to_thread(banks.the_entry, self.world.store, bank, entry)
        return await self._write(
            incident, lambda view: rules.bank_feedback(view, known.bank, known.digest, verdict, why, person)
        )  # fmt: skip
