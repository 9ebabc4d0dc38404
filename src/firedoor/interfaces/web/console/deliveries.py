"""The page of messages: what waits to leave, what was given up, to whom, since when, why; and trying it now.

Decides that what waits longest stands on top, and that a person is named by their account and never by an address.
Leaves sending to the outbox, and who may try again to the table of routes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Query, Request
from sqlalchemy import Column, select, tuple_
from sqlmodel import SQLModel
from starlette.responses import RedirectResponse, Response

from firedoor.core.problems import FiredoorError
from firedoor.interfaces.web.api.deliveries import open_to, retry
from firedoor.interfaces.web.http.pages import page
from firedoor.interfaces.web.security.auth import Asking, Caller, Running
from firedoor.interfaces.web.security.route_table import Access
from firedoor.runtime.loops.outbox import SHOW_SUMMARY
from firedoor.runtime.process.application import Runtime
from firedoor.store.database.sql import table
from firedoor.store.database.tables import ClockRow, TaskRow
from firedoor.store.identity.accounts import list_accounts
from firedoor.store.outbox import delivery_lists

router = APIRouter(tags=["console"], include_in_schema=False)
SHOWN = 50
LOST = timedelta(days=1)
Which = Literal["waiting", "lost", "sent", "none"]
T = TypeVar("T")
Row = dict[str, Any]
KINDS: Mapping[str, str] = {
    "task": "task assigned", "reminder": "reminder", "escalation": "escalated", "message": "message",
    "state": "summary and channel", "week": "weekly summary", "quota": "alerts refused",
    "security": "access change",
}  # fmt: skip


@router.get("/deliveries", summary="What leaves through messengers")
async def deliveries_page(
    request: Request, runtime: Running, caller: Asking, which: Which = "waiting",
    number: Annotated[int, Query(ge=1, le=100_000, alias="page")] = 1,
) -> Response:  # fmt: skip
    """What waits and what was given up; or what was sent; or what nobody needed any more."""
    return await _page(request, runtime, caller, which, number)


@router.post("/deliveries/{handle}/retry", summary="Try a message now")
async def try_now(request: Request, handle: str, runtime: Running, caller: Asking) -> Response:
    """It leaves within a second, if the far end takes it."""
    try:
        await retry(runtime, caller, handle)
    except FiredoorError as error:
        return await _page(request, runtime, caller, "waiting", 1, error)
    return RedirectResponse("/deliveries", 303)


async def _page(  # what the page shows
    request: Request, runtime: Runtime, caller: Caller, which: Which, number: int, error: FiredoorError | None = None
) -> Response:
    found = await asyncio.to_thread(_look, runtime, caller, which, number)
    shown = {
        "which": which, "number": number, "pages": max(1, -(-found["count"] // SHOWN)), "now": runtime.world.now(),
        "health": runtime.outbox.state, "can": caller.may(Access.TELL),
        "problems": error.problems if error else (),
    }  # fmt: skip
    return page(request, "deliveries.html.j2", error.http_status if error else 200, caller=caller, **found, **shown)


def _look(runtime: Runtime, caller: Caller, which: Which, number: int) -> Row:
    engine, mine = runtime.world.store.engine, open_to(runtime, caller)
    count, rows = delivery_lists.page_of(engine, which, mine, SHOWN, (number - 1) * SHOWN)
    counted = delivery_lists.messengers(engine, mine, runtime.world.now() - LOST)
    return {"count": count, "rows": _named(runtime, rows), "messengers": _messengers(runtime, counted)}


def _messengers(runtime: Runtime, counted: Mapping[str, Row]) -> list[Row]:
    """Those that roles are told by and those that anything waits for; some may not be set up in this process."""
    routes = runtime.outbox.routes
    names = sorted({name for several in routes.values() for name in several} | counted.keys())
    none = {"waiting": 0, "oldest": None, "given_up": 0, "sent_at": None}
    return [
        {"name": name, "here": name in runtime.outbox.messengers, **counted.get(name, none),
         "roles": sorted(role for role, several in routes.items() if name in several),
         "unreached": _unreached(runtime, name)}
        for name in names
    ]  # fmt: skip


def _unreached(runtime: Runtime, name: str) -> list[str]:
    """The roles that are told by a messenger that knows people one by one, and that nobody has whom it can reach."""
    messenger = runtime.outbox.messengers.get(name)
    if messenger is None or not (messenger.personal or name in SHOW_SUMMARY):
        return []
    accounts = [one for one in list_accounts(runtime.world.store) if one.disabled_at is None]
    reached = {role for one in accounts if messenger.address_of(one.email, one.slack_id) for role in one.roles}
    return sorted(role for role, several in runtime.outbox.routes.items() if name in several and role not in reached)


def _named(runtime: Runtime, rows: Sequence[Row]) -> list[Row]:
    """Each with what it is about, and to whom it goes."""
    abouts = [(row["incident"], row["about"].partition(":")[2]) for row in rows if ":" in row["about"]]
    tasks, clocks = table(TaskRow).c, table(ClockRow).c
    with runtime.world.store.engine.connect() as connection:

        def names(row: type[SQLModel], name: Column[T]) -> dict[tuple[str, str], T]:
            columns = table(row).c
            query = select(columns.incident, columns.id, name)
            where = tuple_(columns.incident, columns.id).in_(abouts)
            return {(found[0], found[1]): found[2] for found in connection.execute(query.where(where))}

        numbers, titles = names(TaskRow, tasks.number), names(ClockRow, clocks.title)
    return [{**row, **_words(row, numbers, titles)} for row in rows]


def _words(row: Row, numbers: Mapping[tuple[str, str], int], titles: Mapping[tuple[str, str], str]) -> Row:
    what, _, name = row["about"].partition(":")
    number, title = numbers.get((row["incident"], name)), titles.get((row["incident"], name))
    person = row["key"].rpartition(":")[2] if row["address"] else ""
    return {
        "task": f"T{number}" if what == "task" and number else "", "what": title if what == "clock" and title else "",
        "kind": KINDS[row["kind"]], "person": person, "roles": [role for role in row["roles"].split(",") if role],
        "under_way": row["state"] == "sending" and bool(row["owner"]),
    }  # fmt: skip
