"""Requests that came by e-mail, as somebody here read them: kept under a number, with the address of a status page.

Decides that only people who respond hand one in, and that the message itself never comes here: a program reads it where
it lies. Leaves what is read of a message to `core.requests.mail`, and writing back to a human.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from firedoor.core.requests.submission import read
from firedoor.interfaces.web.http.responses import answer
from firedoor.interfaces.web.public.takedown import EXAMPLE, STATUS, origin
from firedoor.interfaces.web.security.auth import Asking, Running

router = APIRouter(prefix="/api/v1", tags=["takedown requests"])


class MailedRequest(BaseModel):
    """What was read of a message."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(min_length=16, max_length=200, description="the same for the same message", examples=["0" * 64])
    received_at: AwareDatetime | None = Field(None, description="when your mail server had it; now if left out")
    submission: dict[str, object] = Field(description="as at `/takedown-requests`", examples=[EXAMPLE])


@router.post("/mailed-requests", status_code=201, summary="Take in a request that came by e-mail")
async def take_in(
    request: Request, given: Annotated[MailedRequest, Body()], runtime: Running, caller: Asking
) -> Response:  # fmt: skip
    """The same message again is the same request. `missing` is what to ask; a human sends that, and the address."""
    del caller  # asked who it is, which the table of routes decides; what they read is the sender's word
    said = read({**given.submission, "unasked": True}, ours=True)
    receipt = await runtime.takedowns.receive_mail(said, given.key, given.received_at)
    where = f"{origin(runtime, request)}{STATUS}{receipt.secret}"
    due = receipt.due.isoformat() if receipt.due else None
    body = {"number": receipt.number, "status_url": where, "missing": list(receipt.missing), "due": due}
    return answer(body, 201, {"Referrer-Policy": "no-referrer"})
