"""A House: everything that one Firedoor process runs, over a database in a folder, without a network or a wall clock.

Decides how a test puts the real parts together and how it stops and starts them again: the
database, the vault, the far end and the clock stay, all else is made anew, as after a crash.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from firedoor.core.facts import read_all, write
from firedoor.core.incident.view import IncidentView
from firedoor.core.journal import Entry
from firedoor.core.language.yaml_source import read_yaml
from firedoor.core.playbook.compiler import compile_playbook
from firedoor.core.playbook.plan import Plan
from firedoor.core.playbook.playbook import read_playbook
from firedoor.core.severity import Severity
from firedoor.core.targets import Artefact, Door, Inventory, Target
from firedoor.core.tasks.answers import Answer, Person
from firedoor.duties.catalogue import catalogue
from firedoor.runtime.config.container import World
from firedoor.runtime.config.inventory import Organisation
from firedoor.runtime.execution.driver import Driver
from firedoor.runtime.loops.deadlines import Watch
from firedoor.runtime.loops.reverification import Holding
from firedoor.runtime.rehearsal.simulation import KIND, HandClock
from firedoor.runtime.service.facade import Service
from firedoor.runtime.service.opening import Opening, new_incident
from firedoor.runtime.service.playbook_cache import Shelf
from firedoor.steps.registry import step_types
from firedoor.store.database.migrate import migrate
from firedoor.store.incidents.journal import Store
from firedoor.store.incidents.vault import Vault
from firedoor.testing.far_end import FarEnd
from firedoor.testing.fresh import fresh

STARTS = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
EVERYBODY = ("commander", "dpo", "legal", "communications", "engineering", "manager", "responder")


def plan_of(text: str) -> Plan:
    """Compile a playbook that is written in a test. Raises InvalidInput with every problem."""
    facts = catalogue().facts
    playbook = read_playbook(read_yaml(text.encode(), "playbook.yaml"), step_types(), facts)
    return compile_playbook(playbook, step_types(), facts)


def targets(*names: str, doors: int = 1, evidence: Sequence[str] = ()) -> Inventory:
    """Simulated targets with so many doors each."""
    artefacts = {name: Artefact(url=f"simulated:{name}") for name in evidence}
    ways = tuple(Door(name=f"door-{number}", connector=KIND) for number in range(1, doors + 1))
    return Inventory(targets={name: Target(id=name, doors=ways, evidence=artefacts) for name in names})


class House:
    """One process over a folder. `again()` is the next process over the same folder and the same far end."""

    def __init__(
        self,
        folder: Path,
        plan: Plan | None = None,
        *,
        inventory: Inventory | None = None,
        organisation: Organisation | None = None,
        url: str = "",
        shelf: Shelf | None = None,
        starts: datetime = STARTS,
    ) -> None:
        self.folder = folder
        self.plan = plan
        self.url = url or f"sqlite:///{folder / 'firedoor.db'}"
        self.clock = HandClock(starts)
        self.far_end = FarEnd(self.clock, {})
        self.inventory = inventory or targets("chat-large", "chat-small", evidence=("request_log", "model_card"))
        self.organisation = organisation or Organisation()
        self.shelf = shelf or Shelf()
        self._open_parts("process 1")

    def _open_parts(self, owner: str) -> None:
        self.store = Store(fresh(self.url))
        migrate(self.store.engine)
        vault, connectors = Vault(self.folder / "vault"), {KIND: self.far_end}
        self.world = World(
            self.store, vault, self.inventory, connectors, self.organisation, catalogue, self.clock, owner
        )
        self.driver = Driver(self.world)
        self.watch = Watch(self.world, self.driver)
        self.holding = Holding(self.world, self.driver)
        self.service = Service(self.world, self.driver, self.shelf)

    def again(self, owner: str = "process 2") -> House:
        """Another process over the same folder: beside this one, or after it."""
        other = object.__new__(House)
        other.__dict__.update(self.__dict__)
        other._open_parts(owner)
        return other

    def close(self) -> None:
        """Close the database."""
        self.store.close()

    def wind(self, **by: float) -> datetime:
        """Wind the clock forward (hours=1, minutes=30, ...)."""
        self.clock.now += timedelta(**by)
        return self.clock.now

    async def open(
        self, *, drive: bool = True, severity: Severity = Severity.HIGH, practice: bool = False,
        **facts: object,
    ) -> str:  # fmt: skip
        """Open an incident of the house's plan, and have it driven."""
        entries = await self._opened(severity, "source:test", facts, practice=practice)
        if drive:
            self.driver.accepted(entries[0].incident, entries)
        return entries[0].incident

    async def opened(
        self,
        *,
        severity: Severity = Severity.HIGH,
        actor: str = "source:test",
        practice: bool = False,
        **facts: object,
    ) -> tuple[Entry, ...]:
        """Open an incident and return its first entries; nobody drives it yet."""
        return await self._opened(severity, actor, facts, practice=practice)

    async def _opened(
        self, severity: Severity, actor: str, facts: Mapping[str, object], *, practice: bool
    ) -> tuple[Entry, ...]:
        assert self.plan is not None, "give the house a plan"  # noqa: S101 - for whoever writes the test
        definitions = self.world.definitions(self.plan)
        values = {name: write(value) for name, value in read_all(definitions, facts).items()}
        opening = Opening(self.plan, "a test", "because of a test", actor, severity, values, practice=practice)
        self.store.keep_plan(self.plan, self.clock())
        new = new_incident(self.world, opening)
        return await asyncio.wrap_future(self.store.open_incident(new, self.clock()))

    async def settle(self, incident: str) -> IncidentView:
        """Wait until this process does not drive the incident any more; return how it stands."""
        await self.driver.settled(incident)
        return self.view(incident)

    async def answer(
        self, incident: str, task: str, choice: str, *, why: str = "as seen", by: str = "Ada",
        roles: Sequence[str] = EVERYBODY, facts: Mapping[str, object] | None = None, **fields: str,
    ) -> IncidentView:  # fmt: skip
        """Answer a task and wait until nothing more follows from it."""
        given = Answer(choice, why, facts=facts or {}, fields=fields)
        await self.service.answer(incident, task, given, Person(by, frozenset(roles)))
        return await self.settle(incident)

    def view(self, incident: str) -> IncidentView:
        """The incident as its journal tells it now."""
        return self.world.view(incident)

    def entries(self, incident: str) -> list[Entry]:
        """The journal."""
        return self.store.entries(incident)

    def kinds(self, incident: str) -> list[str]:
        """The kinds of the journal's entries, in order."""
        return [str(entry.kind) for entry in self.entries(incident)]


__all__ = ["EVERYBODY", "STARTS", "House", "plan_of", "targets"]
