"""Clocks: what is due, and the record that it was sent.

Decides the order (what runs out first) and nothing of the law. Leaves what a submission
must bring along to `core.people`.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Body, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from firedoor.core.clocks.extensions import MoreTime
from firedoor.core.incident.view import SETTLED_CLOCKS
from firedoor.interfaces.web.http.responses import answer
from firedoor.interfaces.web.reading import serializers
from firedoor.interfaces.web.reading.clock_zones import in_utc
from firedoor.interfaces.web.reading.reading import read
from firedoor.interfaces.web.reading.redaction import readable_rows
from firedoor.interfaces.web.reading.search import OfIncident
from firedoor.interfaces.web.security.auth import Asking, Running
from firedoor.store.database.sql import Where, table
from firedoor.store.database.tables import ClockRow

router = APIRouter(prefix="/api/v1", tags=["clocks"])


class Submission(BaseModel):
    """What proves that it was sent."""

    model_config = ConfigDict(extra="forbid")

    why: str = Field(max_length=5000, examples=["Sent through the authority's portal."])
    fields: dict[str, str] = Field(
        description="`reference`, `version` (approved, a digest, file, none) or `as_sent_sha256`, `channel`, `sent_at`",
        examples=[
            {
                "reference": "ICO-2026-4711", "version": "approved", "channel": "the authority's portal",
                "sent_at": "2026-11-22T09:30:00+00:00",
            }
        ],
    )  # fmt: skip


class Reason(BaseModel):
    """Why somebody does it."""

    model_config = ConfigDict(extra="forbid")

    why: str = Field(max_length=4000, examples=["The prosecutor lifted the request."])


class More(Reason):
    """More time that is asked for: until when, and by which document."""

    until: AwareDatetime = Field(examples=["2026-12-24T10:00:00+01:00"])
    document: str = Field(max_length=4000, examples=["Request of the prosecutor of 22 November 2026, 3 Js 12/26"])


@router.get("/clocks", summary="Open clocks of all incidents, the one that runs out first on top")
async def list_clocks(
    runtime: Running, caller: Asking, incident: OfIncident, all: bool = False,  # noqa: A002, FBT001, FBT002 - names on the wire
    limit: Annotated[int, Query(ge=1, le=1000)] = 500,
) -> Response:  # fmt: skip
    """`all=true` lists those that are met or waived, too. A clock without an outer limit comes last.

    `zone_guessed` says that its days are counted in UTC because the organisation's time zone is not known.
    """
    columns = table(ClockRow).c
    where: Where | None = None if all else columns.state.not_in(SETTLED_CLOCKS)
    if incident is not None:
        same = columns.incident == incident
        where = same if where is None else where & same
    rows = await readable_rows(runtime, caller, ClockRow, where, columns.due_at.is_(None), limit)
    now = runtime.world.now()
    ordered = sorted(rows, key=lambda row: (row["due_at"] is None, row["due_at"] or "", row["incident"], row["id"]))
    guessed = await asyncio.to_thread(in_utc, runtime.world, ordered)
    shown = [serializers.clock_row(row, now, in_utc=(row["incident"], row["id"]) in guessed) for row in ordered]
    return answer({"clocks": shown})


@router.get("/incidents/{incident}/clocks", summary="The clocks of an incident")
async def incident_clocks(incident: str, runtime: Running, caller: Asking) -> Response:
    """Every clock with its law, limit, assumptions and history.

    `zone` is where its days are counted; `zone_guessed` says that it is UTC because the organisation's is not known.
    """
    found = await read(runtime, incident, caller)
    shown = [serializers.clock(one, runtime.world, found.view.facts) for one in found.view.clocks.values()]
    ordered = sorted(shown, key=lambda one: (not one["open"], one["due"] is None, one["due"] or "", one["id"]))
    return answer({"incident": incident, "clocks": found.show(ordered)})


@router.post("/incidents/{incident}/clocks/{clock:path}/submit", summary="Record that it was sent")
async def submit(
    incident: str, clock: str, given: Annotated[Submission, Body()], runtime: Running, caller: Asking
) -> Response:
    """Which text went, by which channel, when, and the reference that proves it; a late one needs `reasons_for_delay`.

    A text that nobody approved is refused. Where no copy is kept (`none`), the report names that as a weakness.
    """
    person = caller.within(await runtime.service.view(incident)) if caller.local else caller.person
    view = await runtime.service.submit(incident, clock, given.fields, given.why, person)
    return answer({"incident": incident, "clock": serializers.clock(view.clocks[clock], runtime.world, view.facts)})


@router.post("/incidents/{incident}/clocks/{clock:path}/extend", summary="Ask for an extension")
async def extend(
    incident: str, clock: str, given: Annotated[More, Body()], runtime: Running, caller: Asking
) -> Response:
    """It takes effect when somebody else agrees: the answer shows the clock as it still is."""
    return await _ask(incident, clock, given, runtime, caller, pause=False)


@router.post("/incidents/{incident}/clocks/{clock:path}/pause", summary="Ask for a pause for law enforcement")
async def pause(
    incident: str, clock: str, given: Annotated[More, Body()], runtime: Running, caller: Asking
) -> Response:
    """As an extension. At its end the clock runs on by itself."""
    return await _ask(incident, clock, given, runtime, caller, pause=True)


@router.post("/incidents/{incident}/clocks/{clock:path}/resume", summary="End a pause now")
async def resume(
    incident: str, clock: str, given: Annotated[Reason, Body()], runtime: Running, caller: Asking
) -> Response:
    """A limit that passed during the pause is due now."""
    person = caller.within(await runtime.service.view(incident)) if caller.local else caller.person
    view = await runtime.service.resume(incident, clock, given.why, person)
    return answer({"incident": incident, "clock": serializers.clock(view.clocks[clock], runtime.world, view.facts)})


async def _ask(incident: str, clock: str, given: More, runtime: Running, caller: Asking, *, pause: bool) -> Response:
    person = caller.within(await runtime.service.view(incident)) if caller.local else caller.person
    asked = MoreTime(given.until, given.document, given.why)
    view = await runtime.service.ask_for_time(incident, clock, asked, person, pause=pause)
    return answer({"incident": incident, "clock": serializers.clock(view.clocks[clock], runtime.world, view.facts)})
