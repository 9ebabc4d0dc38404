"""The one door between Firedoor and Prefect, for `firedoor up` and for a warm worker.

Decides when Prefect takes part: it shows and performs where it can within a short bound, and is left out where it
cannot (`PrefectAway`); what it missed, the catch-up shows from the journal. Nothing here is needed for an incident
to be contained or for a clock to run.

Two event loops: the caller's, in which conductors, stores and connectors live, and Prefect's, in its own thread.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from concurrent.futures import Future
from typing import Literal

from firedoor.runtime.execution.performer import Backlog, Conduct, Host, PrefectAway, Unshown, use_host
from firedoor.runtime.prefect.catch_up import CatchUp
from firedoor.runtime.prefect.flow import Given
from firedoor.runtime.prefect.performance import Performance, Stagehand
from firedoor.runtime.prefect.runs import Recall, Remember
from firedoor.runtime.prefect.server import State
from firedoor.runtime.prefect.session import Session
from firedoor.runtime.prefect.settings import PrefectSettings
from firedoor.runtime.prefect.thread import PrefectThread, in_loop

BOUND = 2.0  # seconds for Prefect to enter a flow run before the incident goes on without it
STOPPING = 8.0  # seconds for the runs to end their book-keeping when we stop

log = logging.getLogger(__name__)

__all__ = ["PrefectAway", "PrefectBridge"]


class PrefectBridge:
    """Start it, give it incidents, stop it. Every method is called from the loop in which `start` was called.

    `host` opens, conducts and describes incidents; `recall` and `remember` keep an incident's flow run id;
    `playbooks` are deployed under their own names; `backlog` knows what has still to be shown.
    `installation` is our name where others use the same Prefect server.
    """

    def __init__(
        self,
        settings: PrefectSettings,
        host: Host,
        playbooks: Iterable[Given],
        recall: Recall,
        remember: Remember,
        backlog: Backlog | None = None,
        *,
        installation: str,
    ) -> None:
        self.settings = settings
        self.bound = BOUND
        self._host = host
        self._recall = recall
        self._remember = remember
        self._backlog = backlog
        self._thread = PrefectThread()
        self.session = Session(
            settings, playbooks, self._recall_at_home, self._remember_at_home, self._untouched, installation
        )
        self._drives: dict[str, Future[None]] = {}
        self.catch_up = CatchUp(backlog, self.session, self._thread, self._drives.keys) if backlog else None

    @property
    def state(self) -> State | Literal["taken"]:
        """starting, ready, away, or taken: the work pool is another installation's.

        Ready means that the playbooks are deployed and runs can be driven.
        """
        if self.session.ready:
            return "ready"
        if self.session.taken and self.session.server_state == "ready":
            return "taken"
        return "away" if self.session.server_state == "away" or self._running.done() else "starting"

    async def start(self) -> None:
        """Begin to start the server, the deployments and the worker. Returns at once."""
        self._home = asyncio.get_running_loop()
        self._stagehand = Stagehand(self._home, self._host, self._remember)
        self._undo = self.settings.apply()
        use_host(self._stagehand)
        self._thread.start()
        self._running = self._thread.submit(self.session.run(self._thread))
        self._running.add_done_callback(_report)
        if self.catch_up:
            self._catching_up = self._home.create_task(self.catch_up.forever(), name="catch-up")

    async def stop(self) -> None:
        """Stop driving, then the worker and the server. No process is left."""
        if self.catch_up:
            self._catching_up.cancel()
            self.catch_up.stop()
        self._stagehand.close()
        drives = [asyncio.wrap_future(drive) for drive in self._drives.values() if not drive.done()]
        if drives:
            await asyncio.wait(drives, timeout=STOPPING)
        await in_loop(self._thread.loop, self.session.end())
        await asyncio.to_thread(self._thread.stop)
        use_host(None)
        self._undo()

    async def run_incident(self, incident_id: str, playbook_name: str, conduct: Conduct) -> str:
        """Conduct an incident as its flow run and return what the conductor returned.

        Raises PrefectAway, without having called the conductor, when Prefect does not take part within `bound`
        seconds. The incident then goes on without it, and is shown later from its journal.
        """
        if not self.session.ready:
            raise _missed(incident_id, f"Prefect is {self.state}")
        if playbook_name not in self.session.deployed:
            raise PrefectAway(f"{playbook_name} is not deployed")
        await self._previous_drive(incident_id)
        performance = Performance(conduct)
        self._stagehand.offer(incident_id, performance)
        work = self.session.drive_incident(incident_id, playbook_name, lambda: not performance.withdrawn)
        drive = self._thread.submit(work)
        self._drives[incident_id] = drive
        if not await self._entered(performance, drive, incident_id):
            performance.withdrawn = True
            raise _missed(incident_id, _reason(drive, self.bound))
        return await performance.outcome

    def deploy(self, playbooks: Iterable[Given]) -> None:
        """Deploy these playbooks instead, in the background: one was added or changed while we run."""
        self._thread.submit(self.session.deploy(tuple(playbooks))).add_done_callback(_quietly)

    async def flow_run_url(self, incident_id: str) -> str | None:
        """The page of the incident's flow run in Prefect, None before it has one."""
        flow_run_id = await self._recall(incident_id)
        return f"{self.settings.ui_url}/runs/flow-run/{flow_run_id}" if flow_run_id else None

    async def _previous_drive(self, incident_id: str) -> None:
        """Let the run end its book-keeping (artifacts, suspension) before it is driven again."""
        previous = self._drives.get(incident_id)
        if previous is None or previous.done():
            return
        await asyncio.wait([_watched(previous)], timeout=BOUND)
        if not previous.done():
            raise _missed(incident_id, "its run is still being driven")

    async def _entered(self, performance: Performance, drive: Future[None], incident_id: str) -> bool:
        entered: asyncio.Future[bool] = asyncio.ensure_future(performance.entered.wait())
        driven = _watched(drive)
        driven.add_done_callback(lambda done: self._driven(done, incident_id, performance))
        await asyncio.wait([entered, driven], timeout=self.bound, return_when=asyncio.FIRST_COMPLETED)  # type: ignore[type-var]
        entered.cancel()
        return performance.entered.is_set()

    def _driven(self, done: asyncio.Future[None], incident_id: str, performance: Performance) -> None:
        """Forget a drive that has ended; one that Prefect broke off is left to the catch-up."""
        drive = self._drives.get(incident_id)
        if drive is not None and drive.done():
            del self._drives[incident_id]
        if not done.cancelled() and done.exception() is not None:
            log.info("%s is shown again later: %s", incident_id, done.exception())
        elif self.catch_up and not done.cancelled() and performance.ended in ("closed", "waiting"):
            self.catch_up.driven(incident_id)

    async def _untouched(self, one: Unshown) -> bool:
        """Asked in Prefect's loop, answered in ours."""
        return self._backlog is not None and await in_loop(self._home, self._backlog.untouched(one))

    async def _recall_at_home(self, incident_id: str) -> str | None:
        async def recalled() -> str | None:
            return await self._recall(incident_id)

        return await in_loop(self._home, recalled())

    async def _remember_at_home(self, incident_id: str, flow_run_id: str) -> None:
        async def remembered() -> None:
            await self._remember(incident_id, flow_run_id)

        await in_loop(self._home, remembered())


def _watched(drive: Future[None]) -> asyncio.Future[None]:
    """Wait for a drive without cancelling it, and without a complaint about an exception that nobody read."""
    future = asyncio.wrap_future(drive)
    shielded = asyncio.shield(future)
    for one in (future, shielded):
        one.add_done_callback(lambda done: done.cancelled() or done.exception())
    return shielded


def _missed(incident_id: str, why: str) -> PrefectAway:
    return PrefectAway(f"{incident_id} goes on without Prefect: {why}")


def _reason(drive: Future[None], bound: float) -> str:
    if drive.done() and not drive.cancelled() and (error := drive.exception()):
        return f"{type(error).__name__}: {error}"
    return f"no flow run was entered within {bound:g} s"


def _report(session: Future[None]) -> None:
    if not session.cancelled() and (error := session.exception()) and not isinstance(error, asyncio.CancelledError):
        log.error("Prefect is not shown any more: %r", error, exc_info=error)


def _quietly(created: Future[None]) -> None:
    if not created.cancelled() and (error := created.exception()):
        log.info("Prefect did not do what can wait: %s", error)
