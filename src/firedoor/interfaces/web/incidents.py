"""Incidents: the list, opening one, one in full, its timeline and its facts.

Decides nothing about incidents. A playbook is named by its name; only this machine's own
user may name a file, because a remote caller must not have files of the server read.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from firedoor.core.problems import NotPermitted, Problem
from firedoor.core.timeline import timeline
from firedoor.interfaces.web import shapes
from firedoor.interfaces.web.answers import answer
from firedoor.interfaces.web.auth import Asking, Caller, Running
from firedoor.interfaces.web.covering import incident_rows
from firedoor.interfaces.web.finding import Wanted, found_by
from firedoor.interfaces.web.glance import glance
from firedoor.runtime.dry_run import what_would_be_done
from firedoor.store.projections import table
from firedoor.store.tables import IncidentRow

router = APIRouter(prefix="/api/v1", tags=["incidents"])

EXAMPLE = {"incident": "INC-2026-0001", "url": "/api/v1/incidents/INC-2026-0001"}


class Open(BaseModel):
    """What opens an incident by hand."""

    model_config = ConfigDict(extra="forbid")

    playbook: str = Field(min_length=1, max_length=1000, examples=["model-data-leakage"])
    facts: dict[str, Any] = Field(
        default_factory=dict, examples=[{"endpoint": "chat-large", "people_affected": "1..500"}]
    )
    title: str = Field(default="", max_length=200, examples=["A customer saw another customer's chat"])
    why: str = Field(default="", max_length=4000, examples=["Reported by telephone at 02:10."])


class SetFacts(BaseModel):
    """Facts that are corrected or added, and why."""

    model_config = ConfigDict(extra="forbid")

    facts: dict[str, Any] = Field(min_length=1, max_length=200, examples=[{"people_affected": {"min": 20, "max": 60}}])
    why: str = Field(max_length=5000, examples=["Counted in the request log of 14:02."])


@router.get("/incidents", summary="List incidents, newest first")
def list_incidents(
    runtime: Running, caller: Asking, state: Annotated[str, Query(max_length=60)] = "",
    open: bool | None = None,  # noqa: A002, FBT001 - the parameter's name on the wire
    q: Annotated[str, Query(max_length=200)] = "", limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Response:  # fmt: skip
    """One line for each. `open=true` leaves out those that have ended; `q` is words of number, type, title or target.

    An incident that is closed to the caller is found by no filter; without one it is listed by its number.
    """
    store, wanted = runtime.world.store, Wanted(q, state, open=open)
    with store.engine.connect() as connection:
        where = found_by(runtime, connection, caller, wanted)
    rows = store.rows(IncidentRow, where, table(IncidentRow).c.opened_at.desc(), limit)
    return answer({"incidents": [_line(row) for row in incident_rows(runtime, caller, [dict(row) for row in rows])]})


@router.post(
    "/incidents", status_code=201, summary="Open an incident, or see what opening one would do",
    responses={201: {"description": "Opened; it is on disk.", "content": {"application/json": {"example": EXAMPLE}}},
               200: {"description": "With `dry_run=true`: what would be done. Nothing was."}},
)  # fmt: skip
async def open_incident(
    given: Annotated[Open, Body()],
    runtime: Running,
    caller: Asking,
    dry_run: bool = False,  # noqa: FBT001, FBT002 - a parameter on the wire
) -> Response:
    """Start a playbook. The plan as it is now is pinned to the incident."""
    playbook = _playbook(given.playbook, caller)
    if dry_run:
        return answer(await what_would_be_done(runtime.service, playbook, given.facts))
    incident = await runtime.service.open(
        playbook, given.facts, given.title, given.why or "opened by hand", caller.person
    )
    url = f"/api/v1/incidents/{incident}"
    return answer({"incident": incident, "url": url}, 201, {"Location": url})


def _line(row: dict[str, Any]) -> dict[str, Any]:
    """Of an incident that is closed to the caller: that it exists."""
    return {**shapes.incident_line(row), "restricted": row["hidden"] or row["readers"] is not None}


def _playbook(name: str, caller: Caller) -> str | Path:
    is_file = Path(name).suffix in (".yaml", ".yml") or "/" in name or "\\" in name
    if is_file and not caller.local:
        problem = Problem(
            code="W103",
            field="playbook",
            message="only this machine's own user may name a file",
            do="name a playbook of /api/v1/playbooks",
        )
        raise NotPermitted(problem)
    return name


@router.get("/incidents/{incident}", summary="One incident")
async def get_incident(incident: str, runtime: Running, caller: Asking) -> Response:
    """State, facts with the unknown ones, progress of every operation, targets door by door, open tasks, clocks."""
    found = await glance(runtime, incident, caller)
    detail = await asyncio.to_thread(shapes.incident_detail, found, runtime.world.now())
    return answer(
        found.show(detail) | {"facts": detail["facts"] if not found.seal.names else _cover_facts(detail["facts"])}
    )


@router.get("/incidents/{incident}/timeline", summary="What happened, in order")
async def get_timeline(
    incident: str, runtime: Running, caller: Asking, after: int = 0,
    limit: Annotated[int | None, Query(ge=1, le=10_000)] = None,
) -> Response:  # fmt: skip
    """One line for each entry of the journal, in words. `after` is the number of an entry, `limit` how many at most.

    `next` is the `after` that goes on where the limit cut; null where nothing is left.
    """
    found = await glance(runtime, incident, caller)
    numbers = [entry.seq for entry in found.entries if entry.seq > after]
    asked = numbers[:limit]
    lines = await asyncio.to_thread(timeline, found.entries, found.names, found.definitions, found.seal, set(asked))
    more = asked[-1] if len(asked) < len(numbers) else None
    return answer({"incident": incident, "timeline": lines, "next": more})


@router.get("/incidents/{incident}/facts", summary="What is known, and what is not")
async def get_facts(incident: str, runtime: Running, caller: Asking) -> Response:
    """Every fact of the playbook with its value or null, and the history of changes with their reasons."""
    found = await glance(runtime, incident, caller)
    history = found.show(shapes.fact_history(found.entries))
    return answer(
        {
            "incident": incident,
            "facts": _cover_facts(shapes.facts(found)) if found.seal.names else shapes.facts(found),
            "history": history,
        }
    )


@router.patch("/incidents/{incident}/facts", summary="Correct or add facts")
@router.post("/incidents/{incident}/facts", summary="Correct or add facts")
async def set_facts(incident: str, given: Annotated[SetFacts, Body()], runtime: Running, caller: Asking) -> Response:
    """Conditions that are not settled yet, and clocks, are worked out anew. `unknown` takes a value back."""
    view = await runtime.service.set_facts(incident, given.facts, given.why, caller.person)
    return answer({"incident": incident, "set": sorted(given.facts), "seq": view.head.seq})


def _cover_facts(facts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Show of a sealed fact that it is known, and nothing else."""
    return [{**fact, "value": None, "shown": "sealed"} if fact["sealed"] and fact["known"] else fact for fact in facts]
