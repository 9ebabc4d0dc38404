"""Reading one incident for a caller: its journal, what follows from it, and what is covered from this caller.

Decides that every route about an incident sees the same entries, plan and definitions,
and that what is sealed is covered in one place. Leaves how it looks to `shapes`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from firedoor.core.access.redaction import OPEN, Seal, seal
from firedoor.core.facts import FactDefinition
from firedoor.core.history.operation_titles import Names
from firedoor.core.incident.view import IncidentView, fold, readable
from firedoor.core.journal import Entry
from firedoor.core.playbook.plan import Plan
from firedoor.interfaces.web.reading.access_log import may_see
from firedoor.interfaces.web.security.auth import Caller
from firedoor.runtime.process.application import Runtime

Shown = TypeVar("Shown")


@dataclass(frozen=True)
class Read:
    """One incident, as far as it is needed to show it."""

    entries: list[Entry]
    view: IncidentView
    plan: Plan
    definitions: Mapping[str, FactDefinition]
    names: Names
    seal: Seal

    def show(self, content: Shown) -> Shown:
        """Cover what this caller does not see."""
        return self.seal.cover(content)

    @cached_property
    def told(self) -> Sequence[Entry]:
        """The entries as pages read them, one by one: what cannot be read is there by its kind alone."""
        return readable(self.view, self.entries)

    @property
    def holds_sealed(self) -> bool:
        """Whether the journal holds anything that is covered from this caller, also of the past."""
        return self.seal.used


async def read(runtime: Runtime, incident: str, caller: Caller) -> Read:
    """Read an incident for a caller. Raises NotFound."""
    return await asyncio.to_thread(_read, runtime, incident, caller)


def _read(runtime: Runtime, incident: str, caller: Caller) -> Read:
    world = runtime.world
    entries = world.store.entries(incident)
    if not entries:
        world.store.incident(incident)
    view = fold(incident, entries)
    plan = world.store.plan(view.plan_digest)
    definitions = world.definitions(plan)
    covering = seal(definitions, readable(view, entries))
    covered = OPEN if may_see(runtime, caller, view.id, lambda: covering.used) else covering
    return Read(entries, view, plan, definitions, Names(plan, definitions, world.organisation.words), covered)
