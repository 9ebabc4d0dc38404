"""Held targets: what is kept closed and how it stands; opening what an ended incident left closed; legal holds.

Decides nothing: who must agree and what forbids it is worked out in the core.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Body
from pydantic import Field
from starlette.responses import Response

from firedoor.core.access.need_to_know import may_read
from firedoor.interfaces.web.api.operator import Why
from firedoor.interfaces.web.http.responses import answer
from firedoor.interfaces.web.security.auth import Asking, Caller, Running
from firedoor.runtime.process.application import Runtime
from firedoor.store.database.sql import Record, table
from firedoor.store.database.tables import HoldRow, IncidentRow

router = APIRouter(prefix="/api/v1", tags=["incidents"])


class LegalHold(Why):
    """A legal hold, or its release."""

    release: bool = Field(default=False, description="End the hold.")


@router.get("/holds", summary="List what is held closed")
async def list_holds(runtime: Running, caller: Asking) -> Response:
    """Every target that an incident keeps closed, ended incidents included, and when it was last seen closed.

    That a target is closed is for everybody who might open it; which incident closed it, and when, is not, where that
    incident is closed to the caller: `incident` and the times are null then, and `restricted` is true.
    """
    rows = await asyncio.to_thread(held, runtime, caller)
    names = ("incident", "target", "state", "since", "seen_at", "every", "next_look", "looks", "drifts", "restricted")
    return answer({"holds": [{name: row[name] for name in names} for row in rows]})


def held(runtime: Runtime, caller: Caller) -> list[dict[str, object]]:
    """What is held closed; of an incident that is closed to the caller only the target and how it stands."""
    store = runtime.world.store
    rows = store.rows(HoldRow, None, table(HoldRow).c.since, None)
    named = {row["incident"] for row in rows}
    heads = {row["id"]: row for row in store.rows(IncidentRow, table(IncidentRow).c.id.in_(named), limit=len(named))}
    return [_hold(row, caller, heads[row["incident"]]["readers"]) for row in rows]


def _hold(row: Record, caller: Caller, readers: str | None) -> dict[str, object]:
    if caller.local or may_read(readers, caller.person):
        return {**row, "restricted": False}
    return {**dict.fromkeys(row), "target": row["target"], "state": row["state"], "restricted": True}


@router.post("/incidents/{incident}/targets/{target}/open", summary="Agree to open what an ended incident keeps closed")
async def open_again(
    incident: str, target: str, given: Annotated[Why, Body()], runtime: Running, caller: Asking
) -> Response:
    """The first to agree asks the others; when enough have agreed it is opened, and proved to answer."""
    view = await runtime.service.open_again(incident, target, given.why, caller.person)
    waits = [task for task in view.open_tasks() if task.payload.get("target") == target and task.kind == "open"]
    missing = waits[0].approvals - len(waits[0].answers) if waits else 0
    return answer({"incident": incident, "target": target, "agreed": not waits, "people_missing": missing})


@router.post("/incidents/{incident}/legal-hold", summary="Place a legal hold on an incident, or release it")
async def legal_hold(incident: str, given: Annotated[LegalHold, Body()], runtime: Running, caller: Asking) -> Response:
    """While it lasts nothing that the incident closed is opened again."""
    view = await runtime.service.legal_hold(incident, given.why, caller.person, release=given.release)
    return answer({"incident": incident, "legal_hold": view.legal_hold is not None})
