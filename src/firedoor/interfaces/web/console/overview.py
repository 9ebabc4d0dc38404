"""The first page: what burns, which limit runs out next, what waits for me, and whether the watch is well.

Decides what stands on it and in which order. Everything is counted in the database, so that ten thousand incidents
cost no more than ten. Leaves the words to `words` and the look to the template.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy import Connection, func, select
from starlette.responses import Response

from firedoor.core.need_to_know import may_read
from firedoor.core.view import SETTLED_CLOCKS
from firedoor.interfaces.web.auth import Asking, Caller, Running
from firedoor.interfaces.web.console.words import SEVERITIES
from firedoor.interfaces.web.covering import cover_rows
from firedoor.interfaces.web.pages import page
from firedoor.runtime.start import Runtime
from firedoor.store.projections import table, text_of
from firedoor.store.tables import ClockRow, IncidentRow, TaskRow

router = APIRouter(tags=["console"], include_in_schema=False)

SHOWN = 30  # rows of each list; the full lists are a click away

Row = Mapping[str, Any]


@router.get("/", summary="The overview")
async def overview(request: Request, runtime: Running, caller: Asking) -> Response:
    """Open incidents, clocks, tasks, health."""
    found = await asyncio.to_thread(_look, runtime, caller)
    clocks = await cover_rows(runtime, caller, found.pop("clocks"))
    tasks = await cover_rows(runtime, caller, found.pop("tasks"))
    health = await asyncio.to_thread(runtime.health)
    shown: dict[str, Any] = {
        "clocks": clocks[:SHOWN],
        "tasks": tasks[:SHOWN],
        "health": health,
        "now": runtime.world.now(),
    }
    return page(request, "overview.html.j2", caller=caller, **found, **shown)


def _look(runtime: Runtime, caller: Caller) -> dict[str, Any]:
    now = runtime.world.now()
    with runtime.world.store.engine.connect() as connection:
        return {
            "severities": _severities(connection),
            "incidents": _incidents(connection, caller),
            "clocks": _rows(connection, _next_clocks()),
            "tasks": _rows(connection, _my_tasks(caller)),
            "overdue": _overdue(connection, now),
        }


def _severities(connection: Connection) -> list[tuple[str, int]]:
    """How many incidents are open, by severity; none is a number, too."""
    columns = table(IncidentRow).c
    query = select(columns.severity, func.count()).where(columns.closed_at.is_(None)).group_by(columns.severity)
    counted = {row[0]: row[1] for row in connection.execute(query)}
    return [(severity, counted.get(severity, 0)) for severity in SEVERITIES]


def _incidents(connection: Connection, caller: Caller) -> list[dict[str, Any]]:
    """The newest open incidents; of one that is closed to the caller only its number."""
    columns = table(IncidentRow).c
    query = select(table(IncidentRow)).where(columns.closed_at.is_(None)).order_by(columns.opened_at.desc())
    return [incident_row(row, caller) for row in _rows(connection, query.limit(SHOWN))]


def incident_row(row: Row, caller: Caller) -> dict[str, Any]:
    """A row of incidents as this caller may see it."""
    hidden = not (caller.local or may_read(row["readers"], caller.person))
    shown = {**dict.fromkeys(row), "id": row["id"]} if hidden else dict(row)
    return {**shown, "hidden": hidden}


def _next_clocks() -> Any:  # noqa: ANN401 - a query of SQLAlchemy's
    columns = table(ClockRow).c
    running = columns.state.not_in(SETTLED_CLOCKS) & columns.due_at.is_not(None)
    return select(table(ClockRow)).where(running).order_by(columns.due_at).limit(4 * SHOWN)


def _my_tasks(caller: Caller) -> Any:  # noqa: ANN401 - a query of SQLAlchemy's
    columns = table(TaskRow).c
    mine = (columns.state == "open") & (columns.role.in_(sorted(caller.person.roles)) | caller.local)
    return select(table(TaskRow)).where(mine).order_by(columns.due_at).limit(4 * SHOWN)


def _overdue(connection: Connection, now: datetime) -> dict[str, int]:
    tasks, clocks, at = table(TaskRow).c, table(ClockRow).c, text_of(now)
    late_tasks = select(func.count()).where((tasks.state == "open") & (tasks.due_at < at))
    late_clocks = select(func.count()).where(clocks.state.not_in(SETTLED_CLOCKS) & (clocks.due_at < at))
    return {
        "tasks": int(connection.execute(late_tasks).scalar_one()),
        "clocks": int(connection.execute(late_clocks).scalar_one()),
    }


def _rows(connection: Connection, query: Any) -> Sequence[dict[str, Any]]:  # noqa: ANN401 - a query of SQLAlchemy's
    return [dict(row._mapping) for row in connection.execute(query)]  # noqa: SLF001 - the documented way to a mapping
