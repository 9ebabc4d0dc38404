"""Incidents: the list, opening one, one in full, its timeline and its facts.

Decides nothing about incidents. A playbook is named by its name; only this machine's own
user may name a file, because a remote caller must not have files of the server read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Body, Header, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from firedoor.core.history.timeline import timeline
from firedoor.core.lifecycle import IncidentType, State
from firedoor.core.problems import NotPermitted, Problem
from firedoor.core.severity import UNSAID, Severity
from firedoor.interfaces.shapes.incident import Fact
from firedoor.interfaces.web.http.cleaning import Number
from firedoor.interfaces.web.http.filters import need_word
from firedoor.interfaces.web.http.paging import After, Order
from firedoor.interfaces.web.http.responses import answer
from firedoor.interfaces.web.reading import serializers
from firedoor.interfaces.web.reading.cache import glance
from firedoor.interfaces.web.reading.redaction import incident_rows
from firedoor.interfaces.web.reading.search import Wanted, found_by
from firedoor.interfaces.web.security.auth import Asking, Bounded, Caller, Running
from firedoor.runtime.process.application import Runtime
from firedoor.runtime.rehearsal.dry_run import what_would_be_done
from firedoor.runtime.service.start_keys import MAXIMUM_KEY
from firedoor.store.database.sql import table
from firedoor.store.database.tables import IncidentRow

router = APIRouter(prefix="/api/v1", tags=["incidents"])

EXAMPLE = {"incident": "INC-2026-0001", "url": "/api/v1/incidents/INC-2026-0001"}

KEY = "Any word of yours for this start: sent again with it, the same start opens no second incident, for a day."


class Open(BaseModel):
    """What opens an incident by hand."""

    model_config = ConfigDict(extra="forbid")

    playbook: str = Field(min_length=1, max_length=1000, examples=["model-data-leakage"])
    facts: dict[str, object] = Field(
        default_factory=dict, examples=[{"endpoint": "chat-large", "people_affected": "1..500"}]
    )
    title: str = Field(default="", max_length=200, examples=["A customer saw another customer's chat"])
    why: str = Field(default="", max_length=4000, examples=["Reported by telephone at 02:10."])
    practice: bool = Field(
        default=False, description="It is labelled everywhere and in no figure; what it does is done all the same.",
    )  # fmt: skip
    anyway: str = Field(
        default="", max_length=4000, description="Why it starts all the same, although its checks refuse it.",
    )  # fmt: skip


class SetFacts(BaseModel):
    """Facts that are corrected or added, and why."""

    model_config = ConfigDict(extra="forbid")

    facts: dict[str, object] = Field(
        min_length=1, max_length=200, examples=[{"people_affected": {"min": 20, "max": 60}}]
    )
    why: str = Field(max_length=5000, examples=["Counted in the request log of 14:02."])


@router.get("/incidents", summary="List incidents, newest first")
async def list_incidents(  # noqa: PLR0913, PLR0917 - the parameters on the wire
    runtime: Running, caller: Asking, places: Bounded, state: Annotated[str, Query(max_length=60)] = "",
    severity: Annotated[str, Query(max_length=60)] = "", type: Annotated[str, Query(max_length=60)] = "",  # noqa: A002 - on the wire
    open: bool | None = None,  # noqa: A002, FBT001 - the parameter's name on the wire
    q: Annotated[str, Query(max_length=200)] = "", limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    after: After = "",
) -> Response:  # fmt: skip
    """One line for each. `open=true` leaves out those that have ended; `q` is words of number, type, title or target.

    An incident that is closed to the caller is found by no filter; without one it is listed by its number.
    `next` is the `after` of the following page; null where nothing is left.
    """
    need_word("state", state, State)
    need_word("severity", severity, (*Severity, UNSAID))
    need_word("type", type, IncidentType)
    wanted = Wanted(q, state, severity, type, open)
    async with places.looking(caller.person.name, q):
        return await asyncio.to_thread(_listed, runtime, caller, wanted, limit, after)


def _listed(runtime: Runtime, caller: Caller, wanted: Wanted, limit: int, after: str) -> Response:
    store, columns = runtime.world.store, table(IncidentRow).c
    order = Order((columns.opened_at, columns.id), newest_first=True)
    behind = order.behind(after)
    with store.engine.connect() as connection:
        where = found_by(runtime, connection, caller, wanted)
    rows = store.rows(IncidentRow, where if behind is None else where & behind, order.by(), limit + 1)
    shown = incident_rows(runtime, caller, [dict(row) for row in rows[:limit]])
    return answer({"incidents": [_line(row) for row in shown], "next": order.next(rows, limit)})


@router.post(
    "/incidents", status_code=201, summary="Open an incident, or see what opening one would do",
    responses={201: {"description": "Opened; it is on disk.", "content": {"application/json": {"example": EXAMPLE}}},
               200: {"description": "With `dry_run=true`: what would be done, and nothing was. With an "
                                    "`Idempotency-Key` that came before: the incident that it has opened."}},
)  # fmt: skip
async def open_incident(
    given: Annotated[Open, Body()],
    runtime: Running,
    caller: Asking,
    dry_run: bool = False,  # noqa: FBT001, FBT002 - a parameter on the wire
    idempotency_key: Annotated[str, Header(max_length=MAXIMUM_KEY, description=KEY)] = "",
) -> Response:
    """Start a playbook. The plan as it is now is pinned to the incident."""
    playbook = _playbook(given.playbook, caller)
    if dry_run:
        return answer(await what_would_be_done(runtime.service, playbook, given.facts))

    async def start(mark: str) -> str:
        why = given.why or "opened by hand"
        return await runtime.service.open(
            playbook, given.facts, given.title, why, caller.person,
            anyway=given.anyway, practice=given.practice, mark=mark,
        )  # fmt: skip

    keys, said = runtime.service.start_keys, given.model_dump(mode="json")
    incident, before = await keys.once(idempotency_key, said, caller.person, start)
    url = f"/api/v1/incidents/{incident}"
    in_spite = list((await runtime.service.view(incident)).in_spite)
    return answer({"incident": incident, "url": url, "in_spite": in_spite}, 200 if before else 201, {"Location": url})


def _line(row: dict[str, object]) -> dict[str, object]:
    """Of an incident that is closed to the caller: that it exists."""
    restricted = row["hidden"] or row["readers"] is not None
    return {**serializers.incident_line(row), "restricted": restricted, "set_aside": row["set_aside"]}


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
    detail = await asyncio.to_thread(serializers.incident_detail, found, runtime.world)
    return answer(
        found.show(detail) | {"facts": detail["facts"] if not found.seal.names else _cover_facts(detail["facts"])}
    )


@router.get("/incidents/{incident}/timeline", summary="What happened, in order")
async def get_timeline(
    incident: str, runtime: Running, caller: Asking, after: Number = 0,
    limit: Annotated[int | None, Query(ge=1, le=10_000)] = None,
) -> Response:  # fmt: skip
    """One line for each entry of the journal, in words. `after` is the number of an entry, `limit` how many at most.

    `next` is the `after` that goes on where the limit cut; null where nothing is left.
    """
    found = await glance(runtime, incident, caller)
    numbers = [entry.seq for entry in found.told if entry.seq > after]
    asked = numbers[:limit]
    lines = await asyncio.to_thread(timeline, found.told, found.names, found.definitions, found.seal, set(asked))
    more = asked[-1] if len(asked) < len(numbers) else None
    return answer({"incident": incident, "timeline": lines, "next": more})


@router.get("/incidents/{incident}/facts", summary="What is known, and what is not")
async def get_facts(incident: str, runtime: Running, caller: Asking) -> Response:
    """Every fact of the playbook with its value or null, and the history of changes with their reasons."""
    found = await glance(runtime, incident, caller)
    history = found.show(serializers.fact_history(found.told))
    return answer(
        {
            "incident": incident,
            "facts": _cover_facts(serializers.facts(found)) if found.seal.names else serializers.facts(found),
            "history": history,
        }
    )


@router.patch("/incidents/{incident}/facts", summary="Correct or add facts")
@router.post("/incidents/{incident}/facts", summary="Correct or add facts")
async def set_facts(incident: str, given: Annotated[SetFacts, Body()], runtime: Running, caller: Asking) -> Response:
    """Conditions that are not settled yet, and clocks, are worked out anew. `unknown` takes a value back."""
    view = await runtime.service.set_facts(incident, given.facts, given.why, caller.person)
    return answer({"incident": incident, "set": sorted(given.facts), "seq": view.head.seq})


def _cover_facts(facts: Sequence[Fact]) -> list[Fact]:
    return [_cover_fact(one) for one in facts]


def _cover_fact(fact: Fact) -> Fact:
    """Show of a sealed fact that it is known, and nothing else."""
    return {**fact, "value": None, "shown": "sealed"} if fact["sealed"] and fact["known"] else fact
