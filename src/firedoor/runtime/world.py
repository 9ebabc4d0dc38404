"""The world: everything with an effect, put together in one place.

Decides which store, vault, connectors, catalogue and clock a process uses. It is
the only place that makes them, so a drill or a test makes another world and
nothing else changes. Leaves what is done with them to the conductor.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from firedoor.core.facts import FactDefinition
from firedoor.core.law import Law
from firedoor.core.operations import Plan
from firedoor.core.ports import Connector
from firedoor.core.problems import NotFound, Problem, nearest
from firedoor.core.targets import Inventory, Target
from firedoor.core.turn import Rules
from firedoor.core.view import IncidentView, fold
from firedoor.duties.catalogue import Catalogue
from firedoor.runtime.inventory import Organisation
from firedoor.store.journal import Store
from firedoor.store.vault import Vault


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

    def definitions(self, plan: Plan) -> dict[str, FactDefinition]:
        """Every fact that an incident of this plan may have."""
        return {**self.catalogue.facts, **plan.definitions()}

    def rules(self, plan: Plan, *, with_law: bool = True) -> Rules:
        """What a turn looks at. Without the law it needs only the plan's own facts, which is all the reflex reads."""
        definitions = self.definitions(plan) if with_law else plan.definitions()
        return Rules(plan, definitions, self.organisation.words, self.law if with_law else None)

    def target(self, name: str) -> Target:
        """A target by id. Raises NotFound naming the nearest."""
        target = self.inventory.targets.get(name)
        if target is None:
            known = (
                nearest(name, self.inventory.targets)
                if self.inventory.targets
                else "the inventory is empty; set FIREDOOR_TARGETS"
            )
            raise NotFound(Problem(code="N104", message=f'the inventory has no target "{name[:80]}"', do=known))
        return target

    def view(self, incident: str) -> IncidentView:
        """The incident as its journal tells it now. Raises NotFound."""
        entries = self.store.entries(incident)
        if not entries:
            self.store.incident(incident)
        return fold(incident, entries)

    def closed_on_purpose(self) -> frozenset[str]:
        """The targets that open incidents have suspended: as neighbours they prove nothing."""
        return frozenset(self.suspended)

    suspended: set[str] = field(default_factory=set)


def summary(values: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The named values that are there."""
    return {name: values[name] for name in names if values.get(name) is not None}


def flow_host() -> Any:  # noqa: ANN401 - a Host; typed in `prefect_ports`, which must not be imported here
    """The host of flows in a process that Prefect started: a worker, or a team's own script."""
    from firedoor.runtime.flow_host import FlowHost
    from firedoor.runtime.settings import Settings
    from firedoor.runtime.start import Runtime

    settings = Settings(prefect=False)
    return FlowHost(Runtime(settings).service, f"http://{settings.host}:{settings.port}")
