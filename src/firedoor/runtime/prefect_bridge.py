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
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass

from firedoor.runtime.prefect_flow import Given
from firedoor.runtime.prefect_performance import Performance, Stagehand
from firedoor.runtime.prefect_ports import Conduct, Host, use_host
from firedoor.runtime.prefect_runs import PrefectAway, Recall, Remember
from firedoor.runtime.prefect_server import State
from firedoor.runtime.prefect_session import Session
from firedoor.runtime.prefect_settings import PrefectSettings
from firedoor.runtime.prefect_thread import PrefectThread, in_loop

BOUND = 2.0  # seconds for Prefect to enter a flow run before the incident goes on without it
PATIENT = 30.0  # the same where nobody waits for it: what was missed is shown, however slow Prefect is
LATER = 3.0  # seconds between two looks at what has still to be shown
RAREST = 60.0
STOPPING = 8.0  # seconds for the runs to end their book-keeping when we stop

ShownToTheEnd = Callable[[str], Awaitable[None]]

log = logging.getLogger(__name__)

__all__ = ["PrefectAway", "PrefectBridge"]


@dataclass
class Behind:
    """An incident that has still to be shown, and when it is tried (again); ever more rarely."""

    playbook: str
    again_at: float = 0.0
    wait: float = 1.0


class PrefectBridge:
    """Start it, give it incidents, stop it. Every method is called from the loop in which `start` was called.

    `host` opens, conducts and describes incidents; `recall` and `remember` keep an incident's flow run id;
    `playbooks` are deployed under their own names; `shown` notes that a closed incident's run has been completed.
    """

    def __init__(
        self,
        settings: PrefectSettings,
        host: Host,
        playbooks: Iterable[Given],
        recall: Recall,
        remember: Remember,
        shown: ShownToTheEnd | None = None,
    ) -> None:
        self.settings = settings
        self._host = host
        self._recall = recall
        self._remember = remember
        self._shown = shown
        self._thread = PrefectThread()
        self.session = Session(settings, playbooks, self._recall_at_home, self._remember_at_home, self._found_stray)
        self._drives: dict[str, Future[None]] = {}
        self._behind: dict[str, Behind] = {}

    @property
    def state(self) -> State:
        """starting, ready or away. Ready means that the playbooks are deployed and runs can be driven."""
        if self.session.ready:
            return "ready"
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
        self._catching_up = self._home.create_task(self._catch_up_forever())

    async def stop(self) -> None:
        """Stop driving, then the worker and the server. No process is left."""
        self._catching_up.cancel()
        self._stagehand.close()
        drives = [asyncio.wrap_future(drive) for drive in self._drives.values() if not drive.done()]
        if drives:
            await asyncio.wait(drives, timeout=STOPPING)
        await in_loop(self._thread.loop, self.session.end())
        await asyncio.to_thread(self._thread.stop)
        use_host(None)
        self._undo()

    async def run_incident(
        self, incident_id: str, playbook_name: str, conduct: Conduct, bound: float | None = None
    ) -> str:
        """Conduct an incident as its flow run and return what the conductor returned.

        Raises PrefectAway, without having called the conductor, when Prefect does not take part within `bound`
        seconds, `BOUND` unless given. The incident then goes on without it, and is shown later from its journal.
        """
        if not self.session.ready:
            raise self._missed(incident_id, playbook_name, f"Prefect is {self.state}")
        if playbook_name not in self.session.deployed:
            raise PrefectAway(f"{playbook_name} is not deployed")
        await self._previous_drive(incident_id, playbook_name)
        performance = Performance(conduct)
        self._stagehand.offer(incident_id, performance)
        work = self.session.drive_incident(incident_id, playbook_name, lambda: not performance.withdrawn)
        drive = self._thread.submit(work)
        self._drives[incident_id] = drive
        if not await self._entered(performance, drive, incident_id, playbook_name, bound or BOUND):
            performance.withdrawn = True
            raise self._missed(incident_id, playbook_name, _reason(drive, bound or BOUND))
        return await performance.outcome

    def deploy(self, playbooks: Iterable[Given]) -> None:
        """Deploy these playbooks instead, in the background: one was added or changed while we run."""
        self._thread.submit(self.session.deploy(tuple(playbooks))).add_done_callback(_quietly)

    def create_run(self, incident_id: str, playbook_name: str) -> None:
        """Have the incident's flow run created in the background, so that it is seen before it is driven."""
        if self.session.ready and playbook_name in self.session.deployed:
            self._thread.submit(self.session.create_run(incident_id, playbook_name)).add_done_callback(_quietly)

    def show_later(self, incident_id: str, playbook_name: str) -> None:
        """Show an incident that was conducted without Prefect, closed or not, as soon as Prefect is there."""
        self._behind.setdefault(incident_id, Behind(playbook_name))

    async def show_closed(self, incident_id: str, playbook_name: str) -> None:
        """Show a closed incident afterwards, as a completed run with its task runs. Returns at once."""
        self.show_later(incident_id, playbook_name)

    async def flow_run_url(self, incident_id: str) -> str | None:
        """The page of the incident's flow run in Prefect, None before it has one."""
        flow_run_id = await self._recall(incident_id)
        return f"{self.settings.ui_url}/runs/flow-run/{flow_run_id}" if flow_run_id else None

    async def _previous_drive(self, incident_id: str, playbook_name: str) -> None:
        """Let the run end its book-keeping (artifacts, suspension) before it is driven again."""
        previous = self._drives.get(incident_id)
        if previous is None or previous.done():
            return
        await asyncio.wait([_watched(previous)], timeout=BOUND)
        if not previous.done():
            raise self._missed(incident_id, playbook_name, "its run is still being driven")

    async def _entered(
        self, performance: Performance, drive: Future[None], incident_id: str, playbook: str, bound: float
    ) -> bool:
        entered: asyncio.Future[bool] = asyncio.ensure_future(performance.entered.wait())
        driven = _watched(drive)
        driven.add_done_callback(lambda done: self._driven(done, incident_id, playbook, performance))
        await asyncio.wait([entered, driven], timeout=bound, return_when=asyncio.FIRST_COMPLETED)  # type: ignore[type-var]
        entered.cancel()
        return performance.entered.is_set()

    def _driven(
        self, done: asyncio.Future[None], incident_id: str, playbook_name: str, performance: Performance
    ) -> None:
        """Forget a drive that has ended; one that Prefect broke off is shown again later."""
        drive = self._drives.get(incident_id)
        if drive is not None and drive.done():
            del self._drives[incident_id]
        if not done.cancelled() and done.exception() is not None:
            log.info("%s is shown again later: %s", incident_id, done.exception())
            self.show_later(incident_id, playbook_name)
        elif self._shown and not done.cancelled() and performance.ended == "closed":
            self._noting = self._home.create_task(_noted(self._shown(incident_id)))

    def _missed(self, incident_id: str, playbook_name: str, why: str) -> PrefectAway:
        self.show_later(incident_id, playbook_name)
        return PrefectAway(f"{incident_id} goes on without Prefect: {why}")

    def _found_stray(self, incident_id: str, playbook_name: str) -> None:
        self._home.call_soon_threadsafe(self.show_later, incident_id, playbook_name)

    async def _catch_up_forever(self) -> None:
        """Show, in the background, what Prefect has missed."""
        while True:
            await asyncio.sleep(LATER)
            now = self._home.time()
            due = [incident_id for incident_id, behind in self._behind.items() if behind.again_at <= now]
            for incident_id in due if self.session.ready else []:
                await self._catch_up(incident_id, self._behind[incident_id])

    async def _catch_up(self, incident_id: str, behind: Behind) -> None:
        """Have the incident's run driven by the host; there is nothing to do in it but to show."""
        try:
            outcome = await self.run_incident(incident_id, behind.playbook, self._host.conduct, PATIENT)
        except PrefectAway:
            outcome = "lost_lease"
        except Exception as error:  # noqa: BLE001 - one incident that cannot be shown must not hide the others
            log.warning("%s cannot be shown in Prefect: %s", incident_id, error)
            outcome = "lost_lease"
        if outcome == "lost_lease":  # somebody drives it without Prefect at this moment
            behind.wait = min(behind.wait * 2, RAREST)
            behind.again_at = self._home.time() + behind.wait
        else:
            self._behind.pop(incident_id, None)

    async def _recall_at_home(self, incident_id: str) -> str | None:
        async def recalled() -> str | None:
            return await self._recall(incident_id)

        return await in_loop(self._home, recalled())

    async def _remember_at_home(self, incident_id: str, flow_run_id: str) -> None:
        async def remembered() -> None:
            await self._remember(incident_id, flow_run_id)

        await in_loop(self._home, remembered())


async def _noted(noting: Awaitable[None]) -> None:
    """Note it where that can be done; otherwise the run is completed once more after the next start."""
    with contextlib.suppress(Exception):
        await noting


def _watched(drive: Future[None]) -> asyncio.Future[None]:
    """Wait for a drive without cancelling it, and without a complaint about an exception that nobody read."""
    future = asyncio.wrap_future(drive)
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
    return asyncio.shield(future)


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
