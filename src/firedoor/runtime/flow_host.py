"""What a flow run asks of Firedoor: open an incident, conduct it, describe it.

Decides how an incident looks on a Prefect run's page. Used in the process of
`firedoor up`, and by a worker elsewhere, which makes a world of its own from the
same settings. Leaves everything about Prefect itself to the bridge.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from firedoor.core.people import Person
from firedoor.core.view import SETTLED_CLOCKS, IncidentView
from firedoor.runtime.prefect_ports import Json, Performer, Shown, Views
from firedoor.runtime.service import Service
from firedoor.store import drives

if TYPE_CHECKING:
    from firedoor.runtime.prefect_bridge import PrefectBridge
    from firedoor.runtime.start import Runtime

PREFECT = Person("prefect", frozenset({"responder"}))


class FlowHost:
    """The host of flows, over one service."""

    def __init__(self, service: Service, public_url: str) -> None:
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
        return views_of(view, self.public_url)


def views_of(view: IncidentView, public_url: str) -> Views:
    """Summary, clocks, evidence and links; no sealed fact and no text of people."""
    clocks = tuple(
        {"clock": c["title"], "law": c["citation"], "state": c["state"], "due": c.get("due") or "no outer limit"}
        for c in view.clocks.values()
    )
    evidence = tuple(
        {"what": e["name"], "sha256": e["sha256"], "bytes": e["size"], "kept": e["kept_at"]} for e in view.evidence
    )
    incident = f"{public_url}/api/v1/incidents/{view.id}"
    links = {"incident": incident, "timeline": f"{incident}/timeline", "report": f"{incident}/report"}
    return Views(summary=_summary(view), clocks=clocks, evidence=evidence, links=links)


def _summary(view: IncidentView) -> str:
    open_clocks = sum(clock["state"] not in SETTLED_CLOCKS for clock in view.clocks.values())
    lines = [
        f"# {view.id}: {view.title}",
        "",
        f"- state: **{view.state}**, severity **{view.severity}**, type `{view.type}`",
        f"- opened {view.opened_at} by {view.opened_by}",
        f"- playbook {view.playbook} {view.version}, plan `{view.plan_digest[:12]}`",
        f"- {len(view.clocks)} clocks, {open_clocks} open; {len(view.evidence)} pieces of evidence",
        "",
        "## Waiting for people",
        *(
            [f"- T{task.number} ({task.role}, due {task.due_at}): {task.question}" for task in view.open_tasks()]
            or ["- nobody"]
        ),
    ]
    return "\n".join(lines)


async def start_bridge(runtime: Runtime) -> PrefectBridge:
    """Start the bridge for this process; it returns at once and gets ready in the background."""
    from firedoor.runtime.prefect_bridge import PrefectBridge
    from firedoor.runtime.prefect_settings import choose

    store = runtime.world.store

    async def recall(incident: str) -> str | None:
        return await asyncio.to_thread(drives.flow_run, store, incident)

    async def remember(incident: str, flow_run_id: str) -> None:
        await asyncio.wrap_future(drives.set_flow_run(store, incident, flow_run_id))

    async def shown(incident: str) -> None:
        row = await asyncio.to_thread(store.incident, incident)
        await asyncio.wrap_future(drives.set_shown(store, incident, row["head_seq"]))

    settings = await asyncio.to_thread(choose, runtime.settings.data_dir)
    host = FlowHost(runtime.service, f"http://{runtime.settings.host}:{runtime.settings.port}")
    bridge = PrefectBridge(settings, host, runtime.shelf.playbooks.values(), recall, remember, shown)
    await bridge.start()
    # A process that was killed may have closed incidents whose runs still say Running, and nobody else knows.
    for incident in await asyncio.to_thread(drives.unshown, store):
        row = await asyncio.to_thread(store.incident, incident)
        bridge.show_later(incident, row["playbook"])
    return bridge
