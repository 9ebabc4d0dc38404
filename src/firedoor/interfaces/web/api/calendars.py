"""Calendars: what is due for one person, for a program that reads calendars and nothing else.

Decides that the private address stands for its person as they are today (a disabled account shows nothing), and that
what only some need to know stands there without a word about it. Leaves the format to `core.icalendar`.
"""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from sqlalchemy import select
from starlette.responses import Response

from firedoor.core.incident.view import SETTLED_CLOCKS
from firedoor.core.reporting.icalendar import calendar
from firedoor.interfaces.web.http.responses import plain
from firedoor.interfaces.web.reading.clock_zones import in_utc
from firedoor.interfaces.web.reading.redaction import cover_rows, visible
from firedoor.interfaces.web.security.auth import Asking, Caller, Running, keyring_of
from firedoor.interfaces.web.security.route_table import Access
from firedoor.runtime.process.application import Runtime
from firedoor.store.database.sql import Record, as_record, table
from firedoor.store.database.tables import ClockRow, IncidentRow, TaskRow
from firedoor.store.identity.accounts import find_account
from firedoor.store.identity.calendar_links import LOCAL, calendar_link

router = APIRouter(tags=["clocks"])

SHOWN = 1000  # of each kind
MEDIA = "text/calendar; charset=utf-8"


@router.get("/api/v1/calendar.ics", summary="What is due for me, as a calendar (RFC 5545)")
async def own(runtime: Running, caller: Asking) -> Response:
    """The limits of the incidents that the caller may read, and the open tasks of their roles."""
    return await _calendar(runtime, caller)


@router.get("/calendar/{secret}.ics", summary="A person's calendar by its private address", include_in_schema=False)
async def private(secret: str, request: Request, runtime: Running) -> Response:
    """The same for a calendar program, which can send no token."""
    caller = await asyncio.to_thread(_holder, request, runtime, secret)
    return plain(404) if caller is None else await _calendar(runtime, caller)


def _holder(request: Request, runtime: Runtime, secret: str) -> Caller | None:
    """Who the address belongs to, with the roles that they have now."""
    store, keyring = runtime.world.store, keyring_of(request)
    link = calendar_link(store, secret)
    if link is None:
        return None
    if link["kind"] == LOCAL:
        return keyring.of_this_machine()
    account = find_account(store, link["person"])
    if account is None or account.disabled_at is not None:
        return None
    caller = keyring.known(account.person)
    return caller if caller.may(Access.READ) else None


async def _calendar(runtime: Runtime, caller: Caller) -> Response:
    clocks, tasks = await asyncio.to_thread(_rows, runtime, caller)
    shown = [await cover_rows(runtime, caller, rows) for rows in (clocks, tasks)]
    text = calendar(shown[0], runtime.world.now(), shown[1])
    return Response(text, media_type=MEDIA, headers={"Content-Disposition": 'inline; filename="firedoor.ics"'})


def _rows(runtime: Runtime, caller: Caller) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    incidents, clocks, tasks = table(IncidentRow), table(ClockRow).c, table(TaskRow).c
    running = clocks.state.not_in(SETTLED_CLOCKS) & clocks.due_at.is_not(None)
    mine = (tasks.state == "open") & (tasks.role.in_(sorted(caller.person.roles)) | caller.local)
    with runtime.world.store.engine.connect() as connection:
        mine_to_read = visible(connection, caller)
        asked = [
            select(*row.c, incidents.c.readers, incidents.c.practice)
            .join(incidents, row.c.incident == incidents.c.id)
            .where(where & mine_to_read).order_by(row.c.due_at).limit(SHOWN)
            for row, where in ((table(ClockRow), running), (table(TaskRow), mine))
        ]  # fmt: skip
        found = [[_row(as_record(row)) for row in connection.execute(query)] for query in asked]
    guessed = in_utc(runtime.world, found[0])
    return [{**row, "zone_guessed": (row["incident"], row["id"]) in guessed} for row in found[0]], found[1]


def _row(row: Record) -> dict[str, object]:
    return {**row, "due": row["due_at"], "neutral": row["readers"] is not None}
