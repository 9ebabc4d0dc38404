"""The one door between Firedoor and Prefect, for `firedoor up` and for a warm worker.

Decides when Prefect takes part: it shows and performs where it can within a short bound, and is left out where it
cannot (`PrefectAway`); what it missed is shown later from the journal. Nothing here is needed for an incident to be
contained or for a clock to run.

Two event loops: the caller's, in which conductors, stores and connectors live, and Prefect's, in its own thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any
from uuid import UUID

from firedoor.runtime.prefect_flow import PlaybookLike
from firedoor.runtime.prefect_ports import Conduct, Host, Json, Performer, Shown, Views, use_host
from firedoor.runtime.prefect_runs import PrefectAway, Recall, Remember, Runs
from firedoor.runtime.prefect_server import PrefectServer, State
from firedoor.runtime.prefect_settings import WORK_POOL, PrefectSettings
from firedoor.runtime.prefect_thread import PrefectThread, in_loop

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun

    from firedoor.runtime.prefect_deployments import Deployed

BOUND = 2.0  # seconds for Prefect to enter a flow run before the incident goes on without it
LATER = 3.0  # seconds between two looks at what has still to be shown
STOPPING = 8.0

log = logging.getLogger(__name__)

__all__ = ["PrefectAway", "PrefectBridge"]


class Performance:
    """One call of a conductor, offered to Prefect: whoever is late finds it withdrawn. Lives in the caller's loop."""

    def __init__(self, conduct: Conduct) -> None:
        self._conduct = conduct
        self.entered = asyncio.Event()
        self.withdrawn = False
        self.outcome: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def play(self, incident_id: str, performer: Performer, shown: Shown) -> str:
        """Conduct on behalf of the flow run that asks, unless it asks too late."""
        if self.withdrawn or self.entered.is_set():
            return "lost_lease"
        self.entered.set()
        work = asyncio.ensure_future(self._conduct(incident_id, performer, shown))
        self.outcome.add_done_callback(lambda outcome: work.cancel() if outcome.cancelled() else None)
        try:
            result = await work
        except asyncio.CancelledError:
            return "lost_lease"  # we are being stopped; the run keeps its state and goes on after the next start
        except Exception as error:
            if not self.outcome.done():
                self.outcome.set_exception(error)
            raise
        if not self.outcome.done():
            self.outcome.set_result(result)
        return result


class PrefectBridge:
    """Start it, give it incidents, stop it. Every method is called from the loop in which `start` was called.

    `host` opens, conducts and describes incidents; `recall` and `remember` keep an incident's flow run id.
    """

    def __init__(
        self,
        settings: PrefectSettings,
        host: Host,
        playbooks: Iterable[PlaybookLike],
        recall: Recall,
        remember: Remember,
    ) -> None:
        self.settings = settings
        self._host = host
        self._playbooks = tuple(playbooks)
        self._recall = recall
        self._remember = remember
        self._thread = PrefectThread()
        self._server: PrefectServer | None = None
        self._session: Future[None] | None = None
        self._deployed: dict[str, Deployed] = {}
        self._runs: Runs | None = None
        self._performances: dict[str, Performance] = {}
        self._drives: dict[str, Future[None]] = {}
        self._driving: set[UUID] = set()
        self._behind: dict[str, str] = {}
        self._later: asyncio.Task[None] | None = None
        self._ready = False
        self._changed: asyncio.Event | None = None

    # --- in the caller's loop -------------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """starting, ready or away. Ready means that the playbooks are deployed and runs can be driven."""
        if self._ready:
            return "ready"
        return "starting" if self._server is None or self._server.state != "away" else "away"

    async def start(self) -> None:
        """Begin to start the server, the deployments and the worker. Returns at once."""
        self._home = asyncio.get_running_loop()
        self.settings.apply()
        use_host(_AcrossLoops(self))
        self._thread.start()
        self._session = self._thread.submit(self._run_session())
        self._session.add_done_callback(_report)
        self._later = self._home.create_task(self._keep_up())

    async def stop(self) -> None:
        """Stop driving, then the worker and the server. No process is left."""
        if self._later:
            self._later.cancel()
        for performance in self._performances.values():
            performance.outcome.cancel()
        drives = [asyncio.wrap_future(drive) for drive in self._drives.values() if not drive.done()]
        if drives:
            await asyncio.wait(drives, timeout=STOPPING)
        if self._session:
            self._session.cancel()
            await in_loop(self._thread.loop, self._end_server())
        await asyncio.to_thread(self._thread.stop)
        use_host(None)

    async def run_incident(self, incident_id: str, playbook_name: str, conduct: Conduct) -> str:
        """Conduct an incident as its flow run and return what the conductor returned.

        Raises PrefectAway, without having called the conductor, when Prefect does not take part within `BOUND`; the
        incident is then shown by itself later, from its journal.
        """
        if not self._ready or playbook_name not in self._deployed:
            raise self._missed(incident_id, playbook_name, f"Prefect is {self.state}")
        await self._previous_drive(incident_id, playbook_name)
        performance = self._performances[incident_id] = Performance(conduct)
        drive = self._drives[incident_id] = self._thread.submit(self._drive_incident(incident_id, playbook_name))
        await self._wait_for_entry(performance, drive)
        if not performance.entered.is_set():
            performance.withdrawn = True
            raise self._missed(incident_id, playbook_name, _reason(drive))
        return await performance.outcome

    async def show_later(self, incident_id: str, playbook_name: str) -> None:
        """Show an incident that was conducted without Prefect, as soon as Prefect is there. Returns at once."""
        self._behind[incident_id] = playbook_name

    show_closed = show_later

    async def flow_run_url(self, incident_id: str) -> str | None:
        """The page of the incident's flow run in Prefect, None before it has one."""
        flow_run_id = await self._recall(incident_id)
        return f"{self.settings.ui_url}/runs/flow-run/{flow_run_id}" if flow_run_id else None

    async def _previous_drive(self, incident_id: str, playbook_name: str) -> None:
        """Let the run end its book-keeping (artifacts, suspension) before it is driven again."""
        previous = self._drives.get(incident_id)
        if previous is None or previous.done():
            return
        await asyncio.wait([asyncio.wrap_future(previous)], timeout=BOUND)
        if not previous.done():
            raise self._missed(incident_id, playbook_name, "the run is still being driven")

    async def _wait_for_entry(self, performance: Performance, drive: Future[None]) -> None:
        entered = asyncio.ensure_future(performance.entered.wait())
        ended = asyncio.wrap_future(drive)
        ended.add_done_callback(lambda future: future.cancelled() or future.exception())
        await asyncio.wait([entered, ended], timeout=BOUND, return_when=asyncio.FIRST_COMPLETED)
        entered.cancel()

    def _missed(self, incident_id: str, playbook_name: str, why: str) -> PrefectAway:
        self._behind[incident_id] = playbook_name
        return PrefectAway(f"{incident_id} goes on without Prefect: {why}")

    async def _keep_up(self) -> None:
        """Show, in the background, what Prefect has missed."""
        while True:
            await asyncio.sleep(LATER)
            for incident_id, playbook_name in list(self._behind.items()) if self._ready else []:
                with contextlib.suppress(PrefectAway):
                    await self._catch_up(incident_id, playbook_name)

    async def _catch_up(self, incident_id: str, playbook_name: str) -> None:
        try:
            outcome = await self.run_incident(incident_id, playbook_name, self._host.conduct)
        except PrefectAway:
            raise
        except Exception as error:
            log.warning("%s cannot be shown in Prefect: %s", incident_id, error)
            outcome = "closed"
        if outcome != "lost_lease":
            self._behind.pop(incident_id, None)

    # --- in Prefect's loop ----------------------------------------------------------------------------------------

    async def _run_session(self) -> None:
        self._changed = asyncio.Event()
        self._server = PrefectServer(self.settings, self._server_changed)
        self._server.start()
        await asyncio.sleep(0)  # the child starts its imports while we do ours
        from firedoor.runtime import prefect_worker  # noqa: F401 - the slow imports, while the server starts
        from firedoor.runtime.prefect_client import shared_client

        async with shared_client() as client:
            self._thread.adopt()
            self._runs = Runs(client, self._recall_at_home, self._remember_at_home)
            while True:
                await self._server_is("ready")
                worker = asyncio.create_task(self._serve(client))
                await self._server_is("away")
                self._ready = False
                worker.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await worker

    async def _serve(self, client: Any) -> None:  # noqa: ANN401 - a PrefectClient
        """Deploy the playbooks, then take runs of the pool; start over for as long as the server lives."""
        while True:
            try:
                from firedoor.runtime.prefect_deployments import apply_all
                from firedoor.runtime.prefect_worker import WarmWorker

                self._deployed = await apply_all(client, self._playbooks)
                self._ready = True
                await WarmWorker(WORK_POOL, self._drive_scheduled).start(printer=log.debug)
            except Exception as error:
                log.warning("Prefect's worker starts over: %s", error)
            await asyncio.sleep(1)

    async def _end_server(self) -> None:
        if self._server:
            await self._server.stop()

    def _server_changed(self, state: State) -> None:
        if state != "ready":
            self._ready = False
        if self._changed:
            self._changed.set()

    async def _server_is(self, state: State) -> None:
        assert self._server and self._changed
        while self._server.state != state:
            self._changed.clear()
            await self._changed.wait()

    async def _drive_incident(self, incident_id: str, playbook_name: str) -> None:
        assert self._runs
        deployed = self._deployed[playbook_name]
        run = await self._runs.ready(incident_id, deployed)
        await self._drive(run, deployed.flow, {"incident": incident_id})

    async def _drive_scheduled(self, run: FlowRun) -> None:
        """Drive a run that somebody started or resumed from Prefect's own pages or API."""
        from prefect.flows import load_flow_from_flow_run

        for deployed in self._deployed.values():
            if deployed.id == run.deployment_id:
                return await self._drive(run, deployed.flow, run.parameters)
        flow = await load_flow_from_flow_run(flow_run=run)
        return await self._drive(run, flow, run.parameters)

    async def _drive(self, run: FlowRun, flow: Any, parameters: Json) -> None:  # noqa: ANN401 - a Flow
        from prefect.exceptions import Abort, Pause
        from prefect.flow_engine import run_flow

        if run.id in self._driving:
            raise PrefectAway("the run is being driven already")
        self._driving.add(run.id)
        try:
            with contextlib.suppress(Abort, Pause):
                await run_flow(flow, flow_run=run, parameters=parameters, return_type="state")
        finally:
            self._driving.discard(run.id)

    async def _recall_at_home(self, incident_id: str) -> str | None:
        return await in_loop(self._home, _call(self._recall(incident_id)))

    async def _remember_at_home(self, incident_id: str, flow_run_id: str) -> None:
        await in_loop(self._home, _call(self._remember(incident_id, flow_run_id)))


class _AcrossLoops:
    """The host as flows in this process see it: asked in Prefect's loop, answered in the caller's."""

    def __init__(self, bridge: PrefectBridge) -> None:
        self._bridge = bridge

    async def open_incident(self, playbook: Any, facts: Json, title: str, why: str, flow_run_id: str) -> str:  # noqa: ANN401
        bridge = self._bridge
        incident_id = await in_loop(bridge._home, bridge._host.open_incident(playbook, facts, title, why, flow_run_id))
        await bridge._remember_at_home(incident_id, flow_run_id)
        return incident_id

    async def conduct(self, incident_id: str, performer: Performer, shown: Shown) -> str:
        bridge = self._bridge
        performance = bridge._performances.get(incident_id)
        if performance is None or performance.outcome.done():
            return await in_loop(bridge._home, bridge._host.conduct(incident_id, performer, shown))
        return await in_loop(bridge._home, performance.play(incident_id, performer, shown))

    async def views(self, incident_id: str) -> Views:
        return await in_loop(self._bridge._home, self._bridge._host.views(incident_id))


async def _call(awaitable: Any) -> Any:  # noqa: ANN401
    return await awaitable


def _report(session: Future[None]) -> None:
    if not session.cancelled() and (error := session.exception()):
        log.error("Prefect is not shown any more: %r", error, exc_info=error)


def _reason(drive: Future[None]) -> str:
    if drive.done() and not drive.cancelled() and (error := drive.exception()):
        return f"{type(error).__name__}: {error}"
    return f"no flow run was entered within {BOUND:g} s"
