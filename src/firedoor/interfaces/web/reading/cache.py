"""Reading one incident for a page or a program: folded once for each state of its journal, kept until the next entry.

Decides that what is kept belongs to one head of the chain (its hash), that a grown journal is read only from there on,
and how much is kept in this process. What an auditor verifies is read from the store itself, through `reading`.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import RLock
from typing import Any, TypeVar

from firedoor.core.access.redaction import OPEN, seal
from firedoor.core.facts import FactDefinition
from firedoor.core.history.operation_titles import Names
from firedoor.core.incident.view import IncidentView, fold
from firedoor.core.journal import Entry
from firedoor.core.playbook.plan import Plan
from firedoor.interfaces.web.reading.access_log import may_see
from firedoor.interfaces.web.reading.reading import Read
from firedoor.interfaces.web.security.auth import Caller
from firedoor.runtime.process.application import Runtime

MAXIMUM_INCIDENTS = 200
MAXIMUM_ENTRIES = 60_000  # of all kept incidents together

Made = TypeVar("Made")


@dataclass(frozen=True)
class Glance(Read):
    """An incident at one head of its chain. What was worked out for a page is kept beside it; nothing changes it."""

    kept: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    making: RLock = field(default_factory=RLock, compare=False, repr=False)

    def once(self, name: str, make: Callable[[], Made]) -> Made:
        """Work something out that depends on the journal alone, or take what was worked out before.

        Of many who ask at the same moment one works it out, and the others wait for it.
        """
        if name not in self.kept:
            with self.making:
                if name not in self.kept:
                    self.kept[name] = make()
        made: Made = self.kept[name]
        return made


@dataclass(frozen=True)
class _Folded:
    head: str
    open: Glance
    covered: dict[bool, Glance] = field(default_factory=dict)

    def of(self, unsealed: bool) -> Glance:  # noqa: FBT001 - which of the two is wanted
        """One for those who see sealed facts, one for the others."""
        if unsealed:
            return self.open
        if True not in self.covered:
            found = self.open
            covering = seal(found.definitions, found.told)
            self.covered[True] = Glance(found.entries, found.view, found.plan, found.definitions, found.names, covering)
        return self.covered[True]


_folded: OrderedDict[str, _Folded] = OrderedDict()
_keeping = RLock()
_folding = tuple(RLock() for _ in range(64))  # by incident, so that many viewers of one do not all fold it


async def glance(runtime: Runtime, incident: str, caller: Caller) -> Glance:
    """Read an incident for a page. Raises NotFound."""
    return await asyncio.to_thread(_glance, runtime, incident, caller)


def _glance(runtime: Runtime, incident: str, caller: Caller) -> Glance:
    with _folding[hash(incident) % len(_folding)]:
        head = str(runtime.world.store.incident(incident)["head_hash"])
        known = _folded.get(incident)
        if known is None or known.head != head:
            known = _fold(runtime, incident, known)
            _keep(incident, known)
    folded = known
    return folded.of(may_see(runtime, caller, incident, lambda: folded.of(unsealed=False).holds_sealed))


def _fold(runtime: Runtime, incident: str, known: _Folded | None) -> _Folded:
    world = runtime.world
    entries = _entries(runtime, incident, known)
    view = fold(incident, entries)
    plan = world.store.plan(view.plan_digest)
    definitions = known.open.definitions if known and known.open.plan is plan else world.definitions(plan)
    return _Folded(view.head.hash, _open(runtime, entries, view, plan, definitions))


def _open(
    runtime: Runtime, entries: list[Entry], view: IncidentView, plan: Plan, definitions: Mapping[str, FactDefinition]
) -> Glance:
    names = Names(plan, definitions, runtime.world.organisation.words)
    return Glance(entries, view, plan, definitions, names, OPEN)


def _entries(runtime: Runtime, incident: str, known: _Folded | None) -> list[Entry]:
    """What was read before and follows on, and what came since; everything where the chain does not go on from it."""
    before = known.open.entries if known else []
    fresh = runtime.world.store.entries(incident, len(before))
    if before and fresh and fresh[0].prev == before[-1].hash:
        return [*before, *fresh]
    return runtime.world.store.entries(incident) if before else fresh


def _keep(incident: str, folded: _Folded) -> None:
    with _keeping:
        _folded[incident] = folded
        _folded.move_to_end(incident)
        total = sum(len(one.open.entries) for one in _folded.values())
        while len(_folded) > 1 and (len(_folded) > MAXIMUM_INCIDENTS or total > MAXIMUM_ENTRIES):
            _, dropped = _folded.popitem(last=False)
            total -= len(dropped.open.entries)


def forget() -> None:
    """Read every incident anew; for measurements."""
    with _keeping:
        _folded.clear()
