"""The catch-up: what Prefect has missed is shown, in each process that has a bridge, for as long as it lives.

Decides when: some incidents at a time, never those that are driven, not while Prefect is away, ever more rarely those
that cannot be shown. Trusts nothing that was shown just before Prefect went away, nor a run that Prefect takes to be
under way without end. Runs in the caller's loop and is never waited for.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable, Collection
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from firedoor.runtime.execution.performer import Backlog, Unshown

if TYPE_CHECKING:
    from firedoor.runtime.prefect.session import Session
    from firedoor.runtime.prefect.thread import PrefectThread

FEWEST, MOST = 2, 16  # incidents in one round: halved when a round takes too long, doubled when it does not
BUSY, IDLE = 0.3, 3.0  # seconds between two rounds: when there was something to show, and when there was not
BOUND = 25.0  # seconds for a round; less than a claim lasts
LONGEST = 15.0  # seconds between two rounds, while they fail
RAREST = 60.0  # seconds between two tries to show what cannot be shown
SWEEP = 20.0  # seconds between two looks for runs that Prefect takes to be under way
SETTLED = 2.0  # seconds until what a flow run has shown of itself has reached the server
DOUBTFUL = 60.0  # seconds before Prefect went away, in which it may have lost what it was shown
ORPHANED = timedelta(seconds=60)  # a run without an incident after so long has lost its process
TRIES = 5  # how often such a run is given to the work pool again

T = TypeVar("T")

log = logging.getLogger(__name__)


class CatchUp:
    """One loop of one process."""

    def __init__(
        self, backlog: Backlog, session: Session, thread: PrefectThread, driving: Callable[[], Collection[str]]
    ) -> None:
        self._backlog = backlog
        self._session = session
        self._thread = thread
        self._driving = driving
        self._waits: dict[str, float] = {}
        self._noted: deque[tuple[float, str]] = deque(maxlen=1000)
        self._doubtful: set[str] = set()
        self._interrupted: set[str] = set()  # driven while Prefect was away: what their runs showed may be lost
        self._notes: set[asyncio.Task[None]] = set()
        self._ready = False
        self._batch = MOST
        self._swept_at = 0.0
        self.sweep = SWEEP

    async def forever(self) -> None:
        """Catch up until cancelled."""
        pause = IDLE
        while True:
            await asyncio.sleep(pause * random.uniform(0.7, 1.3))  # noqa: S311 - processes must not march in step
            try:
                pause = BUSY if await self.look() else IDLE
            except Exception as error:  # noqa: BLE001 - a view must outlive every fault
                pause = min(pause * 2, LONGEST)
                log.info("Prefect is shown the rest in %.0f s: %s", pause, error)

    async def look(self) -> int:
        """Do one round where Prefect is there. Returns how many incidents were shown."""
        self._remember_doubts()
        if not self._session.ready:
            return 0
        if self._doubtful:
            await self._backlog.reopen(self._doubtful, ())
            self._doubtful = set()
        now = asyncio.get_running_loop().time()
        if now - self._swept_at > self.sweep:
            self._swept_at = now
            await self._sweep()
        return await self._round()

    def driven(self, incident_id: str) -> None:
        """A flow run of this process has ended well: note what it has shown, once that is on the server."""
        seq = self._backlog.reached(incident_id)
        if incident_id in self._interrupted:
            self._interrupted.discard(incident_id)
        elif seq:
            note = asyncio.get_running_loop().create_task(self._note(incident_id, seq))
            self._notes.add(note)
            note.add_done_callback(self._notes.discard)

    def stop(self) -> None:
        """What is not noted yet is shown by the next process."""
        for note in self._notes:
            note.cancel()

    async def _note(self, incident_id: str, seq: int) -> None:
        await asyncio.sleep(SETTLED)
        self._noted.append((asyncio.get_running_loop().time(), incident_id))
        try:
            await self._backlog.noted(incident_id, seq)
        except Exception as error:  # noqa: BLE001 - then it is shown once more
            log.info("%s is shown once more: %s", incident_id, error)

    def _remember_doubts(self) -> None:
        """When Prefect has gone away, what it was shown last may be lost with its memory."""
        if self._ready and not self._session.ready:
            since = asyncio.get_running_loop().time() - DOUBTFUL
            self._doubtful |= {incident_id for at, incident_id in self._noted if at >= since}
            self._swept_at = 0.0
        if not self._session.ready:
            self._interrupted = set(self._driving())
        self._ready = self._session.ready

    async def _round(self) -> int:
        found = await self._backlog.claim(self._batch, self._driving())
        if not found:
            return 0
        shown: set[str] = set()
        try:
            await self._in_thread(self._thread.submit(self._session.show(found, shown)))
            self._batch = min(self._batch * 2, MOST)
        except TimeoutError:
            self._batch = max(self._batch // 2, FEWEST)
            log.info("Prefect is slow: %d of %d incidents were shown", len(shown), len(found))
        finally:
            for one in found:
                await (self._shown(one) if one.incident in shown else self._later(one))
        return len(shown)

    async def _shown(self, one: Unshown) -> None:
        self._waits.pop(one.incident, None)
        self._noted.append((asyncio.get_running_loop().time(), one.incident))
        await self._backlog.done(one)

    async def _later(self, one: Unshown) -> None:
        wait = self._waits[one.incident] = min(self._waits.get(one.incident, 1.0) * 1.5, RAREST)
        await self._backlog.later(one, wait)

    async def _sweep(self) -> None:
        """Doubt the runs that should wait or be completed by now, and have those run again that nobody runs."""
        runs = await self._in_thread(self._thread.submit(self._session.left_behind()))
        ids = {str(run.id): run for run in runs}
        # A run that was refused stays cancelled, and may name any incident: of those, only what we remember counts.
        named = [run for run in runs if run.parameters.get("incident") and not (run.state and run.state.is_cancelled())]
        incidents = {str(run.parameters["incident"]) for run in named}
        known = await self._backlog.reopen(incidents, ids.keys())
        since = datetime.now(UTC) - ORPHANED
        for name, run in ids.items():
            if run.state is None or run.state.is_failed() or run.state.is_cancelled():
                continue  # nobody could open its incident, or somebody took the request back here
            lost = run.state.timestamp < since and run.run_count < TRIES
            if lost and name not in known and not run.parameters.get("incident"):
                await self._in_thread(self._thread.submit(self._session.requeue(run)))

    async def _in_thread(self, work: Future[T]) -> T:
        return await asyncio.wait_for(asyncio.wrap_future(work), BOUND)
