"""The lists over all incidents: incidents with filters and a search, tasks, clocks; fifty to a page.

Decides that everything is chosen, counted and cut in the database, for this reader. Leaves which incidents a filter or
a search may find to `finding`, and sealed words to `redaction`.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from sqlalchemy import Connection, Select, func, select
from starlette.responses import Response

from firedoor.core.incident.view import SETTLED_CLOCKS
from firedoor.core.lifecycle import IncidentType, State
from firedoor.interfaces.web.http.filters import Words, usable
from firedoor.interfaces.web.http.pages import page
from firedoor.interfaces.web.http.words import SEVERITIES
from firedoor.interfaces.web.reading.clock_zones import in_utc
from firedoor.interfaces.web.reading.redaction import cover_rows, incident_rows, marked, of_visible
from firedoor.interfaces.web.reading.search import Wanted, found_by
from firedoor.interfaces.web.security.auth import Asking, Bounded, Caller, Running
from firedoor.runtime.process.application import Runtime
from firedoor.store.database.sql import table, text_of
from firedoor.store.database.tables import ClockRow, IncidentRow, TaskRow

router = APIRouter(tags=["console"], include_in_schema=False)

SHOWN = 50
Number = Annotated[int, Query(ge=1, le=100_000)]
Word = Annotated[str, Query(max_length=200)]
Found = dict[str, Any]
INCIDENT_WORDS: Words = {"open": ("true", "false"), "severity": SEVERITIES, "state": State, "type": IncidentType}
TASK_WORDS: Words = {"whose": ("mine", "all")}
CLOCK_WORDS: Words = {"which": ("open", "late", "all")}


@router.get("/incidents", summary="The list of incidents")
async def list_incidents(  # noqa: PLR0913, PLR0917 - the parameters on the wire
    request: Request, runtime: Running, caller: Asking, places: Bounded,
    open: Word = "", severity: Word = "", state: Word = "",  # noqa: A002 - on the wire
    type: Word = "", q: Word = "", page: Number = 1,  # noqa: A002 - on the wire
) -> Response:  # fmt: skip
    """Newest first; each with its next limit and how many people are asked."""
    asked = {"open": open, "severity": severity, "state": state, "type": type, "q": q.strip()}
    given, problems = usable(asked, INCIDENT_WORDS)
    async with places.looking(caller.person.name, given["q"]):
        found = await asyncio.to_thread(_incidents, runtime, caller, given, page)
    words = {"types": list(IncidentType), "all_states": list(State), "severities": SEVERITIES}
    return _page(request, "incidents.html.j2", runtime, caller, given, page, {**found, **words, "problems": problems})


@router.get("/tasks", summary="Tasks of all incidents")
async def list_tasks(
    request: Request, runtime: Running, caller: Asking, whose: Word = "mine", role: Word = "", page: Number = 1
) -> Response:
    """What waits for people, the most urgent first; the reader's own, or everybody's."""
    known = await asyncio.to_thread(lambda: runtime.roles.covering({role} - {""}).known)
    given, problems = usable({"whose": whose, "role": role}, {**TASK_WORDS, "role": known}, {"whose": "mine"})
    found = await asyncio.to_thread(_tasks, runtime, caller, given, page)
    rows = await cover_rows(runtime, caller, found["rows"])
    return _page(request, "tasks.html.j2", runtime, caller, given, page, {**found, "rows": rows, "problems": problems})


@router.get("/clocks", summary="Clocks of all incidents")
async def list_clocks(
    request: Request,
    runtime: Running,
    caller: Asking,
    places: Bounded,
    which: Word = "open",
    q: Word = "",
    page: Number = 1,
) -> Response:
    """What runs out first on top; one without an outer limit comes last."""
    given, problems = usable({"which": which, "q": q.strip()}, CLOCK_WORDS, {"which": "open"})
    async with places.looking(caller.person.name, given["q"]):
        found = await asyncio.to_thread(_clocks, runtime, caller, given, page)
    rows = await cover_rows(runtime, caller, found["rows"])
    return _page(request, "clocks.html.j2", runtime, caller, given, page, {**found, "rows": rows, "problems": problems})


def _page(
    request: Request, template: str, runtime: Runtime, caller: Caller, given: dict[str, str], number: int, found: Found
) -> Response:  # fmt: skip
    pages = max(1, -(-found["count"] // SHOWN))
    kept = urlencode({name: value for name, value in given.items() if value})
    context = {"given": given, "number": number, "pages": pages, "query": kept, "now": runtime.world.now()}
    return page(request, template, 422 if found["problems"] else 200, caller=caller, **context, **found)


def _incidents(runtime: Runtime, caller: Caller, given: dict[str, str], number: int) -> Found:
    ended = {"true": True, "false": False}.get(given["open"])
    wanted = Wanted(given["q"], given["state"], given["severity"], given["type"], ended)
    with runtime.world.store.engine.connect() as connection:
        where, newest = found_by(runtime, connection, caller, wanted), table(IncidentRow).c.opened_at.desc()
        count, rows = _cut(connection, select(table(IncidentRow)).where(where).order_by(newest), number)
        return {"rows": _with_urgency(connection, incident_rows(runtime, caller, rows)), "count": count}


def _with_urgency(connection: Connection, rows: list[Found]) -> list[Found]:
    """To each incident its next limit and how many tasks are open, in two questions for all of them."""
    names = [row["id"] for row in rows if not row["hidden"]]
    clocks, tasks = table(ClockRow).c, table(TaskRow).c
    running = clocks.incident.in_(names) & clocks.state.not_in(SETTLED_CLOCKS)
    waiting = tasks.incident.in_(names) & (tasks.state == "open")
    limits = select(clocks.incident, func.min(clocks.due_at)).where(running).group_by(clocks.incident)
    counts = select(tasks.incident, func.count()).where(waiting).group_by(tasks.incident)
    due: dict[str, str] = {row[0]: row[1] for row in connection.execute(limits)}
    asked: dict[str, int] = {row[0]: row[1] for row in connection.execute(counts)}
    return [{**row, "due_at": due.get(row["id"]), "tasks": asked.get(row["id"], 0)} for row in rows]


def _tasks(runtime: Runtime, caller: Caller, given: dict[str, str], number: int) -> Found:
    columns = table(TaskRow).c
    with runtime.world.store.engine.connect() as connection:
        where = (columns.state == "open") & of_visible(connection, caller, columns.incident)
        roles = [*connection.execute(select(columns.role).where(where).distinct()).scalars()]
        if given["role"]:
            where &= columns.role == given["role"]
        elif given["whose"] == "mine" and not caller.local:
            where &= columns.role.in_(sorted(caller.person.roles))
        count, rows = _cut(connection, select(table(TaskRow)).where(where).order_by(columns.due_at), number)
        rows = marked(connection, rows)
    return {"rows": rows, "count": count, "roles": sorted(roles)}


def _clocks(runtime: Runtime, caller: Caller, given: dict[str, str], number: int) -> Found:
    columns = table(ClockRow).c
    with runtime.world.store.engine.connect() as connection:
        where = of_visible(connection, caller, columns.incident)
        if given["which"] == "late":
            where &= columns.due_at < text_of(runtime.world.now())
        if given["which"] != "all":
            where &= columns.state.not_in(SETTLED_CLOCKS)
        if given["q"]:
            where &= columns.title.icontains(given["q"], autoescape=True) | columns.authority.icontains(
                given["q"], autoescape=True
            )
        order = (columns.due_at.is_(None), columns.due_at, columns.incident)
        count, rows = _cut(connection, select(table(ClockRow)).where(where).order_by(*order), number)
        rows = marked(connection, rows)
    guessed = in_utc(runtime.world, rows)
    shown = [
        {**row, "open": row["state"] not in SETTLED_CLOCKS, "zone_guessed": (row["incident"], row["id"]) in guessed}
        for row in rows
    ]
    return {"rows": shown, "count": count}


def _cut(connection: Connection, query: Select[object], number: int) -> tuple[int, list[Found]]:
    """How many there are, and one page of them."""
    count = connection.execute(select(func.count()).select_from(query.order_by(None).subquery())).scalar_one()
    rows = connection.execute(query.limit(SHOWN).offset((number - 1) * SHOWN))
    return int(count), [dict(row._mapping) for row in rows]  # noqa: SLF001 - the documented way to a mapping
