"""Flow runs of incidents: which one belongs to which incident, and how it becomes ready to run here.

Decides that an incident has one flow run for its whole life, through suspensions and crashes. The incident is the
truth: whatever state Prefect left the run in, it is set to Pending when there is work to do.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from firedoor.runtime.prefect_deployments import Deployed

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.objects import FlowRun

Recall = Callable[[str], Awaitable[str | None]]
Remember = Callable[[str, str], Awaitable[None]]

STALE_CRASH = timedelta(seconds=8)  # a process worker reports one crash twice, the second time 4 to 7 s later


class PrefectAway(Exception):
    """Prefect cannot show this now. Drive the incident without it; it is shown later."""


class Runs:
    """The flow runs of incidents. `recall` and `remember` keep the flow run's id with the incident."""

    def __init__(self, client: PrefectClient, recall: Recall, remember: Remember) -> None:
        self._client = client
        self._recall = recall
        self._remember = remember

    async def ensure(self, incident_id: str, deployed: Deployed) -> FlowRun:
        """Return the incident's flow run; create it in state Pending where it has none, so that no worker takes it."""
        return await self._existing(incident_id) or await self._create(incident_id, deployed)

    async def ready(self, incident_id: str, deployed: Deployed) -> FlowRun:
        """Return the flow run in state Pending, from whatever state it is in. Raises PrefectAway right after a crash."""
        run = await self.ensure(incident_id, deployed)
        if run.state is None or run.state.is_pending():
            return run
        if run.state.is_crashed() and datetime.now(UTC) - run.state.timestamp < STALE_CRASH:
            raise PrefectAway(f"{incident_id}: a worker may report its crash a second time")
        from prefect.states import Pending

        why = f"The incident goes on; the run was {run.state.name}"
        await self._client.set_flow_run_state(run.id, Pending(message=why), force=True)
        return await self._client.read_flow_run(run.id)

    async def _existing(self, incident_id: str) -> FlowRun | None:
        from prefect.exceptions import ObjectNotFound

        known = await self._recall(incident_id)
        try:
            return await self._client.read_flow_run(UUID(known)) if known else None
        except (ObjectNotFound, ValueError):
            return None  # another server, or its database was lost: the incident gets a new run

    async def _create(self, incident_id: str, deployed: Deployed) -> FlowRun:
        from prefect.states import Pending

        run = await self._client.create_flow_run_from_deployment(
            deployed.id,
            parameters={"incident": incident_id},
            state=Pending(),
            name=incident_id,
            idempotency_key=incident_id,
        )
        await self._remember(incident_id, str(run.id))
        return run
