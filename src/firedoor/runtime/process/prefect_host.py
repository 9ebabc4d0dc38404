"""What a flow run asks of Firedoor: open an incident, conduct it, describe it.

Decides what a run may do: whoever started it in Prefect is nobody that Firedoor knows, so
it conducts what is its own, and everything else becomes a question to a responder. Used
in the process of `firedoor up`, and by a worker elsewhere, which makes a world of its own
from the same settings. Leaves how an incident looks to `incident_views`, and everything about
Prefect to the bridge.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from firedoor.core.person import LOCAL, Person
from firedoor.core.problems import Problem, Refused
from firedoor.core.text import clean_text, clean_value
from firedoor.runtime.execution.incident_views import told, views_of
from firedoor.runtime.execution.performer import Json, Performer, Shown, Views
from firedoor.runtime.prefect.backlog import StoreBacklog
from firedoor.runtime.service.administration import local_user
from firedoor.runtime.service.facade import Service
from firedoor.store.incidents import leases
from firedoor.store.incidents.installation import installation_id

if TYPE_CHECKING:
    from firedoor.runtime.prefect.bridge import PrefectBridge
    from firedoor.runtime.process.application import Runtime


class FlowHost:
    """The host of flows, over one service."""

    def __init__(self, service: Service, public_url: Callable[[], str]) -> None:
        self.service = service
        self.public_url = public_url

    async def open_incident(
        self, playbook: str, facts: Json, title: str, why: str, flow_run_id: str, *, deployed: bool = True
    ) -> str | None:
        """The run's incident, once there is one. The same run always gets the same incident."""
        store = self.service.world.store
        known = await asyncio.to_thread(leases.incident_of, store, flow_run_id)
        if known:
            return known
        facts, title, why = clean_value(facts, lambda _: True), clean_text(title), clean_text(why, lines=True)
        if deployed:
            await self.service.ask_to_open(playbook, facts, title, why, flow_run_id)
            return None
        user = local_user()
        person = Person(
            user, frozenset({"responder"}), f"{LOCAL}{user}"
        )  # a script that this machine's user has started
        return await self.service.open(
            playbook, facts, title, why or "started by a script", person, flow_run_id=flow_run_id
        )

    async def admit(self, incident_id: str, playbook: str, flow_run_id: str) -> None:
        """Let the incident's own run in, and a further run of the plan that it is pinned to."""
        own = await asyncio.to_thread(leases.flow_run, self.service.world.store, incident_id)
        if own == flow_run_id:
            return
        view = await self.service.view(incident_id)
        plan = await asyncio.to_thread(self.service.shelf.plan, playbook)
        if plan.digest != view.plan_digest:
            message = f"a run of {plan.playbook} {plan.version} cannot conduct {incident_id}"
            do = "it is conducted by its own run, by the plan that it began with"
            raise Refused(Problem(code="R116", message=message, do=do))

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
    from firedoor.runtime.prefect.bridge import PrefectBridge
    from firedoor.runtime.prefect.settings import choose

    store = runtime.world.store

    async def recall(incident: str) -> str | None:
        return await asyncio.to_thread(leases.flow_run, store, incident)

    async def remember(incident: str, flow_run_id: str) -> None:
        await asyncio.wrap_future(leases.set_flow_run(store, incident, flow_run_id))

    settings = await asyncio.to_thread(choose, runtime.settings.data_dir)
    url = runtime.settings.address  # asked each time: a server with port 0 gets its port later than a worker starts
    backlog = StoreBacklog(runtime.world, runtime.driver, url)
    playbooks = runtime.shelf.playbooks.values()
    us = await asyncio.to_thread(installation_id, store)
    host = FlowHost(runtime.service, url)
    bridge = PrefectBridge(settings, host, playbooks, recall, remember, backlog, installation=us)
    await bridge.start()
    return bridge
