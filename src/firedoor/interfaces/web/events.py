"""Events: one server-sent event for each entry of any journal, so that a page need not ask again and again.

Decides that one look every 0.3 s serves all listeners, that an event says where
something happened and never what (a reader asks for that with its own rights), and the
bounds: so many listeners, and so many events that a slow one may lag behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request
from sqlalchemy import or_, select
from starlette.responses import Response, StreamingResponse

from firedoor.interfaces.web.answers import plain
from firedoor.interfaces.web.auth import Asking, Caller, need_reader
from firedoor.interfaces.web.covering import closed_to
from firedoor.runtime.start import Runtime
from firedoor.store.projections import table, text_of
from firedoor.store.tables import EntryRow, IncidentRow

LOOK = 0.3  # seconds between two looks
ALIVE = 15.0  # seconds after which silence is broken by a comment, so that proxies keep the line
MAXIMUM_LISTENERS = 100
MAXIMUM_LAG = 1000  # events that may wait for one listener
SETTLING = timedelta(seconds=30)  # a closed incident is looked at for so long

EXAMPLE = 'id: INC-2026-0001:7\nevent: operation.finished\ndata: {"incident":"INC-2026-0001","seq":7}\n\n'

log = logging.getLogger(__name__)
router = APIRouter(prefix="/api/v1", tags=["events"])

Event = dict[str, Any]
Heads = dict[str, int]


class Hub:
    """Looks at the store while anybody listens, and tells all listeners."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.listeners: set[asyncio.Queue[Event | None]] = set()
        self._task: asyncio.Task[None] | None = None
        self._heads: Heads = {}

    async def listen(self) -> asyncio.Queue[Event | None] | None:
        """A queue of events from now on; None where too many listen."""
        if len(self.listeners) >= MAXIMUM_LISTENERS:
            return None
        if self._task is None or self._task.done():
            self._heads = await asyncio.to_thread(self._look)
            self._task = asyncio.create_task(self._forever(), name="events")
        queue: asyncio.Queue[Event | None] = asyncio.Queue(MAXIMUM_LAG)
        self.listeners.add(queue)
        return queue

    def dismiss(self) -> None:
        """End every line. Whoever serves calls it when asked to stop: open lines would hold the server up."""
        for queue in list(self.listeners):
            self.listeners.discard(queue)
            with contextlib.suppress(asyncio.QueueFull):
                queue.put_nowait(None)

    async def stop(self) -> None:
        """End every line, and the look."""
        self.dismiss()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _forever(self) -> None:
        while self.listeners:
            await asyncio.sleep(LOOK)
            try:
                for event in await asyncio.to_thread(self._news):
                    self._tell(event)
            except Exception as error:  # noqa: BLE001 - a store that is away for a moment ends nobody's line
                log.warning("events: %s", error)

    def _tell(self, event: Event) -> None:
        for queue in list(self.listeners):
            try:
                queue.put_nowait(event)
            except asyncio.QueueFull:
                self.listeners.discard(queue)  # it lags too far behind: its line ends, and it asks anew

    def _look(self) -> Heads:
        columns = table(IncidentRow).c
        recent = text_of(self.runtime.world.now() - SETTLING)
        query = select(columns.id, columns.head_seq).where(or_(columns.closed_at.is_(None), columns.closed_at > recent))
        with self.runtime.world.store.engine.connect() as connection:
            return {row.id: row.head_seq for row in connection.execute(query)}

    def _news(self) -> list[Event]:
        heads = self._look()
        grown = {
            incident: self._heads.get(incident, 0)
            for incident, seq in heads.items()
            if seq > self._heads.get(incident, 0)
        }
        self._heads = heads
        return [event for incident, after in grown.items() for event in self._entries(incident, after, heads[incident])]

    def _entries(self, incident: str, after: int, until: int) -> list[Event]:
        columns = table(EntryRow).c
        which = (columns.incident == incident) & (columns.seq > after) & (columns.seq <= until)
        query = select(columns.seq, columns.kind, columns.at).where(which).order_by(columns.seq)
        with self.runtime.world.store.engine.connect() as connection:
            return [
                {"incident": incident, "seq": row.seq, "kind": row.kind, "at": row.at}
                for row in connection.execute(query)
            ]


@router.get(
    "/events", summary="Listen: one event for each new entry",
    responses={200: {"content": {"text/event-stream": {"example": EXAMPLE}}}},
)  # fmt: skip
async def listen(
    request: Request, caller: Asking, incident: str | None = None, limit: Annotated[int, Query(ge=0)] = 0
) -> Response:
    """Server-sent events. `incident` listens to one; `limit` ends the line after so many events (0: never)."""
    hub: Hub = request.app.state.events
    if incident is not None:
        await asyncio.to_thread(need_reader, hub.runtime.world.store, incident, caller)
    queue = await hub.listen()
    if queue is None:
        return plain(503)
    headers = {"X-Accel-Buffering": "no"}
    return StreamingResponse(
        _stream(hub, queue, caller, incident, limit), media_type="text/event-stream", headers=headers
    )


async def _stream(
    hub: Hub, queue: asyncio.Queue[Event | None], caller: Caller, incident: str | None, limit: int
) -> AsyncIterator[bytes]:
    sent = 0
    try:
        yield b"retry: 2000\n: listening\n\n"
        while queue in hub.listeners or not queue.empty():
            event = await _next(queue)
            if event is None:
                return
            if not event:
                yield b": still here\n\n"
            elif event["incident"] == incident or (incident is None and not await _closed(hub, caller, event)):
                yield written(event)
                sent += 1
                if sent == limit:
                    return
        yield b"event: lagged\ndata: {}\n\n"
    finally:
        hub.listeners.discard(queue)


async def _closed(hub: Hub, caller: Caller, event: Event) -> bool:
    """Whether the event is of an incident that this listener does not need to know about."""
    return bool(await closed_to(hub.runtime, caller, [event]))


async def _next(queue: asyncio.Queue[Event | None]) -> Event | None:
    """The next event; an empty one when it has been silent for long; None at the end."""
    try:
        return await asyncio.wait_for(queue.get(), ALIVE)
    except TimeoutError:
        return {}


def written(event: Event) -> bytes:
    """An event as it goes over the line (HTML standard, server-sent events)."""
    return b"id: %s:%d\nevent: %s\ndata: %s\n\n" % (
        event["incident"].encode(),
        event["seq"],
        event["kind"].encode(),
        orjson.dumps(event),
    )
