"""Evidence: the list with its chain of custody, one piece, and a piece added by hand.

Decides that a piece is downloaded by its digest, as an attachment that no browser opens,
and that drafts with sealed facts go only to those who may know them. Leaves custody to the core.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from firedoor.core.custody import Pointer, custody
from firedoor.core.problems import NotPermitted, Problem
from firedoor.interfaces.web.answers import answer
from firedoor.interfaces.web.auth import Asking, Running
from firedoor.interfaces.web.reading import read
from firedoor.runtime.custodian import hand_out, point_out, take_in

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
async def list_evidence(incident: str, runtime: Running, caller: Asking) -> Response:
    """Every piece with its SHA-256, size, source, form of keeping, and chain of custody."""
    found = await read(runtime, incident, caller)
    return answer({"incident": incident, "evidence": found.show(custody(found.entries))})


@router.get("/incidents/{incident}/evidence/{sha256}", summary="One piece; the journal notes who read it")
async def get_piece(
    incident: str, sha256: Digest, runtime: Running, caller: Asking, why: Annotated[str, Query(max_length=500)] = ""
) -> Response:
    """The bytes as they were kept, checked against their digest."""
    found = await read(runtime, incident, caller)
    if found.holds_sealed:
        message = "this incident's evidence may hold sealed facts"
        raise NotPermitted(Problem(code="W103", message=message, do="ask the DPO, legal or the commander"))
    content, piece = await hand_out(runtime.world, incident, sha256, why, caller.person)
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
    mode: Annotated[str, Query(description="vault keeps the bytes; digest only their SHA-256")] = "vault",
) -> Response:  # fmt: skip
    """The body is the piece. Never send intimate or child material: images and videos are kept by digest only."""
    media_type = request.headers.get("content-type", OCTETS)[:100]
    kept = await take_in(
        runtime.world,
        incident,
        request.stream(),
        name=name,
        media_type=media_type,
        mode=mode,
        why=why,
        person=caller.person,
    )
    return answer({"incident": incident, "evidence": kept}, 201)


@router.post("/incidents/{incident}/evidence/locators", status_code=201, summary="Keep hashes and locators, no content")
async def add_pointer(incident: str, given: Annotated[Pointed, Body()], runtime: Running, caller: Asking) -> Response:
    """For intimate material, or whatever may show a child: what it is known by and where it is. Nothing is fetched."""
    pointer = Pointer(given.name, given.algorithm, tuple(given.hashes), tuple(given.locators))
    kept = await point_out(runtime.world, incident, pointer, given.why, caller.person)
    return answer({"incident": incident, "evidence": kept}, 201)


def _header(text: str) -> str:
    return "".join(letter for letter in text if letter.isascii() and letter.isprintable())[:100]
