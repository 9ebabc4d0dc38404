"""Copies of content within an incident: the list, what one is, putting one back, and what a hash bank is told.

Decides the shape of the bodies and nothing else. Leaves what a copy is to `core.removal`, and what people may say of
one to `core.tasks.copy_actions`.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from firedoor.core.hashing.feedback import Verdict
from firedoor.core.incident.view import IncidentView
from firedoor.core.person import Person
from firedoor.core.reporting.copies import told
from firedoor.core.tasks.copy_actions import Said, the_copy
from firedoor.interfaces.web.http.responses import answer
from firedoor.interfaces.web.reading.reading import read
from firedoor.interfaces.web.security.auth import Asking, Caller, Running

router = APIRouter(prefix="/api/v1", tags=["copies"])

Why = Annotated[str, Field(max_length=4000, examples=["Same account, same minute."])]


class Decision(BaseModel):
    """What a copy is."""

    model_config = ConfigDict(extra="forbid")

    said: Said = Field(alias="is", examples=["same"])
    why: Why


class Reason(BaseModel):
    """Why a copy is put back."""

    model_config = ConfigDict(extra="forbid")

    why: Why


class Feedback(BaseModel):
    """What a bank is told about one of its entries. Nothing is sent by this."""

    model_config = ConfigDict(extra="forbid")

    bank: str = Field(max_length=200, examples=["Own"])
    entry: str = Field(
        max_length=64, description="the digest of the entry, at least 12 digits", examples=["0a1b2c3d4e5f"]
    )
    verdict: Verdict = Field(examples=["true"])
    why: Why


@router.get("/incidents/{incident}/copies", summary="The copies of content that were found, and how each stands")
async def list_copies(incident: str, runtime: Running, caller: Asking) -> Response:
    """In the order in which they were found; `copy_locator` is sealed."""
    found = await read(runtime, incident, caller)
    return answer({"incident": incident, "copies": found.show(told(found.view))})


@router.post("/incidents/{incident}/copies/{copy}", summary="Say what a copy is: the same, not the same, or gone")
async def decide(
    incident: str, copy: str, given: Annotated[Decision, Body()], runtime: Running, caller: Asking
) -> Response:  # fmt: skip
    """By its id, or by its number: `C2`. Whoever says that it is the same agrees to its removal."""
    person = _person(caller, await runtime.service.view(incident))
    await runtime.service.decide_copy(incident, copy, given.said, given.why, person)
    return await _shown(incident, copy, runtime, caller)


@router.post("/incidents/{incident}/copies/{copy}/restore", summary="Put back a copy that was removed wrongly")
async def restore(
    incident: str, copy: str, given: Annotated[Reason, Body()], runtime: Running, caller: Asking
) -> Response:  # fmt: skip
    """Where the store can undo it. It is looked at before it is written down."""
    person = _person(caller, await runtime.service.view(incident))
    await runtime.service.restore_copy(incident, copy, given.why, person)
    return await _shown(incident, copy, runtime, caller)


@router.post("/incidents/{incident}/bank-feedback", status_code=201, summary="Note what a hash bank is to be told")
async def tell_bank(
    incident: str, given: Annotated[Feedback, Body()], runtime: Running, caller: Asking
) -> Response:  # fmt: skip
    """True, false or removed, about one entry by its digest. `firedoor banks feedback` writes it in the bank's form."""
    person = _person(caller, await runtime.service.view(incident))
    await runtime.service.tell_bank(incident, given.bank, given.entry, given.verdict, given.why, person)
    return answer({"incident": incident, "bank": given.bank, "verdict": given.verdict}, 201)


async def _shown(incident: str, copy: str, runtime: Running, caller: Caller) -> Response:
    found = await read(runtime, incident, caller)
    wanted = the_copy(found.view, copy).id
    return answer(
        {"incident": incident, "copy": found.show(next(one for one in told(found.view) if one["id"] == wanted))}
    )


def _person(caller: Caller, view: IncidentView) -> Person:
    return caller.within(view) if caller.local else caller.person
