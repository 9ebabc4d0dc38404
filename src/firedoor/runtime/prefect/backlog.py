"""What Prefect has still to be shown, from the journals of this installation.

Decides what is shown of an incident that no flow run conducts: its last word on every operation, and whether it waits
or has ended. Leaves to `store.shown` who is behind and who shows it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from datetime import timedelta

from firedoor.core.execution.progress import Progress
from firedoor.core.incident.view import IncidentView, fold
from firedoor.core.journal import Body, Entry, Kind
from firedoor.core.lifecycle import ended
from firedoor.core.playbook.plan import Plan
from firedoor.runtime.config.container import World
from firedoor.runtime.execution.conductor import operation_view, shown_outcome
from firedoor.runtime.execution.containment_priority import containment
from firedoor.runtime.execution.driver import Driver
from firedoor.runtime.execution.incident_views import told, views_of
from firedoor.runtime.execution.performer import RESTRICTED, OperationView, Unshown
from firedoor.store.incidents import prefect_backlog
from firedoor.store.incidents.prefect_backlog import Claim

ENDINGS = frozenset((Kind.FINISHED, Kind.TASK_ANSWERED, Kind.FAILED, Kind.SKIPPED))
UNREADABLE = timedelta(minutes=10)  # until a journal that cannot be read is tried again

log = logging.getLogger(__name__)


class StoreBacklog:
    """The backlog over the store, see `prefect_ports.Backlog`."""

    def __init__(self, world: World, driver: Driver, public_url: Callable[[], str]) -> None:
        self._world = world
        self._driver = driver
        self._public_url = public_url

    async def claim(self, limit: int, but: Collection[str]) -> Sequence[Unshown]:
        """Take some that nobody drives and nobody else shows."""
        store, now = self._world.store, self._world.now()
        names = await asyncio.to_thread(prefect_backlog.behind, store, now, limit, tuple(but))
        claims = await asyncio.wrap_future(prefect_backlog.claim(store, names, now)) if names else []
        return [one for claim in claims if (one := await self._described(claim))]

    async def untouched(self, one: Unshown) -> bool:
        """Whether the claim still stands and nobody drives."""
        return await asyncio.to_thread(prefect_backlog.untouched, self._world.store, _claim(one))

    async def done(self, one: Unshown) -> None:
        """Note it, unless it was driven meanwhile."""
        await asyncio.wrap_future(prefect_backlog.finish(self._world.store, _claim(one)))

    async def later(self, one: Unshown, seconds: float) -> None:
        """Give the claim back for so long."""
        until = self._world.now() + timedelta(seconds=seconds)
        await asyncio.wrap_future(prefect_backlog.postpone(self._world.store, _claim(one), until))

    def reached(self, incident_id: str) -> int:
        """What the driver has noted; only once."""
        return self._driver.conducted.pop(incident_id, 0)

    async def noted(self, incident_id: str, seq: int) -> None:
        """Note what its own flow run has shown."""
        await asyncio.wrap_future(prefect_backlog.note(self._world.store, incident_id, seq))

    async def reopen(self, incident_ids: Collection[str], flow_run_ids: Collection[str]) -> set[str]:
        """Have these shown once more."""
        store = self._world.store
        if incident_ids or flow_run_ids:
            await asyncio.wrap_future(prefect_backlog.reopen(store, tuple(incident_ids), tuple(flow_run_ids)))
        return await asyncio.to_thread(prefect_backlog.known, store, tuple(flow_run_ids)) if flow_run_ids else set()

    async def _described(self, claim: Claim) -> Unshown | None:
        try:
            return await asyncio.to_thread(self._describe, claim)
        except Exception as error:  # noqa: BLE001 - a journal that cannot be read must not hide the others
            log.warning("%s cannot be shown in Prefect: %s", claim.incident, error)
            until = self._world.now() + UNREADABLE
            await asyncio.wrap_future(prefect_backlog.postpone(self._world.store, claim, until))
            return None

    def _describe(self, claim: Claim) -> Unshown:
        containment.wait()  # folding a journal computes, and what contains goes first
        entries = self._world.store.entries(claim.incident)
        view = fold(claim.incident, entries)
        kept = self._world.store.plan_at_hand(view.plan_digest)
        plan = kept or self._world.store.plan(view.plan_digest)
        operations = ended_operations(self._world, plan, view, entries)
        views = views_of(view, self._public_url(), tell=told(view, plan))
        return Unshown(
            claim.incident,
            RESTRICTED if view.readers else claim.playbook,
            ended(view.state),
            tuple(operations),
            views,
            claim.flow_run_id,
            claim,
        )


def ended_operations(
    world: World, plan: Plan, view: IncidentView, entries: Sequence[Entry]
) -> list[tuple[OperationView, Body]]:
    """What has ended and how, each operation once, in the order of their last words."""
    instances = Progress(plan, view).instances
    last: dict[str, Entry] = {}
    for entry in entries:
        name = str(entry.body.get("op") or entry.body.get("task"))
        if entry.kind in ENDINGS and name in instances and entry.body.get("decides", True):
            last.pop(name, None)
            last[name] = entry
    return [(operation_view(world, plan, view, instances[name]), shown_outcome(entry)) for name, entry in last.items()]


def _claim(one: Unshown) -> Claim:
    assert isinstance(one.claim, Claim)  # noqa: S101 - whoever made it here put it in
    return one.claim
