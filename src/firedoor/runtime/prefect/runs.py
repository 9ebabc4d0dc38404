"""Flow runs of incidents: which one belongs to which incident, and how it becomes ready to run here.

Decides that an incident has one flow run for its whole life, through suspensions and crashes. The incident is the
truth: whatever state Prefect left the run in, it is set to Pending when there is work to do.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from firedoor.runtime.execution.performer import PrefectAway
from firedoor.runtime.prefect.deployments import Deployed

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.objects import FlowRun, State

Recall = Callable[[str], Awaitable[str | None]]
Remember = Callable[[str, str], Awaitable[None]]

NOT_OURS = "Not driven: Firedoor drives runs of deployments that it made and nobody has changed, and runs no other code"
STALE_CRASH = timedelta(seconds=8)  # a process worker reports one crash twice, the second time 4 to 7 s later


class Runs:
    """The flow runs of incidents. `recall` and `remember` keep the flow run's id with the incident.

    `installation` tells our incidents from those of another installation on the same server, which have the same names.
    """

    def __init__(self, client: PrefectClient, recall: Recall, remember: Remember, installation: str) -> None:
        self._installation = installation
        self._client = client
        self._recall = recall
        self._remember = remember

    async def ensure(self, incident_id: str, deployed: Deployed) -> FlowRun:
        """Return the incident's flow run; create it in state Pending where it has none, so that no worker takes it."""
        return await self._existing(incident_id) or await self.create(incident_id, deployed)

    async def ready(self, incident_id: str, deployed: Deployed, driving: Collection[UUID] = ()) -> FlowRun:
        """Return the flow run in state Pending, whatever state it is in. Raises PrefectAway right after a crash."""
        run = await self.ensure(incident_id, deployed)
        if run.id in driving:
            raise PrefectAway(f"{incident_id}: its run is being driven already")
        if run.state is None or run.state.is_pending():
            return run
        if run.state.is_crashed() and datetime.now(UTC) - run.state.timestamp < STALE_CRASH:
            raise PrefectAway(f"{incident_id}: a worker may report its crash a second time")
        from prefect.states import Pending

        why = f"The incident goes on; the run was {run.state.name}"
        await self._client.set_flow_run_state(run.id, Pending(message=why), force=True)
        return await self._client.read_flow_run(run.id)

    async def requeue(self, run: FlowRun) -> None:
        """Give a run that nobody drives any more back to the work pool: any worker may take it from here."""
        from prefect.states import AwaitingRetry

        why = "The process that drove this run has ended"
        await self._client.set_flow_run_state(run.id, AwaitingRetry(message=why), force=True)

    async def refuse(self, run: FlowRun) -> None:
        """End a run that is not ours to drive, and say why on its page."""
        from prefect.states import Cancelled

        await self._client.set_flow_run_state(run.id, Cancelled(message=NOT_OURS), force=True)

    async def _existing(self, incident_id: str) -> FlowRun | None:
        from prefect.exceptions import ObjectNotFound

        known = await self._recall(incident_id)
        try:
            return await self._client.read_flow_run(UUID(known)) if known else None
        except (ObjectNotFound, ValueError):
            return None  # another server, or its database was lost: the incident gets a new run

    async def create(self, incident_id: str, deployed: Deployed, state: State[object] | None = None) -> FlowRun:
        """Create the incident's flow run, and remember it; the one that there is already is returned as it is."""
        from prefect.states import Pending

        run = await self._client.create_flow_run_from_deployment(
            deployed.id,
            parameters={"incident": incident_id},
            state=state or Pending(),
            name=incident_id,
            idempotency_key=f"{self._installation}:{incident_id}",
        )
        await self._remember(incident_id, str(run.id))
        return run

    async def found(self, flow_run_ids: Collection[str]) -> dict[str, FlowRun]:
        """Those of these flow runs that Prefect has, at most 200 of them."""
        from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

        if not flow_run_ids:
            return {}
        chosen = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(one) for one in flow_run_ids]))
        return {str(run.id): run for run in await self._client.read_flow_runs(flow_run_filter=chosen)}


async def left_behind(client: PrefectClient, deployments: Collection[UUID], driving: Collection[UUID]) -> list[FlowRun]:
    """Return the runs of these deployments that neither wait nor have completed, and that this process does not drive.

    The oldest 200 that Prefect takes to be under way, and the newest 50 each that have failed or that somebody has
    cancelled: a run that nobody could open an incident for stays so for ever, and many must not hide the others.
    """
    from prefect.client.schemas.filters import (
        DeploymentFilter,
        DeploymentFilterId,
        FlowRunFilter,
        FlowRunFilterState,
        FlowRunFilterStateType,
    )
    from prefect.client.schemas.objects import StateType
    from prefect.client.schemas.sorting import FlowRunSort

    ours = DeploymentFilter(id=DeploymentFilterId(any_=list(deployments)))
    under_way = [StateType.RUNNING, StateType.PENDING, StateType.CANCELLING, StateType.CRASHED]
    found: list[FlowRun] = []
    for types, sort, limit in (
        (under_way, FlowRunSort.EXPECTED_START_TIME_ASC, 200),
        ([StateType.FAILED], FlowRunSort.EXPECTED_START_TIME_DESC, 50),
        ([StateType.CANCELLED], FlowRunSort.EXPECTED_START_TIME_DESC, 50),
    ):
        state = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=types)))
        found += await client.read_flow_runs(deployment_filter=ours, flow_run_filter=state, sort=sort, limit=limit)
    return [run for run in found if run.id not in driving]
