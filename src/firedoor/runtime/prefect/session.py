"""What goes on in Prefect's own thread: the server is kept running, the playbooks deployed, runs taken and driven.

Decides when runs can be driven at all (`ready`), and what becomes of runs that a crash has left behind. Everything
here may fail or hang with the server; nobody outside waits for it without a bound.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from firedoor.core.problems import Problem
from firedoor.runtime.execution.performer import Json, PrefectAway, Unshown
from firedoor.runtime.prefect.flow import Given
from firedoor.runtime.prefect.runs import Recall, Remember, Runs, left_behind
from firedoor.runtime.prefect.server import PrefectServer, State
from firedoor.runtime.prefect.settings import PrefectSettings
from firedoor.runtime.prefect.show import Showing, Untouched
from firedoor.runtime.prefect.thread import PrefectThread
from firedoor.runtime.prefect.work_pool import Pool, PoolTaken

if TYPE_CHECKING:
    from prefect import Flow
    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.objects import FlowRun

    from firedoor.runtime.prefect.deployments import Deployed

FLUSH = 3.0  # seconds for what is on its way to the server when we stop
AGAIN = 1.0  # seconds before the worker starts over
POOL_AGAIN = 15.0  # seconds before we look whether the work pool is free now

log = logging.getLogger(__name__)


class Session:
    """Prefect's side of the bridge. Except for `ready`, `server_state` and `deployed`, only for use in its own loop."""

    def __init__(
        self,
        settings: PrefectSettings,
        playbooks: Iterable[Given],
        recall: Recall,
        remember: Remember,
        untouched: Untouched,
        installation: str,
    ) -> None:
        self.ready = False
        self.deployed: dict[str, Deployed] = {}
        self._settings = settings
        self._playbooks = tuple(playbooks)
        self._recall, self._remember, self._untouched = recall, remember, untouched
        self.taken: Problem | None = None  # why no run is taken, although the server answers
        self._pool = Pool(settings.work_pool, installation, settings.private)
        self._server: PrefectServer | None = None
        self._changed: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._keeper: PrefectThread | None = None
        self._was_away = False
        self._runs: Runs | None = None
        self._showing: Showing | None = None
        self._client: PrefectClient | None = None
        self._driving: set[UUID] = set()
        self._one_at_a_time = asyncio.Lock()

    @property
    def server_state(self) -> State:
        """What is known of the server."""
        return self._server.state if self._server else "starting"

    @property
    def server_pid(self) -> int | None:
        """The private server's process id, None while it does not run."""
        return self._server.pid if self._server else None

    async def run(self, thread: PrefectThread) -> None:
        """Keep the server running and, whenever it is ready, deploy and take runs. Ends only by cancellation."""
        self._changed, self._task = asyncio.Event(), asyncio.current_task()
        self._loop, self._server = asyncio.get_running_loop(), PrefectServer(self._settings, self._server_changed)
        # Not in this loop: a run that begins waits in it for the server, which somebody has to start again meanwhile.
        self._keeper = PrefectThread("prefect-server")
        self._keeper.start()
        await self._beside(_started(self._server))
        await asyncio.sleep(0)  # the child is started now; its imports and ours take a second or two each
        from firedoor.runtime.prefect import worker  # noqa: F401 - the slow import, while there is time
        from firedoor.runtime.prefect.client import shared_client

        async with shared_client() as client:
            thread.adopt()
            self._runs = Runs(client, self._recall, self._remember, self._pool.installation)
            self._showing = Showing(client, self._runs, self._untouched)
            while True:
                await self._server_is("ready")
                serving = asyncio.create_task(self._serve(client))
                try:
                    await self._server_is("away")
                finally:
                    serving.cancel()
                    await asyncio.wait([serving], timeout=FLUSH)

    async def end(self) -> None:
        """Let the last task runs and log lines be written, then end the server."""
        from prefect._internal.concurrency.services import QueueService
        from prefect.events.worker import EventsWorker
        from prefect.logging.handlers import APILogWorker

        self.ready = False
        if self._task and self._task.cancel():
            await asyncio.wait([self._task], timeout=FLUSH)
        services: tuple[type[QueueService[Any]], ...] = (EventsWorker, APILogWorker)
        for service in services:  # what is still on its way to the server
            with contextlib.suppress(Exception):
                await asyncio.wait_for(cast("Any", service.drain_all(timeout=FLUSH, at_exit=False)), FLUSH + 1)
        if self._server:
            await self._beside(self._server.stop())
        if self._keeper:
            await asyncio.to_thread(self._keeper.stop)

    async def _beside(self, work: Coroutine[object, object, None]) -> None:
        """Do something with the server in the thread that keeps it."""
        await (asyncio.wrap_future(self._keeper.submit(work)) if self._keeper else work)

    async def drive_incident(self, incident_id: str, playbook_name: str, wanted: Callable[[], bool]) -> None:
        """Drive an incident's flow run until it is suspended or completed, if that is still `wanted` at its turn.

        Raises PrefectAway otherwise, and if another drive has it.
        """
        if self._runs is None:
            raise PrefectAway("Prefect has not started")
        deployed = self.deployed[playbook_name]
        async with self._one_at_a_time:  # on SQLite they would only refuse each other
            run = await self._runs.ready(incident_id, deployed, self._driving) if wanted() else None
        if run is None or not wanted():
            raise PrefectAway("nobody waits for it any more")
        await self._drive(run, deployed.flow, {"incident": incident_id})

    async def show(self, batch: Sequence[Unshown], shown: set[str]) -> None:
        """Show incidents from their journals; what is shown to its end is added to `shown` at once."""
        if self._showing is None:
            raise PrefectAway("Prefect has not started")
        await self._showing.show(batch, self.deployed, shown)

    async def left_behind(self) -> list[FlowRun]:
        """The runs that neither wait nor have completed, and that this process does not drive."""
        if self._client is None:
            raise PrefectAway("Prefect has not started")
        return await left_behind(self._client, [deployed.id for deployed in self.deployed.values()], self._driving)

    async def requeue(self, run: FlowRun) -> None:
        """Give a run that nobody drives any more back to the work pool."""
        if self._runs:
            await self._runs.requeue(run)

    async def deploy(self, playbooks: Iterable[Given]) -> None:
        """Deploy these playbooks from now on."""
        from firedoor.runtime.prefect.deployments import apply_all

        self._playbooks = tuple(playbooks)
        if self.ready and self._client:
            self.deployed = await apply_all(self._client, self._playbooks, self._pool)

    async def _serve(self, client: PrefectClient) -> None:
        from firedoor.runtime.prefect.client import take_up_password
        from firedoor.runtime.prefect.deployments import apply_all
        from firedoor.runtime.prefect.worker import WarmWorker

        while True:
            try:
                take_up_password(client, self._settings)
                self._client, self.deployed = client, await apply_all(client, self._playbooks, self._pool)
                self.ready, self.taken = True, None
                await self._find_strays()
                await WarmWorker(self._pool.name, self._drive_scheduled).start(printer=log.debug)
            except PoolTaken as error:
                await self._wait_for_pool(error)
            except Exception as error:  # noqa: BLE001 - whatever it is, the next try may go well
                log.warning("Prefect's worker starts over: %s", error)
            await asyncio.sleep(AGAIN)

    async def _wait_for_pool(self, error: PoolTaken) -> None:
        """Say it once, and look again now and then: somebody may delete the other's pool."""
        self.ready = False
        if self.taken is None:
            log.error("%s", error)
        self.taken = error.problems[0]
        await asyncio.sleep(POOL_AGAIN)

    async def _find_strays(self) -> None:
        """Have those runs run again that an earlier process has left before their incident was opened.

        Only where the server is ours alone; elsewhere the catch-up waits until nobody can be at it any more.
        """
        for run in await self.left_behind() if self._settings.private and self._runs else ():
            ended = run.state is None or run.state.is_failed() or run.state.is_cancelled()
            if not run.parameters.get("incident") and not ended:
                await self.requeue(run)

    def _server_changed(self, state: State) -> None:
        """Called in the thread that keeps the server."""
        if state != "ready":
            self.ready = False
        self._was_away |= state == "away"
        if self._changed and self._loop and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._changed.set)

    async def _server_is(self, state: State) -> None:
        """Wait for a state; one that was away for a moment while this loop was held up counts as away."""
        while self._changed and self.server_state != state and not (state == "away" and self._was_away):
            self._changed.clear()
            await self._changed.wait()
        self._was_away = False

    async def _drive_scheduled(self, run: FlowRun) -> None:
        """Drive a run that somebody started or resumed in Prefect's own pages or API, if its deployment is ours.

        What a deployment or a run names as its code (entrypoint, pull steps, a path) is never loaded: the flow is the
        one that this process has compiled. Whoever may write to Prefect's API could otherwise run any code in here.
        """
        from firedoor.runtime.prefect.deployments import ours

        deployed = await ours(self._client, self.deployed, run.deployment_id) if self._client else None
        if deployed is not None:
            await self._drive(run, deployed.flow, run.parameters)
        elif self._runs:
            log.warning("the flow run %s was not driven: Firedoor did not make its deployment as it is now", run.id)
            await self._runs.refuse(run)

    async def _drive(self, run: FlowRun, flow: Flow[..., Any], parameters: Json) -> None:
        from prefect.exceptions import Abort, Pause
        from prefect.flow_engine import run_flow_async

        if run.id in self._driving:
            raise PrefectAway("the run is being driven already")
        self._driving.add(run.id)
        try:
            with contextlib.suppress(Abort, Pause):
                state = await run_flow_async(flow, flow_run=run, parameters=parameters, return_type="state")
                if state is not None and (state.is_failed() or state.is_crashed()):
                    raise PrefectAway(f"its run ended as {state.name}: {state.message}")
        finally:
            self._driving.discard(run.id)


async def _started(server: PrefectServer) -> None:
    server.start()
