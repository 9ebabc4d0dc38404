"""One call of a conductor on behalf of a flow run, and the host as flows in this process see it.

Decides who conducts when a flow run of this process asks: the call that `run_incident` has offered, or, for a run that
somebody started in Prefect, the process's own host. Always in the caller's loop, never in Prefect's.
"""

from __future__ import annotations

import asyncio

from firedoor.runtime.execution.performer import Conduct, Host, Json, Performer, Shown, Views
from firedoor.runtime.prefect.runs import Remember
from firedoor.runtime.prefect.thread import in_loop


class Performance:
    """One call of a conductor, offered to a flow run; who comes late finds it withdrawn. Lives in the caller's loop."""

    def __init__(self, conduct: Conduct) -> None:
        self._conduct = conduct
        self.entered = asyncio.Event()
        self.withdrawn = False
        self.outcome: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @property
    def ended(self) -> str | None:
        """What the conductor returned; None as long as it has not, or if it failed."""
        outcome = self.outcome
        return outcome.result() if outcome.done() and not outcome.cancelled() and not outcome.exception() else None

    async def play(self, incident_id: str, performer: Performer, shown: Shown) -> str:
        """Conduct on behalf of the flow run that asks, unless it asks too late or a second time."""
        if self.withdrawn or self.entered.is_set():
            return "lost_lease"
        self.entered.set()
        work = asyncio.ensure_future(self._conduct(incident_id, performer, shown))
        self.outcome.add_done_callback(lambda outcome: work.cancel() if outcome.cancelled() else None)
        await asyncio.wait([work])
        if work.cancelled():
            self.outcome.cancel()
            return "lost_lease"  # we are being stopped; the run keeps its state and goes on after the next start
        if not self.outcome.done():
            _copy(work, self.outcome)
        return work.result()


class Stagehand:
    """The host as flows in this process see it: asked in Prefect's loop, answered in the caller's."""

    def __init__(self, home: asyncio.AbstractEventLoop, host: Host, remember: Remember) -> None:
        self._home = home
        self._host = host
        self._remember = remember
        self._offered: dict[str, Performance] = {}

    def offer(self, incident_id: str, performance: Performance) -> None:
        """Let the next flow run of this incident play this performance."""
        self._offered[incident_id] = performance

    def close(self) -> None:
        """Stop every performance. Call in the caller's loop."""
        for performance in list(self._offered.values()):
            performance.outcome.cancel()

    async def open_incident(
        self, playbook: str, facts: Json, title: str, why: str, flow_run_id: str, *, deployed: bool = True
    ) -> str | None:
        """Open the incident or ask, and remember at once that this flow run is the incident's own."""

        async def opened() -> str | None:
            incident_id = await self._host.open_incident(playbook, facts, title, why, flow_run_id, deployed=deployed)
            if incident_id is not None:
                await self._remember(incident_id, flow_run_id)
            return incident_id

        return await in_loop(self._home, opened())

    async def admit(self, incident_id: str, playbook: str, flow_run_id: str) -> None:
        """Ask the host."""
        await in_loop(self._home, self._host.admit(incident_id, playbook, flow_run_id))

    async def conduct(self, incident_id: str, performer: Performer, shown: Shown) -> str:
        """Play what was offered, or have the host conduct."""

        async def played() -> str:
            performance = self._offered.get(incident_id)
            if performance is None or performance.outcome.done():
                performance = self._offered[incident_id] = Performance(self._host.conduct)
                performance.outcome.add_done_callback(_seen)
            try:
                return await performance.play(incident_id, performer, shown)
            finally:
                if self._offered.get(incident_id) is performance:
                    del self._offered[incident_id]

        return await in_loop(self._home, played())

    async def views(self, incident_id: str) -> Views:
        """Ask the host."""
        return await in_loop(self._home, self._host.views(incident_id))


def _copy(work: asyncio.Future[str], outcome: asyncio.Future[str]) -> None:
    if error := work.exception():
        outcome.set_exception(error)
        outcome.exception()  # seen: the flow run raises it too
    else:
        outcome.set_result(work.result())


def _seen(outcome: asyncio.Future[str]) -> None:
    if not outcome.cancelled():
        outcome.exception()
