"""What a flow run asks of Firedoor: open an incident, conduct it, describe it.

Decides what a run may do in the house. Used in the process of `firedoor up`, and by
a worker elsewhere, which makes a world of its own from the same settings. Leaves
how an incident looks to `flow_views`, and everything about Prefect to the bridge.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from firedoor.core.people import Person
from firedoor.runtime.backlog import StoreBacklog
from firedoor.runtime.flow_views import told, views_of
from firedoor.runtime.prefect_ports import Json, Performer, Shown, Views
from firedoor.runtime.service import Service
from firedoor.store import drives
from firedoor.store.installation import installation_id

if TYPE_CHECKING:
    from firedoor.runtime.prefect_bridge import PrefectBridge
    from firedoor.runtime.start import Runtime

PREFECT = Person("prefect", frozenset({"responder"}))


class FlowHost:
    """The host of flows, over one service."""

    def __init__(self, service: Service, public_url: Callable[[], str]) -> None:
        self.service = service
        self.public_url = public_url

    async def open_incident(self, playbook: str, facts: Json, title: str, why: str, flow_run_id: str) -> str:
        """Open an incident for a run that was started in Prefect. The same run always gets the same incident."""
        store = self.service.world.store
        known = await asyncio.to_thread(drives.incident_of, store, flow_run_id)
        if known:
            return known
        return await self.service.open(
            playbook, facts, title, why or "started in Prefect", PREFECT, flow_run_id=flow_run_id
        )

    async def conduct(self, incident_id: str, performer: Performer, shown: Shown) -> str:
        """Drive the incident on behalf of a flow run."""
        return await self.service.driver.conduct(incident_id, performer, shown)

    async def views(self, incident_id: str) -> Views:
        """What the run's page shows."""
        view = await self.service.view(incident_id)
        plan = await asyncio.to_thread(self.service.world.store.plan, view.plan_digest)
        return views_of(view, self.public_url(), tell=told(view, plan))


async def start_bridge(runtime: Runtime) -> PrefectBridge:
    """Start the bridge for this process; it returns at once and gets ready in the background."""
    from firedoor.runtime.prefect_bridge import PrefectBridge
    from firedoor.runtime.prefect_settings import choose

    store = runtime.world.store

    async def recall(incident: str) -> str | None:
        return await asyncio.to_thread(drives.flow_run, store, incident)

    async def remember(incident: str, flow_run_id: str) -> None:
        await asyncio.wrap_future(drives.set_flow_run(store, incident, flow_run_id))

    settings = await asyncio.to_thread(choose, runtime.settings.data_dir)
    url = runtime.settings.address  # asked each time: a server with port 0 gets its port later than a worker starts
    backlog = StoreBacklog(runtime.world, runtime.driver, url)
    playbooks = runtime.shelf.playbooks.values()
    us = await asyncio.to_thread(installation_id, store)
    host = FlowHost(runtime.service, url)
    bridge = PrefectBridge(settings, host, playbooks, recall, remember, backlog, installation=us)
    await bridge.start()
    return bridge
