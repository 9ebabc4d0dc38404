"""The first page: what burns, which door does not hold, which limit is next, what waits for me, and the watch.

Decides what stands on it and in which order. Everything is counted in the database, so that ten thousand incidents
cost no more than ten. Leaves the words to `words` and the look to the template.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy import Connection, Executable, Select, case, func, select
from starlette.responses import Response

from firedoor.core.incident.view import SETTLED_CLOCKS
from firedoor.interfaces.web.http.pages import page
from firedoor.interfaces.web.http.words import SEVERITIES
from firedoor.interfaces.web.reading.redaction import cover_rows, incident_rows, marked, of_visible, visible
from firedoor.interfaces.web.security.auth import Asking, Caller, Running
from firedoor.runtime.process.application import Runtime
from firedoor.store.database.sql import as_record, table, text_of
from firedoor.store.database.tables import ClockRow, HoldRow, IncidentRow, TaskRow

router = APIRouter(tags=["console"], include_in_schema=False)

Row = dict[str, Any]
SHOWN = 30  # incidents; the full lists are a click away
NEXT = 8  # tasks, and limits: more would push the incidents out of sight


@router.get("/", summary="The overview")
async def overview(request: Request, runtime: Running, caller: Asking) -> Response:
    """Open incidents, clocks, tasks, health."""
    found = await asyncio.to_thread(_look, runtime, caller)
    clocks = await cover_rows(runtime, caller, found.pop("clocks"))
    tasks = await cover_rows(runtime, caller, found.pop("tasks"))
    health = await asyncio.to_thread(runtime.health)
    shown: dict[str, object] = {
        "clocks": clocks,
        "tasks": tasks,
        "next": NEXT,
        "health": health,
        "now": runtime.world.now(),
    }
    return page(request, "overview.html.j2", caller=caller, **found, **shown)


def _look(runtime: Runtime, caller: Caller) -> Row:
    now = runtime.world.now()
    with runtime.world.store.engine.connect() as connection:
        return {
            "severities": _severities(connection, caller),
            "incidents": incident_rows(runtime, caller, _rows(connection, _incidents(connection, caller))),
            "clocks": marked(connection, _rows(connection, _next_clocks(connection, caller))),
            "without_number": _without_number(connection, caller),
            "tasks": marked(connection, _rows(connection, _my_tasks(connection, caller))),
            "overdue": _overdue(connection, caller, now),
            "loose": _rows(connection, _loose(connection, caller)),
        }


def _severities(connection: Connection, caller: Caller) -> list[tuple[str, int]]:
    """How many incidents are open, by severity, of those that the caller may read; none is a number, too.

    Practice is in none of the numbers; it is listed, and its title says so.
    """
    columns = table(IncidentRow).c
    where = columns.closed_at.is_(None) & ~columns.practice & visible(connection, caller)
    query = select(columns.severity, func.count()).where(where).group_by(columns.severity)
    counted = {row[0]: row[1] for row in connection.execute(query)}
    return [(severity, counted.get(severity, 0)) for severity in SEVERITIES]


def _incidents(connection: Connection, caller: Caller) -> Executable:
    """The open incidents, the gravest first. One that is closed to the caller is listed last, whether open or not."""
    columns, may = table(IncidentRow).c, visible(connection, caller)
    grave = case({severity: place for place, severity in enumerate(SEVERITIES)}, value=columns.severity, else_=9)
    order = (case((may, grave), else_=99), columns.opened_at.desc())  # its place must not tell how grave it is
    return select(table(IncidentRow)).where(columns.closed_at.is_(None) | ~may).order_by(*order).limit(SHOWN)


def _loose(connection: Connection, caller: Caller) -> Executable:
    """What is to be held closed and was open, or could not be seen, at the last look; open ones first."""
    columns = table(HoldRow).c
    where = columns.state.in_(("drifted", "unseen")) & of_visible(connection, caller, columns.incident)
    return select(table(HoldRow)).where(where).order_by(columns.state, columns.seen_at).limit(SHOWN)


def _next_clocks(connection: Connection, caller: Caller) -> Executable:
    columns = table(ClockRow).c
    running = columns.state.not_in(SETTLED_CLOCKS) & columns.due_at.is_not(None)
    where = running & of_visible(connection, caller, columns.incident)
    return select(table(ClockRow)).where(where).order_by(columns.due_at).limit(NEXT + 1)


def _without_number(connection: Connection, caller: Caller) -> int:
    """How many open duties the law gives no number of hours: no deadline passes, and they are owed all the same."""
    columns = table(ClockRow).c
    where = columns.state.not_in(SETTLED_CLOCKS) & columns.due_at.is_(None) & columns.incident.in_(_real())
    query = select(func.count()).where(where & of_visible(connection, caller, columns.incident))
    return int(connection.execute(query).scalar_one())


def _my_tasks(connection: Connection, caller: Caller) -> Executable:
    columns = table(TaskRow).c
    mine = (columns.state == "open") & (columns.role.in_(sorted(caller.person.roles)) | caller.local)
    where = mine & of_visible(connection, caller, columns.incident)
    return select(table(TaskRow)).where(where).order_by(columns.due_at).limit(NEXT + 1)


def _overdue(connection: Connection, caller: Caller, now: datetime) -> dict[str, int]:
    tasks, clocks, at = table(TaskRow).c, table(ClockRow).c, text_of(now)
    late_tasks = (tasks.state == "open") & (tasks.due_at < at) & of_visible(connection, caller, tasks.incident)
    running = clocks.state.not_in(SETTLED_CLOCKS) & of_visible(connection, caller, clocks.incident)
    late_tasks &= tasks.incident.in_(_real())
    running &= clocks.incident.in_(_real())
    return {
        "tasks": int(connection.execute(select(func.count()).where(late_tasks)).scalar_one()),
        "clocks": int(connection.execute(select(func.count()).where(running & (clocks.due_at < at))).scalar_one()),
    }


def _real() -> Select[str]:
    """The incidents that are no practice."""
    return select(table(IncidentRow).c.id).where(~table(IncidentRow).c.practice)


def _rows(connection: Connection, query: Executable) -> list[Row]:
    return [as_record(row) for row in connection.execute(query)]
