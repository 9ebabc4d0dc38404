"""Evidence: the list with its chain of custody, one piece, and a piece added by hand.

Decides that a piece is downloaded by its digest, as an attachment that no browser opens,
and that drafts with sealed facts go only to those who may know them. Leaves custody to the core.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Body, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from firedoor.core.access.security import Export
from firedoor.core.evidence.custody import Pointer, custody
from firedoor.core.evidence.kinds import Reader, reader_of
from firedoor.core.execution.evidence_gaps import gaps_of
from firedoor.core.incident.view import IncidentView
from firedoor.core.problems import NotPermitted, Problem
from firedoor.core.text import clean_text
from firedoor.interfaces.web.http.cleaning import Number
from firedoor.interfaces.web.http.responses import answer
from firedoor.interfaces.web.leaving import exported
from firedoor.interfaces.web.reading.access_log import may_see
from firedoor.interfaces.web.reading.reading import read
from firedoor.interfaces.web.security.auth import Asking, Caller, Running, places_of
from firedoor.runtime.execution.evidence_requests import hand_out, point_out, take_in
from firedoor.runtime.process.application import Runtime

OCTETS = "application/octet-stream"
BYTES = {"type": "string", "format": "binary"}
Digest = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="SHA-256 in lower-case hexadecimal")]

router = APIRouter(prefix="/api/v1", tags=["evidence"])


class Pointed(BaseModel):
    """Hashes of something, and where it is; never the thing."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(examples=["the reported post"])
    why: str = Field(examples=["Named in the request of the person shown."])
    algorithm: str = Field("sha256", examples=["sha256", "pdq"])
    hashes: list[str] = Field([], max_length=1000)
    locators: list[str] = Field([], max_length=1000, examples=[["post/8812"]])


@router.get("/incidents/{incident}/evidence", summary="What is kept, and who touched it")
async def list_evidence(
    incident: str, runtime: Running, caller: Asking, after: Number = 0,
    limit: Annotated[int | None, Query(ge=1, le=10_000)] = None,
) -> Response:  # fmt: skip
    """Every piece with its SHA-256, size, source, form of keeping, and chain of custody, in the order of keeping.

    `next` is the `after` that goes on where the limit cut; null where nothing is left.
    `gaps` is what could not be kept.
    """
    found = await read(runtime, incident, caller)
    pieces = custody(found.told)[after:]
    following = after + limit if limit is not None and len(pieces) > limit else None
    gaps = gaps_of(found.told, found.view)
    return answer({"incident": incident, "evidence": found.show(pieces[:limit]), "gaps": gaps, "next": following})


@router.get("/incidents/{incident}/evidence/{sha256}", summary="One piece; the journal notes who read it")
async def get_piece(
    incident: str, sha256: Digest, runtime: Running, caller: Asking, why: Annotated[str, Query(max_length=500)] = ""
) -> Response:
    """The bytes as they were kept, checked against their digest."""
    found = await read(runtime, incident, caller)
    if found.holds_sealed:
        message = "this incident's evidence may hold sealed facts"
        raise NotPermitted(Problem(code="W103", message=message, do="ask the DPO, legal or the commander"))
    await asyncio.to_thread(may_have, runtime, caller, found.view, sha256)
    content, piece = await hand_out(runtime.world, incident, sha256, why, caller.person)
    exported(runtime, caller, Export.EVIDENCE, incident, sha256=sha256)
    headers = {
        "Content-Disposition": f'attachment; filename="{sha256[:16]}"',
        "X-Firedoor-Media-Type": _header(piece["media_type"]),
    }
    return Response(content, headers=headers, media_type=OCTETS)


@router.post(
    "/incidents/{incident}/evidence", status_code=201, summary="Add a piece by hand",
    openapi_extra={"requestBody": {"required": True, "content": {OCTETS: {"schema": BYTES}}}},
)  # fmt: skip
async def add_piece(
    incident: str, request: Request, runtime: Running, caller: Asking,
    name: Annotated[str, Query(max_length=200)], why: Annotated[str, Query(max_length=4000)],
    mode: Annotated[str, Query(description="auto keeps the bytes where they may be, and else their SHA-256; vault keeps them or refuses; digest keeps only their SHA-256")] = "auto",  # noqa: E501
) -> Response:  # fmt: skip
    """The body is the piece; its bytes are looked at, whatever it is called. Never send intimate or child material.

    Kept are text, structured data, and a PDF or DOCX that was shown to hold no picture. Of all else the answer has
    `mode: digest`, with `what` it is and why it was `refused`.
    """
    media_type = clean_text(request.headers.get("content-type", OCTETS))[:100]
    async with places_of(request).uploads.place(caller.person.name):
        kept = await take_in(
            runtime.world, incident, request.stream(),
            name=name, media_type=media_type, mode=mode, why=why, person=caller.person,
        )  # fmt: skip
    return answer({"incident": incident, "evidence": kept}, 201)


@router.post("/incidents/{incident}/evidence/locators", status_code=201, summary="Keep hashes and locators, no content")
async def add_pointer(incident: str, given: Annotated[Pointed, Body()], runtime: Running, caller: Asking) -> Response:
    """For intimate material, or whatever may show a child: what it is known by and where it is. Nothing is fetched."""
    pointer = Pointer(given.name, given.algorithm, tuple(given.hashes), tuple(given.locators))
    kept = await point_out(runtime.world, incident, pointer, given.why, caller.person)
    return answer({"incident": incident, "evidence": kept}, 201)


def may_have(runtime: Runtime, caller: Caller, view: IncidentView, sha256: str) -> None:
    """Refuse a piece that names people to whoever may not know them; that others read it is written down first.

    The strictest rule counts where the same bytes were kept as several pieces. Raises NotPermitted.
    """
    rules = {reader_of(piece) for piece in view.evidence if piece["sha256"] == sha256}
    if Reader.UNSEALED in rules and not may_see(runtime, caller, view.id, lambda: True):
        message = "this piece names people"
        raise NotPermitted(Problem(code="W103", message=message, do="ask the DPO, legal or the commander"))


def _header(text: str) -> str:
    return "".join(letter for letter in text if letter.isascii() and letter.isprintable())[:100]
