"""Requests of people within an incident: the list, one, a new one, what it contains, a letter, the answer.

Decides the shape of the bodies and nothing of the law. Leaves what a request is to `core.requests`, and what people
may do to it to `core.request_actions`.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from firedoor.core.incident.view import IncidentView
from firedoor.core.person import Person
from firedoor.core.requests.request import Ground, LetterKind, Outcome, RequestKind
from firedoor.core.tasks.request_actions import Given, Told, the_request
from firedoor.interfaces.web.http.responses import answer
from firedoor.interfaces.web.reading.reading import Read, read
from firedoor.interfaces.web.security.auth import Asking, Caller, Running
from firedoor.runtime.service.requests import requests_told

router = APIRouter(prefix="/api/v1", tags=["requests"])

Answered = Literal["yes", "no", "unknown"]
ELEMENTS = [{"request_in_writing": "yes", "request_signed": "no"}]


class Said(BaseModel):
    """What is known of a request. What is left out stays unknown; nothing is taken for granted."""

    model_config = ConfigDict(extra="forbid")

    why: str = Field(max_length=5000, examples=["Read in the letter of 20 November."])
    elements: dict[str, Answered] = Field({}, max_length=40, description="what it contains", examples=ELEMENTS)
    requester: str = Field("", max_length=500, description="sealed", examples=["Invented Person"])
    requester_contact: str = Field("", max_length=500, description="sealed", examples=["person@example.org"])
    reference: str = Field("", max_length=500, examples=["front desk 5521"])
    locators: list[str] = Field([], max_length=200, description="sealed", examples=[["post/8812"]])

    def told(self) -> Told:
        """For the core."""
        return Told(self.elements, self.requester, self.requester_contact, self.reference, tuple(self.locators))


class Arrival(Said):
    """A request that came by no alert: a letter, an e-mail, a telephone call."""

    kind: RequestKind = Field(RequestKind.REMOVAL)
    received_at: AwareDatetime | None = Field(None, description="at the latest now", examples=["2026-11-20T10:00:00Z"])


class Completion(Said):
    """What a request contains or lacks, or what came later."""

    at: AwareDatetime | None = Field(None, description="when that came; now if left out")


class LetterSent(BaseModel):
    """A letter to the person that was sent."""

    model_config = ConfigDict(extra="forbid")

    letter: LetterKind = Field(examples=["question"])
    reference: str = Field(max_length=500, examples=["mail of 20 November, 14:02"])
    at: AwareDatetime | None = Field(None, description="when it was sent; now if left out")


class RequestAnswer(BaseModel):
    """What a request comes to. `removed` needs a reference that proves it, and how the person was told."""

    model_config = ConfigDict(extra="forbid")

    outcome: Outcome = Field(examples=["removed"])
    why: str = Field(
        max_length=5000, description="of a refusal the person reads it on their status page",
        examples=["Gone since 14:10, the hash search finds nothing."],
    )  # fmt: skip
    reference: str = Field("", max_length=500, examples=["moderation ticket 77"])
    reasons_for_delay: str = Field("", max_length=500, description="needed where a limit has passed")
    channel: str = Field("", max_length=200, description="by which the person was told", examples=["e-mail"])
    sent_at: str = Field("", max_length=60, description="when; an instant with its offset, or now", examples=["now"])
    version: str = Field("", max_length=100, description="the text that was sent: approved, a digest, file or none")
    ground: Ground | None = Field(None, description="of a refusal, for the figures of a year", examples=["not_found"])
    alone: str = Field("", max_length=500, description="why nobody else can, once enough cases were decided")


@router.get("/incidents/{incident}/requests", summary="The requests of an incident, each with its own clocks")
async def list_requests(
    incident: str, runtime: Running, caller: Asking,
    after: Annotated[str, Query(max_length=100, description="the `next` of the page before")] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:  # fmt: skip
    """In the order in which they came: what each contains, what each law says of it, its clocks, letters and answer."""
    found = await read(runtime, incident, caller)
    start = the_request(found.view, after).number if after else 0
    shown = [one for one in await _told(runtime, found) if one["number"] > start]
    following = shown[limit - 1]["name"] if len(shown) > limit else None
    return answer({"incident": incident, "requests": found.show(shown[:limit]), "next": following})


@router.get("/incidents/{incident}/requests/{request}", summary="One request")
async def get_request(incident: str, request: str, runtime: Running, caller: Asking) -> Response:
    """By its id, or by its number: `R2`."""
    found = await read(runtime, incident, caller)
    return answer({"incident": incident, "request": await _one(runtime, found, request)})


@router.post("/incidents/{incident}/requests", status_code=201, summary="Register a request that came by no alert")
async def receive(incident: str, given: Annotated[Arrival, Body()], runtime: Running, caller: Asking) -> Response:
    """It counts as received now at the latest. The same person about the same content again is the same request."""
    person = _person(caller, await runtime.service.view(incident))
    _, name = await runtime.service.receive_request(
        incident, given.kind, given.received_at, given.told(), given.why, person
    )
    return await _shown(incident, name, runtime, caller, 201)


@router.post("/incidents/{incident}/requests/{request}/complete", summary="Say what it contains, or what came later")
async def complete(
    incident: str, request: str, given: Annotated[Completion, Body()], runtime: Running, caller: Asking
) -> Response:
    """Law by law: an incomplete request starts no law's clock, a shadow of it reminds; the rest of it starts it."""
    person = _person(caller, await runtime.service.view(incident))
    await runtime.service.complete_request(incident, request, given.at, given.told(), given.why, person)
    return await _shown(incident, request, runtime, caller)


@router.post("/incidents/{incident}/requests/{request}/letter", summary="Note a letter to the person that was sent")
async def note_letter(
    incident: str, request: str, given: Annotated[LetterSent, Body()], runtime: Running, caller: Asking
) -> Response:
    """An acknowledgement, a question for what is missing, or the answer. Noting one ends nothing."""
    person = _person(caller, await runtime.service.view(incident))
    await runtime.service.note_letter(incident, request, given.letter, given.at, given.reference, person)
    return await _shown(incident, request, runtime, caller)


@router.post("/incidents/{incident}/requests/{request}/answer", summary="Answer a request")
async def answer_one(
    incident: str, request: str, given: Annotated[RequestAnswer, Body()], runtime: Running, caller: Asking
) -> Response:
    """Its own open clocks and their tasks end with it, and no others. The roles of those tasks are asked for.

    A refusal counts once a second person answers so too; until then it stands as `proposed`. The complaint of whoever
    posted is decided by somebody who answered no request of the incident.
    """
    person = _person(caller, await runtime.service.view(incident))
    sending = given.model_dump(include={"reasons_for_delay", "channel", "sent_at", "version"})
    reply = Given(given.outcome, given.why, given.reference, sending, str(given.ground or ""), given.alone)
    await runtime.service.answer_request(incident, request, reply, person)
    return await _shown(incident, request, runtime, caller)


async def _shown(incident: str, request: str, runtime: Running, caller: Caller, status: int = 200) -> Response:
    found = await read(runtime, incident, caller)
    return answer({"incident": incident, "request": await _one(runtime, found, request)}, status)


async def _one(runtime: Running, found: Read, request: str) -> object:
    wanted = the_request(found.view, request).id
    return found.show(next(one for one in await _told(runtime, found) if one["id"] == wanted))


async def _told(runtime: Running, found: Read) -> list[dict[str, Any]]:
    return await asyncio.to_thread(requests_told, runtime.world, found.plan, found.view)


def _person(caller: Caller, view: IncidentView) -> Person:
    return caller.within(view) if caller.local else caller.person
