"""What leaves through messengers: what waits, what was sent, what was given up.

Decides that rows of an incident that is closed to the reader are left out, and that nobody's address is shown. Leaves
sending to the outbox.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from firedoor.interfaces.web.answers import answer
from firedoor.interfaces.web.auth import Asking, Running
from firedoor.interfaces.web.covering import closed_to
from firedoor.store import deliveries

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
    engine = runtime.world.store.engine
    rows = await asyncio.to_thread(deliveries.listed, engine, state, incident, limit)
    closed = await closed_to(runtime, caller, rows)
    shown = [_shown(row) for row in rows if row["incident"] not in closed]
    return answer({"deliveries": shown, "health": runtime.outbox.state})


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**{name: row[name] for name in SHOWN}, "roles": [role for role in row["roles"].split(",") if role]}
