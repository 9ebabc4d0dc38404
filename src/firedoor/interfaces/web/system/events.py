"""Events: one server-sent event for each entry of any journal, so that a page need not ask again and again.

Decides that one look every 0.3 s serves all listeners and asks only for the newest entries,
that an event says where something happened and never what (a reader asks for that with its
own rights), and the bounds: so many lines in all, so many for one person, whose oldest line makes room for a new one,
always one for whoever decides, and so many events that a slow one may lag behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
from fastapi import APIRouter, Request
from sqlalchemy import Connection, func, or_, select
from starlette.responses import Response, StreamingResponse

from firedoor.core.access.need_to_know import may_read
from firedoor.interfaces.web.http.cleaning import Number
from firedoor.interfaces.web.http.responses import plain
from firedoor.interfaces.web.reading.search import OfIncident
from firedoor.interfaces.web.security.auth import Asking, Caller, need_reader
from firedoor.runtime.process.application import Runtime
from firedoor.runtime.repeating import attempt
from firedoor.store.database.sql import table, text_of
from firedoor.store.database.tables import EntryRow, IncidentRow

LOOK = 0.3  # seconds between two looks
ALIVE = 15.0  # seconds after which silence is broken by a comment, so that proxies keep the line
SWEEP = 100  # every so many looks all open incidents are asked: for entries of a process whose clock lags behind
OVERLAP = timedelta(seconds=5)  # by so much clocks may differ without anybody having to wait for the sweep
MAXIMUM_LISTENERS = 500
MAXIMUM_EACH = 10  # lines of one person, in all their windows
MAXIMUM_LAG = 1000  # events that may wait for one listener
SETTLING = timedelta(seconds=30)  # a closed incident is looked at for so long

EXAMPLE = 'id: INC-2026-0001:7\nevent: operation.finished\ndata: {"incident":"INC-2026-0001","seq":7}\n\n'

log = logging.getLogger(__name__)
router = APIRouter(prefix="/api/v1", tags=["events"])

Heads = dict[str, int]
ONLOOKERS = frozenset(("viewer", "responder", "source", "admin"))  # roles that answer for nothing that waits

Row = tuple[str, int, str, str]  # incident, number, kind, instant


@dataclass(frozen=True, slots=True)
class Event:
    """One entry: where, and who may know; `line` is what goes over the line to each of them."""

    incident: str
    readers: str | None
    line: bytes


Queue = asyncio.Queue[Event | None]
SILENCE, REPLACED = Event("", None, b""), Event("", None, b"closed")
CLOSED = b'retry: 60000\nevent: closed\ndata: {"reason": "another line took its place"}\n\n'


@dataclass(frozen=True, slots=True)
class Line:
    """Who listens, and whether they decide."""

    person: str
    decides: bool = False


class Hub:
    """Looks at the store while anybody listens, and tells all listeners."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.listeners: dict[Queue, Line] = {}  # in the order in which they came
        self._task: asyncio.Task[None] | None = None
        self._heads: Heads = {}
        self._looks = 0
        self._written: tuple[int, int] | None = None  # how many incidents were open at the last sweep, with how much
        self._looked_at: datetime | None = None

    async def listen(self, line: Line) -> Queue | None:
        """A queue of events from now on; None where too many listen and nobody has a line to spare."""
        if not self._room_for(line):
            return None
        if self._task is None or self._task.done():
            self._heads = await asyncio.to_thread(self._look)
            self._task = asyncio.create_task(self._forever(), name="events")
        queue: Queue = asyncio.Queue(MAXIMUM_LAG)
        self.listeners[queue] = line
        return queue

    def _room_for(self, line: Line) -> bool:
        """Whether there is room for a line, once somebody's oldest has ended where that must be."""
        held = Counter(one.person for one in self.listeners.values())
        if held[line.person] >= MAXIMUM_EACH:
            self._end(next(queue for queue, one in self.listeners.items() if one.person == line.person))
            return True
        if len(self.listeners) < MAXIMUM_LISTENERS:
            return True
        spare = [(one.decides, -held[one.person], number, queue)
                 for number, (queue, one) in enumerate(self.listeners.items())
                 if held[one.person] > held[line.person] + 1 or (line.decides and not one.decides)]  # fmt: skip
        if spare:
            self._end(min(spare, key=lambda one: one[:3])[3])
        return bool(spare)

    def _end(self, queue: Queue) -> None:
        """End a line whose place somebody else takes, and say so."""
        del self.listeners[queue]
        while queue.full():
            queue.get_nowait()
        queue.put_nowait(REPLACED)

    def dismiss(self) -> None:
        """End every line. Whoever serves calls it when asked to stop: open lines would hold the server up."""
        for queue in list(self.listeners):
            self.listeners.pop(queue, None)
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
            await attempt("events", self._pass_on, self.runtime.failing)  # whatever it is, it ends nobody's line

    async def _pass_on(self) -> None:
        for event in await asyncio.to_thread(self._news):
            self._tell(event)

    def _tell(self, event: Event) -> None:
        for queue in list(self.listeners):
            try:
                queue.put_nowait(event)
            except asyncio.QueueFull:
                self.listeners.pop(queue, None)  # it lags too far behind: its line ends, and it asks anew

    def _look(self) -> Heads:
        """How far every open incident has come."""
        columns = table(IncidentRow).c
        self._looked_at = self.runtime.world.now()
        recent = text_of(self._looked_at - SETTLING)
        query = select(columns.id, columns.head_seq).where(or_(columns.closed_at.is_(None), columns.closed_at > recent))
        with self.runtime.world.store.engine.connect() as connection:
            return {row[0]: row[1] for row in connection.execute(query).all()}

    def _news(self) -> list[Event]:
        """What was written since the last look. Few questions, however many incidents there are."""
        self._looks += 1
        swept = self._swept() if self._looks % SWEEP == 0 else []
        now = self.runtime.world.now()
        since, self._looked_at = min(self._looked_at or now, now) - OVERLAP, now
        columns = table(EntryRow).c
        query = select(columns.incident, columns.seq, columns.kind, columns.at).where(columns.at > text_of(since))
        ordered = query.order_by(columns.at, columns.seq)
        with self.runtime.world.store.engine.connect() as connection:
            rows = [(row.incident, row.seq, row.kind, row.at) for row in connection.execute(ordered)]
            return self._fresh(connection, [*swept, *rows])

    def _swept(self) -> list[Row]:
        """What a look at the newest entries alone has missed."""
        columns = table(IncidentRow).c
        query = select(func.count(), func.sum(columns.head_seq)).where(columns.closed_at.is_(None))
        with self.runtime.world.store.engine.connect() as connection:
            count, total = connection.execute(query).one()
        if (count, total) == self._written:  # nothing at all since the last sweep
            return []
        self._written = (count, total)
        heads = self._look()
        grown = {name: self._heads.get(name, 0) for name, seq in heads.items() if seq > self._heads.get(name, 0)}
        return [row for incident, after in grown.items() for row in self._entries(incident, after, heads[incident])]

    def _fresh(self, connection: Connection, rows: list[Row]) -> list[Event]:
        """Those entries that nobody was told of, each with who may read its incident."""
        fresh = []
        for row in rows:
            if row[1] > self._heads.get(row[0], 0):
                self._heads[row[0]] = row[1]
                fresh.append(row)
        if not fresh:
            return []
        columns = table(IncidentRow).c
        query = select(columns.id, columns.readers).where(columns.id.in_({row[0] for row in fresh}))
        readers: dict[str, str | None] = {row.id: row.readers for row in connection.execute(query)}
        return [Event(row[0], readers.get(row[0]), written(*row)) for row in fresh]

    def _entries(self, incident: str, after: int, until: int) -> list[Row]:
        columns = table(EntryRow).c
        which = (columns.incident == incident) & (columns.seq > after) & (columns.seq <= until)
        query = select(columns.incident, columns.seq, columns.kind, columns.at).where(which).order_by(columns.seq)
        with self.runtime.world.store.engine.connect() as connection:
            return [(row.incident, row.seq, row.kind, row.at) for row in connection.execute(query)]


@router.get(
    "/events", summary="Listen: one event for each new entry",
    responses={200: {"content": {"text/event-stream": {"example": EXAMPLE}}}},
)  # fmt: skip
async def listen(request: Request, caller: Asking, incident: OfIncident, limit: Number = 0) -> Response:
    """Server-sent events. `incident` listens to one; `limit` ends the line after so many events (0: never)."""
    hub: Hub = request.app.state.events
    if incident is not None:
        await asyncio.to_thread(need_reader, hub.runtime.world.store, incident, caller)
    queue = await hub.listen(Line(caller.person.name, caller.local or bool(caller.person.roles - ONLOOKERS)))
    if queue is None:
        return plain(503)
    headers = {"X-Accel-Buffering": "no"}
    return StreamingResponse(
        _stream(hub, queue, caller, incident, limit), media_type="text/event-stream", headers=headers
    )


async def _stream(hub: Hub, queue: Queue, caller: Caller, incident: str | None, limit: int) -> AsyncIterator[bytes]:
    sent = 0
    try:
        yield b"retry: 2000\n: listening\n\n"
        while queue in hub.listeners or not queue.empty():
            event = await _next(queue)
            if event is None:
                return
            if event is REPLACED:
                yield CLOSED
                return
            if event is SILENCE:
                yield b": still here\n\n"
            elif incident in (None, event.incident) and (caller.local or may_read(event.readers, caller.person)):
                yield event.line
                sent += 1
                if sent == limit:
                    return
        yield b"event: lagged\ndata: {}\n\n"
    finally:
        hub.listeners.pop(queue, None)


async def _next(queue: Queue) -> Event | None:
    """The next event; SILENCE when there was none for long; None at the end."""
    try:
        return await asyncio.wait_for(queue.get(), ALIVE)
    except TimeoutError:
        return SILENCE


def written(incident: str, seq: int, kind: str, at: str) -> bytes:
    """An event as it goes over the line (HTML standard, server-sent events)."""
    event = {"incident": incident, "seq": seq, "kind": kind, "at": at}
    return b"id: %s:%d\nevent: %s\ndata: %s\n\n" % (
        incident.encode(),
        seq,
        kind.encode(),
        orjson.dumps(event),
    )
