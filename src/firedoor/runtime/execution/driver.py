"""The drivers of one process: which incidents it drives, through Prefect or without it.

Decides that an incident has one driver, that the reflex comes first and directly,
that Prefect then performs and shows if it takes part within a short bound, that
everything goes on without it otherwise, and that people are asked about an
incident whose drive fails again. Beats the leases, and takes over
what other processes have left. Leaves the turns to the conductor.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from firedoor.core.journal import Entry
from firedoor.runtime.config.container import World
from firedoor.runtime.execution import setting_aside
from firedoor.runtime.execution.conductor import BOUNDARY, Conductor, Ending, no_boundary
from firedoor.runtime.execution.containment_priority import containment
from firedoor.runtime.execution.performer import RESTRICTED, Conduct, Performer, PrefectAway, Shown, perform_directly
from firedoor.runtime.execution.setting_aside import passes
from firedoor.runtime.repeating import Failing, repeat
from firedoor.store.incidents import leases, set_aside
from firedoor.store.incidents.leases import Lease

BEAT = 2.0  # seconds between two beats of all leases
LOOK = 0.5  # seconds between two looks for incidents that nobody drives
ROOM = 100  # incidents that one look takes over, at most
ASKED = 2  # failed drives in a row after which people are asked: the first may have been a passing trouble
LONGEST_PAUSE = 60.0  # seconds between two tries to drive an incident whose drive fails

log = logging.getLogger(__name__)


class Bridge(Protocol):
    """As much of the Prefect bridge as a driver needs."""

    async def run_incident(self, incident_id: str, playbook_name: str, conduct: Conduct) -> str:
        """Conduct as the incident's flow run. Raises PrefectAway when Prefect does not take part."""


class Driver:
    """Drives incidents in the loop in which it was made."""

    def __init__(self, world: World, bridge: Bridge | None = None) -> None:
        self.world = world
        self.bridge = bridge
        self._drives: dict[str, asyncio.Task[object]] = {}
        self._leases: dict[str, Lease] = {}
        self._wakes: dict[str, asyncio.Event] = {}
        self._ended: dict[str, tuple[int, datetime | None]] = {}
        self.conducted: dict[str, int] = {}  # up to which entry the last flow run has conducted it, see `Backlog`
        self.boundary: BOUNDARY = no_boundary  # a test kills this process there
        self.failing: dict[str, tuple[int, datetime, str]] = {}  # failed drives in a row, when to try again, why
        self._tried_again = False
        self._asking: set[asyncio.Task[bool]] = set()
        self.looked_at: datetime | None = None
        self.beaten_at: datetime | None = None

    def accepted(self, incident: str, entries: Sequence[Entry]) -> asyncio.Task[None]:
        """Drive a new incident, reflex first. Its lease was written with its first entries (token 1)."""
        lease = Lease(incident, self.world.owner, 1)
        return self._begin(incident, lease, entries)

    def wake(self, incident: str) -> None:
        """Somebody wrote to the incident's journal: have it driven."""
        if incident in self._drives:
            self._wakes[incident].set()
        else:
            self._begin(incident, None, ())

    async def settled(self, incident: str) -> None:
        """Wait until this process does not drive the incident."""
        while (drive := self._drives.get(incident)) is not None:
            await asyncio.wait([drive])

    async def conduct(self, incident: str, performer: Performer, shown: Shown) -> str:
        """Conduct for a flow run that Prefect started by itself, with a lease of its own."""
        if incident in self._drives:
            return "lost_lease"  # two conductors of one process would share its lease, and double every effect
        self._wakes[incident] = asyncio.Event()
        task = asyncio.create_task(self._conduct_run(incident, performer, shown), name=f"drive {incident}")
        self._drives[incident] = task
        task.add_done_callback(lambda done: self._over(incident, done))
        return await task

    async def _conduct_run(self, incident: str, performer: Performer, shown: Shown) -> str:
        lease = await self._take(incident)
        if lease is None:
            return "lost_lease"
        self._leases[incident] = lease
        try:
            return await self._conduct(lease, performer, shown)
        finally:
            await self._release(lease)

    async def beat_forever(self, failing: Failing | None = None) -> None:
        """Beat all leases of this process."""
        await asyncio.sleep(BEAT)
        await repeat("beat", self._beat, BEAT, failing)

    async def _beat(self) -> None:
        self.beaten_at = self.world.now()
        if self._leases:
            await asyncio.wrap_future(leases.beat(self.world.store, list(self._leases.values()), self.beaten_at))

    async def look_forever(self, failing: Failing | None = None) -> None:
        """Take over whatever nobody drives and has something to do."""

        async def look() -> None:
            await self.look()

        await repeat("recovery", look, LOOK, failing)

    async def look(self) -> list[str]:
        """One look. Returns what was taken over."""
        self.looked_at = now = self.world.now()
        # Whoever rests after a failure is found as well: however many rest, some room is left for the others.
        limit = ROOM + len(self._drives) + len(self.failing)
        found = await asyncio.to_thread(leases.needing, self.world.store, now, limit)
        longest = now + timedelta(seconds=LONGEST_PAUSE)  # a pause that lasts longer is of a clock that was put back
        resting = (name for name, (_, again, _) in self.failing.items() if now < again <= longest)
        busy = {*self._drives, *self._leases, *resting}
        taken = [incident for incident in (*found, *await self._set_aside()) if incident not in busy]
        for incident in taken:
            self._begin(incident, None, ())
        return taken

    async def _set_aside(self) -> list[str]:
        """What was set aside before this process began: it may read what another could not."""
        if self._tried_again:
            return []
        found = await asyncio.to_thread(set_aside.incidents, self.world.store.engine)
        self._tried_again = True
        return found

    async def stop(self) -> None:
        """Stop driving; the leases are given back, the journal holds the rest."""
        tasks = [*self._drives.values(), *self._asking]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, incident: str, lease: Lease | None, entries: Sequence[Entry]) -> asyncio.Task[None]:
        self._wakes[incident] = asyncio.Event()
        if lease:
            self._leases[incident] = lease
        task = asyncio.create_task(self._drive(incident, lease, entries), name=f"drive {incident}")
        self._drives[incident] = task
        task.add_done_callback(lambda done: self._over(incident, done))
        return task

    def _over(self, incident: str, done: asyncio.Task[object]) -> None:
        self._drives.pop(incident, None)
        self._leases.pop(incident, None)
        woken = self._wakes.pop(incident, None)
        if not done.cancelled() and (error := done.exception()):
            self._failed(incident, error)
            return
        self.failing.pop(incident, None)
        if woken is not None and woken.is_set() and not done.cancelled():
            self._begin(incident, None, ())

    def _failed(self, incident: str, error: BaseException) -> None:
        """A drive that fails is tried again, ever more rarely; health shows it until it succeeds."""
        times = self.failing.get(incident, (0, None, ""))[0] + 1
        pause = timedelta(seconds=min(2.0**times / 2, LONGEST_PAUSE))
        self.failing[incident] = (times, self.world.now() + pause, f"{type(error).__name__}: {error}"[:300])
        log.error("%s cannot be driven: %s", incident, error, exc_info=error if times == 1 else None)
        if times >= ASKED and not passes(error):
            task = asyncio.create_task(setting_aside.set_aside(self.world, incident, error), name=f"ask {incident}")
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)

    async def _drive(self, incident: str, lease: Lease | None, entries: Sequence[Entry]) -> None:
        if lease is None:
            lease = await self._take(incident)
            if lease is None:
                return
            self._leases[incident] = lease
        try:
            with containment.urgent() if entries else contextlib.nullcontext():
                await self._conduct(lease, perform_directly, None, reflex_only=True, entries=entries)
            await self._with_or_without_prefect(incident, lease)
        finally:
            await self._release(lease)

    async def _with_or_without_prefect(self, incident: str, lease: Lease) -> None:
        async def conduct(_incident: str, performer: Performer, shown: Shown) -> str:
            ending = await self._conduct(lease, performer, shown)
            self.conducted[incident] = self._ended.get(incident, (0, None))[0]
            return ending

        if self.bridge is not None:
            row = await asyncio.to_thread(self.world.store.incident, incident)
            try:
                await self.bridge.run_incident(incident, RESTRICTED if row["readers"] else row["playbook"], conduct)
                return
            except PrefectAway as away:
                log.info("%s", away)
        await self._conduct(lease, perform_directly, None)

    async def _conduct(
        self,
        lease: Lease,
        performer: Performer,
        shown: Shown | None,
        *,
        reflex_only: bool = False,
        entries: Sequence[Entry] = (),
    ) -> Ending:
        wake = self._wakes.setdefault(lease.incident, asyncio.Event())
        conductor = Conductor(
            self.world, lease.incident, lease, performer, shown, reflex_only=reflex_only, wake=wake,
            boundary=self.boundary, fresh=bool(entries),
        )  # fmt: skip
        ending = await conductor.drive(entries)
        if not reflex_only:
            self._ended[lease.incident] = (conductor.stopped_at, conductor.wake_at)
        return ending

    async def _take(self, incident: str) -> Lease | None:
        return await asyncio.wrap_future(leases.take(self.world.store, incident, self.world.owner, self.world.now()))

    async def _release(self, lease: Lease) -> None:
        stopped_at, wake_at = self._ended.pop(lease.incident, (0, None))
        with contextlib.suppress(Exception):
            await asyncio.shield(asyncio.wrap_future(leases.release(self.world.store, lease, stopped_at, wake_at)))
