"""Shows incidents in Prefect straight from their journals, without running a flow.

Decides in which order: the run is there, then every task run, then the state that the journal says, then the
artifacts. Everything may be done twice and by two processes without harm, and asks the server as little as it can.
Leaves to `catch_up` which incidents, when, and what becomes of those that could not be shown.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from firedoor.core.isolated import Failed, Fault, each
from firedoor.runtime.execution.performer import Json, Unshown
from firedoor.runtime.prefect import artifacts
from firedoor.runtime.prefect.deployments import Deployed
from firedoor.runtime.prefect.runs import Runs
from firedoor.runtime.prefect.task_runs import event_of, finished, state_of, task_run_id
from firedoor.runtime.prefect.waiting import CANCELLED, waiting

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.objects import FlowRun, State, TaskRun

PAGE = 200  # the most that Prefect's server lists at once
EVENTS = 100  # in one request
WRITTEN = 6.0  # seconds for the server to write task runs; otherwise they are looked for again later
TICK = timedelta(microseconds=1)
WITHOUT = "Conducted without Prefect"

log = logging.getLogger(__name__)

Untouched = Callable[[Unshown], Awaitable[bool]]


class Showing:
    """Shows batches of incidents. Only for Prefect's loop."""

    def __init__(self, client: PrefectClient, runs: Runs, untouched: Untouched) -> None:
        self._client = client
        self._runs = runs
        self._untouched = untouched

    async def show(self, batch: Sequence[Unshown], deployed: Mapping[str, Deployed], shown: set[str]) -> None:
        """Show these incidents; each that is shown to its end is added to `shown` at once, however this ends."""
        there = await self._runs.found([one.flow_run_id for one in batch if one.flow_run_id])
        runs: dict[str, FlowRun] = {}
        for one in batch:
            run = there.get(one.flow_run_id or "") or await self._created(one, deployed.get(one.playbook))
            if run:
                runs[one.incident] = run
        here = [one for one in batch if one.incident in runs]
        whole = await self._write_task_runs(here, {name: run.id for name, run in runs.items()})
        ready = [one for one in here if one.incident in whole and await self._set_state(one, runs[one.incident])]
        for one in ready:
            await self._write_artifacts(one, runs[one.incident])
            shown.add(one.incident)

    async def _created(self, one: Unshown, deployed: Deployed | None) -> FlowRun | None:
        from prefect.states import Running

        if deployed is None:
            return None  # a run needs a deployment; the playbook may come back
        state: State[object] = Running(message=WITHOUT) if one.ended else waiting(f"{WITHOUT}.")
        try:
            return await self._runs.create(one.incident, deployed, state)
        except Exception as error:  # noqa: BLE001 - one that cannot be shown must not hide the others
            log.info("%s has no run in Prefect yet: %s", one.incident, error)
            return None

    async def _write_task_runs(self, batch: Sequence[Unshown], runs: Mapping[str, UUID]) -> set[str]:
        """Write what is missing, and wait until the server has written it. Returns the incidents that are whole."""
        failed: dict[str, Fault] = {}  # these are shown later, and hide none of the others
        missing = await self._missing(batch, runs, failed)
        events = [event for found in missing.values() for event in found]
        for first in range(0, len(events), EVENTS):
            await self._client.request("POST", cast("Any", "/events"), json=events[first : first + EVENTS])
        end = asyncio.get_running_loop().time() + WRITTEN
        while any(missing.values()) and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.5)
            missing = await self._missing([one for one in batch if missing.get(one.incident)], runs, failed)
        for name, fault in failed.items():
            log.warning("%s cannot be shown in Prefect: %s", name, fault.words)
        late = {name for name, found in missing.items() if found}
        return {one.incident for one in batch} - late - failed.keys()

    async def _missing(
        self, batch: Sequence[Unshown], runs: Mapping[str, UUID], failed: Failed
    ) -> dict[str, list[Json]]:
        """The events that would complete each incident's task runs."""
        there = await self._task_runs([runs[one.incident] for one in batch])

        def events(one: Unshown) -> tuple[str, list[Json]]:
            run = runs[one.incident]
            known = ((view, outcome, there.get(task_run_id(run, view.id))) for view, outcome in one.operations)
            return one.incident, [
                event_of(*finished(run, view, outcome, _after(task_run)))
                for view, outcome, task_run in known
                if not _says(task_run, state_of(outcome))
            ]

        return dict(each(batch, events, failed, lambda one: one.incident))

    async def _task_runs(self, flow_runs: Sequence[UUID]) -> dict[UUID, TaskRun]:
        from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

        chosen = FlowRunFilter(id=FlowRunFilterId(any_=list(flow_runs)))
        found: dict[UUID, TaskRun] = {}
        while True:
            page = await self._client.read_task_runs(flow_run_filter=chosen, limit=PAGE, offset=len(found))
            found.update((task_run.id, task_run) for task_run in page)
            if len(page) < PAGE:
                return found

    async def _set_state(self, one: Unshown, run: FlowRun) -> bool:
        """Set the state that the journal says, unless somebody drives the incident again."""
        try:
            states = _states(one, run)
            if states and not await self._untouched(one):
                return False
            for state in states:
                await self._client.set_flow_run_state(run.id, state, force=True)
        except Exception as error:  # noqa: BLE001 - the others come next
            log.info("the state of %s was not set: %s", one.incident, error)
            return False
        return True

    async def _write_artifacts(self, one: Unshown, run: FlowRun) -> None:
        links = "".join(f"\n- [{name}]({address})" for name, address in one.views.links.items())
        views = replace(one.views, summary=f"{one.views.summary}\n{links}", links={})  # one request instead of four
        try:
            await artifacts.show(self._client, run.id, one.incident, views)
        except Exception as error:  # noqa: BLE001 - they are for looking at; the run's state matters more
            log.info("the artifacts of %s were not written: %s", one.incident, error)


def _states(one: Unshown, run: FlowRun) -> list[State[object]]:
    """The states still to be set. A run that people sent on is left to them; one that they cancelled waits again.

    A run that says "Cancelled" while duties are running would be believed.
    """
    from prefect.states import Completed, Running

    now = run.state
    if one.ended:
        began: list[State[object]] = []
        if run.start_time is None and not (now and now.is_running()):
            began = [Running(message=WITHOUT)]  # gives the run a time of beginning
        return [] if now and now.is_completed() else [*began, Completed(message="Shown from the journal")]
    if now and (now.is_paused() or now.is_scheduled()):
        return []
    return [waiting(CANCELLED if now and (now.is_cancelled() or now.is_cancelling()) else "")]


def _says(task_run: TaskRun | None, state: State[object]) -> bool:
    return bool(task_run and task_run.state and task_run.state.type == state.type)


def _after(task_run: TaskRun | None) -> datetime | None:
    return task_run.state.timestamp + TICK if task_run and task_run.state else None
