"""What leaves through messengers: what waits, what was sent, what was given up.

Decides that rows of an incident that is closed to the reader are left out, and that nobody's address is shown. Leaves
sending to the outbox.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from firedoor.interfaces.web.answers import answer
from firedoor.interfaces.web.auth import Asking, Caller, Running
from firedoor.interfaces.web.covering import covered, of_visible
from firedoor.runtime.start import Runtime
from firedoor.store import deliveries
from firedoor.store.projections import table
from firedoor.store.tables import DeliveryRow

router = APIRouter(prefix="/api/v1", tags=["messages"])
State = Literal["queued", "sending", "sent", "given_up", "nobody", "addressed"]
SHOWN = (
    "handle", "incident", "seq", "kind", "about", "messenger", "state", "made_at", "next_at", "attempts", "problem",
    "sent_at",
)  # fmt: skip


@router.get("/deliveries", summary="What leaves through messengers, newest first")
async def list_deliveries(
    runtime: Running, caller: Asking, state: State | None = None, incident: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Response:  # fmt: skip
    """`queued` waits, `given_up` is not tried any more, and `problem` says why."""
    rows = await asyncio.to_thread(_rows, runtime, caller, state, incident, limit)
    return answer({"deliveries": [_shown(row) for row in rows], "health": runtime.outbox.state})


def _rows(
    runtime: Runtime, caller: Caller, state: str | None, incident: str | None, limit: int
) -> Sequence[Mapping[str, Any]]:
    engine, column = runtime.world.store.engine, table(DeliveryRow).c.incident
    with engine.connect() as connection:
        open_to = of_visible(connection, caller, column)
    rows = deliveries.listed(engine, state, incident, limit, open_to)
    return covered(runtime, caller, [dict(row) for row in rows])


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**{name: row[name] for name in SHOWN}, "roles": [role for role in row["roles"].split(",") if role]}
