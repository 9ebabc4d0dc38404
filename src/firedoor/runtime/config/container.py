"""The world: everything with an effect, put together in one place.

Decides which store, vault, connectors, catalogue and clock a process uses. It is
the only place that makes them, so a drill or a test makes another world and
nothing else changes. Leaves what is done with them to the conductor.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Protocol

from firedoor.core.clocks.engine import Law
from firedoor.core.execution.missing_targets import NoSuchTarget
from firedoor.core.execution.turn import Launch, Rules
from firedoor.core.facts import FactDefinition
from firedoor.core.incident.view import IncidentView, fold
from firedoor.core.inventory.graph import graph_of
from firedoor.core.inventory.lineage import Lineage
from firedoor.core.playbook.plan import Plan
from firedoor.core.ports import Connector
from firedoor.core.problems import InvalidInput, Problem, nearest
from firedoor.core.removal.ports import ContentSystem
from firedoor.core.targets import Inventory, Target
from firedoor.duties.catalogue import Catalogue
from firedoor.runtime.config.automatic_limits import HouseBrake, suspended_unasked
from firedoor.runtime.config.inventory import Organisation
from firedoor.store.banks import blocked
from firedoor.store.banks.banks import KeptEntry
from firedoor.store.incidents.holds import held_targets, holders
from firedoor.store.incidents.journal import Store
from firedoor.store.incidents.vault import Vault

JUST_NOW = timedelta(seconds=15)  # for so long what this process closed counts, whether or not it is written yet


def utc_now() -> datetime:
    """The wall clock; the only place below the interfaces that reads it."""
    return datetime.now(UTC)


def process_name() -> str:
    """A name for this process that no other has: host, process id and when it began to live."""
    return f"{socket.gethostname()}:{os.getpid()}:{os.urandom(3).hex()}"


def dead(owner: str) -> bool:
    """Whether a process of this machine is certainly gone. One elsewhere, or in doubt, counts as living."""
    host, pid, _ = owner.rsplit(":", 2)
    if host != socket.gethostname():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


class KnownHashes(Protocol):
    """The hash banks that are kept, searched together."""

    def near(self, algorithm: str, value: str, distance: int) -> list[KeptEntry]:
        """Every living entry with this hash, or for PDQ within the distance."""

    def holds(self, hash_digest: str) -> bool:
        """Whether the index has a PDQ hash of this digest."""


def no_stores(target: Target) -> ContentSystem:
    """A world that drives no stores of content. Raises InvalidInput."""
    message = f"nothing here can drive the content of {target.id}"
    raise InvalidInput(Problem(code="R121", message=message, do="do it by hand and say so"))


@dataclass
class World:
    """What a conductor needs."""

    store: Store
    vault: Vault
    inventory: Inventory
    connectors: Mapping[str, Connector]
    organisation: Organisation
    load_catalogue: Callable[[], Catalogue]
    now: Callable[[], datetime] = utc_now
    owner: str = field(default_factory=process_name)
    retry_scale: float = 1.0  # drills shorten the waits between attempts

    @cached_property
    def catalogue(self) -> Catalogue:
        """The law; read on first use, because containment does not wait for it."""
        return self.load_catalogue()

    @cached_property
    def law(self) -> Law:
        """The law for this organisation."""
        return Law(self.catalogue, self.organisation.facts)

    @cached_property
    def lineage(self) -> Lineage | None:
        """What stands around the targets, as a graph; None where the inventory describes no model."""
        inventory = self.inventory
        return Lineage(inventory, graph_of(inventory)) if getattr(inventory, "models", None) else None

    def definitions(self, plan: Plan) -> dict[str, FactDefinition]:
        """Every fact that an incident of this plan may have."""
        return {**self.catalogue.facts, **plan.definitions()}

    def rules(self, plan: Plan, *, with_law: bool = True) -> Rules:
        """What a turn looks at. Without the law it needs only the plan's own facts, which is all the reflex reads."""
        definitions = self.definitions(plan) if with_law else plan.definitions()
        law, lineage = (self.law, self.lineage) if with_law else (None, None)
        return Rules(plan, definitions, self.organisation.words, law, self.brake, lineage)

    def target(self, name: str) -> Target:
        """A target by id. Raises NotFound naming the nearest."""
        target = self.inventory.targets.get(name)
        if target is None:
            known = (
                nearest(name, self.inventory.targets)
                if self.inventory.targets
                else "the inventory is empty; set FIREDOOR_TARGETS"
            )
            raise NoSuchTarget(name, known)
        return target

    def view(self, incident: str) -> IncidentView:
        """The incident as its journal tells it now. Raises NotFound."""
        entries = self.store.entries(incident)
        if not entries:
            self.store.incident(incident)
        return fold(incident, entries)

    def closed_on_purpose(self) -> frozenset[str]:
        """The targets that incidents hold suspended: as neighbours they prove nothing."""
        return frozenset(self.suspended)

    def closed(self, target: str) -> None:
        """This process has just closed a target; the store will say so when that is written."""
        self.suspended.add(target)
        self._just_closed[target] = self.now()

    def opened(self, target: str) -> None:
        """This process has just opened a target."""
        self.suspended.discard(target)
        self._just_closed.pop(target, None)

    def read_suspended(self) -> None:
        """Learn from the store what any process has suspended. What was closed here a moment ago counts as well."""
        held = held_targets(self.store)
        recent = self.now() - JUST_NOW
        self._just_closed = {name: at for name, at in self._just_closed.items() if at > recent and name not in held}
        self.suspended = held | self._just_closed.keys()

    async def know_suspended(self) -> None:
        """The same, beside the event loop; a drill has no store."""
        if not self.rehearsal:
            await asyncio.to_thread(self.read_suspended)

    async def holders(self, target: str) -> list[str]:
        """The incidents that hold a target closed."""
        if self.rehearsal:
            return []
        return [str(row["incident"]) for row in await asyncio.to_thread(holders, self.store, target)]

    async def admit(self, view: IncidentView, launch: Launch, target: str) -> str:
        """Count a suspension that nobody was asked about. Returns why it must not be, or nothing."""
        if self.brake is None or not suspended_unasked(view, launch) or target in self.suspended:
            return ""
        limits = self.store.plan(view.plan_digest).limits
        return await self.brake.admit(view.id, launch.instance.id, view.playbook, target, limits)

    async def note_blocked(self, incident: str, store: str, hashes: Sequence[tuple[str, str]]) -> None:
        """Remember what was put on a blocklist, so that it can leave it with the bank that withdraws it."""
        if not self.rehearsal:
            await asyncio.to_thread(blocked.note, self.store, incident, store, hashes, self.now())

    suspended: set[str] = field(default_factory=set)  # as the store said last, and what this process did since
    rehearsal: bool = False  # then there is no store
    stores: Callable[[Target], ContentSystem] = no_stores  # of content of people
    banks: KnownHashes | None = None  # the hash banks that are kept; none in a rehearsal
    brake: HouseBrake | None = None  # limits on suspensions that nobody is asked about; none: no limit
    _just_closed: dict[str, datetime] = field(default_factory=dict)


def summary(values: Mapping[str, object], *names: str) -> dict[str, object]:
    """The named values that are there."""
    return {name: values[name] for name in names if values.get(name) is not None}
