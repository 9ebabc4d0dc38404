"""`/slack/commands` and `/slack/actions`: Slack's signed requests over HTTP.

Decides that a request counts by its signature over the bytes as they came, before anything is read from it, and that
without Slack set up there is nothing here. Leaves the work to the desk.
"""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from firedoor.core.json_types import JsonObject
from firedoor.core.problems import InvalidInput, Problem
from firedoor.interfaces.slack.desk import Desk
from firedoor.interfaces.slack.signing import is_signed
from firedoor.interfaces.web.http.responses import Unauthenticated, answer

MOST_FIELDS = 50

router = APIRouter(include_in_schema=False)


@router.post("/slack/commands")
async def post_command(request: Request) -> Response:
    """A slash command: acknowledged at once, answered afterwards."""
    desk, raw = await _signed(request)
    await desk.command(_form(raw), raw)
    return Response(status_code=200)


@router.post("/slack/actions")
async def post_action(request: Request) -> Response:
    """A button, or a form that was sent."""
    desk, raw = await _signed(request)
    said = await desk.action(_payload(_form(raw).get("payload", "")), raw)
    return Response(status_code=200) if said is None else answer(said)


async def _signed(request: Request) -> tuple[Desk, bytes]:
    """The desk and the bytes, once the signature is right. Raises Unauthenticated."""
    desk: Desk | None = getattr(request.app.state, "slack", None)
    if desk is None or not desk.runtime.settings.slack_signing_secret:
        raise HTTPException(404)
    raw = await request.body()
    if not is_signed(desk.signing_secret(), request.headers, raw, desk.runtime.world.now()):
        do = "set FIREDOOR_SLACK_SIGNING_SECRET to the app's signing secret, and see that the clocks agree"
        message = "the signature of this request is missing, wrong or older than five minutes"
        raise Unauthenticated(Problem(code="H122", message=message, do=do))
    return desk, raw


def _form(raw: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError:
        raise _unread() from None


def _payload(text: str) -> JsonObject:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise _unread() from None
    if not isinstance(found, dict):
        raise _unread()
    return found


def _unread() -> InvalidInput:
    return InvalidInput(Problem(code="H123", message="the request cannot be read", do="it is not as Slack writes it"))
