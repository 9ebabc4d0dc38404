"""What leaves through messengers: what waits, what was sent, what was given up.

Decides that rows of an incident that is closed to the reader are left out, that nobody's address is shown, and that
whoever tries one again only moves its time. Leaves sending to the outbox.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from sqlalchemy import ColumnElement
from starlette.responses import Response

from firedoor.core.problems import NotFound, Problem, Refused
from firedoor.interfaces.web.http.responses import answer
from firedoor.interfaces.web.reading.redaction import covered, of_visible
from firedoor.interfaces.web.reading.search import OfIncident
from firedoor.interfaces.web.security.auth import Asking, Caller, Running
from firedoor.runtime.process.application import Runtime
from firedoor.store.database.sql import Record, table
from firedoor.store.database.tables import DeliveryRow
from firedoor.store.outbox import deliveries, delivery_lists

router = APIRouter(prefix="/api/v1", tags=["messages"])
State = Literal["queued", "sending", "sent", "given_up", "nobody", "addressed"]
SHOWN = (
    "handle", "incident", "seq", "kind", "about", "messenger", "state", "made_at", "next_at", "attempts", "problem",
    "sent_at",
)  # fmt: skip


@router.get("/deliveries", summary="What leaves through messengers, newest first")
async def list_deliveries(
    runtime: Running, caller: Asking, incident: OfIncident, state: State | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Response:  # fmt: skip
    """`queued` waits, `given_up` is not tried any more, and `problem` says why."""
    rows = await asyncio.to_thread(_rows, runtime, caller, state, incident, limit)
    return answer({"deliveries": [_shown(row) for row in rows], "health": runtime.outbox.state})


@router.post("/deliveries/{handle}/retry", summary="Try a delivery now")
async def retry_delivery(handle: str, runtime: Running, caller: Asking) -> Response:
    """One that waits, or was given up; what waits behind it at the same far end is tried as well."""
    return answer({"delivery": _shown(await retry(runtime, caller, handle))})


async def retry(runtime: Runtime, caller: Caller, handle: str) -> Record:
    """Have it tried now. Raises NotFound, also where the incident is closed to the caller, and Refused."""
    row = await asyncio.to_thread(_one, runtime, caller, handle)
    if row is None:
        message = "there is no such delivery"
        raise NotFound(Problem(code="H130", message=message, do="GET /api/v1/deliveries lists them"))
    if not await asyncio.wrap_future(deliveries.retry(runtime.world.store, row, runtime.world.now())):
        message = "it is under way, or was sent, or nobody needs it any more"
        raise Refused(Problem(code="H131", message=message, do="nothing was changed"))
    return await asyncio.to_thread(_one, runtime, caller, handle) or row


def _one(runtime: Runtime, caller: Caller, handle: str) -> Record | None:
    return delivery_lists.one_of(runtime.world.store.engine, handle, open_to(runtime, caller))


def open_to(runtime: Runtime, caller: Caller) -> ColumnElement[bool]:
    """The deliveries of incidents that the caller may read, and of no incident at all."""
    incident = table(DeliveryRow).c.incident
    with runtime.world.store.engine.connect() as connection:
        mine: ColumnElement[bool] = of_visible(connection, caller, incident) | (incident == "")
    return mine


def _rows(runtime: Runtime, caller: Caller, state: str | None, incident: str | None, limit: int) -> Sequence[Record]:
    rows = deliveries.listed(runtime.world.store.engine, state, incident, limit, open_to(runtime, caller))
    return covered(runtime, caller, [dict(row) for row in rows])


def _shown(row: Record) -> dict[str, object]:
    return {**{name: row[name] for name in SHOWN}, "roles": [role for role in row["roles"].split(",") if role]}
