"""The guard around every request: bounds, security headers, and an end for whatever nobody caught.

Decides the largest body per address, that a body of the API is JSON, the headers of
every answer, and that a fault becomes a 500 in the usual shape and a line in the log.
It is plain ASGI: it wraps the channels and copies nothing.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import MutableMapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from firedoor.core.problems import Problem
from firedoor.interfaces.web.http.body import PATIENCE, Body
from firedoor.interfaces.web.http.limits import API, is_raw, largest, takes_forms
from firedoor.interfaces.web.http.problem_pages import plain_to
from firedoor.interfaces.web.http.responses import JSON, refusal

SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cache-Control": "no-store",
}

log = logging.getLogger(__name__)


class Guard:
    """Wraps an ASGI application."""

    def __init__(self, app: ASGIApp, patience: float = PATIENCE) -> None:
        self.app, self.patience = app, patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, within bounds."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers, started = Headers(scope=scope), False
        body = Body(receive, headers, largest(scope["path"]), self.patience)

        async def guarded_send(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _secure(message)
            elif body.is_owed and not message.get("more_body", False):
                message = await _ended(message, body, send)
            await send(message)

        refused = _refused(scope, headers)
        if refused is not None:
            await plain_to(Request(scope), refused)(scope, receive, guarded_send)
            return
        try:
            await self.app(scope, body.receive, guarded_send)
        except Exception:
            number = secrets.token_hex(4)
            log.exception("fault %s: %s %s", number, scope["method"], scope["path"])
            if started:
                raise
            message, do = (
                f"internal error, number {number}",
                "give this number to whoever runs the server; the log has the details",
            )
            problem = Problem(code="W150", message=message, do=do)
            await refusal([problem], 500)(scope, receive, guarded_send)


def _refused(scope: Scope, headers: Headers) -> int | None:
    """The status with which a request is refused by its headers alone."""
    if b"%00" in scope.get("raw_path", b"") or b"%00" in scope["query_string"]:
        return 400  # no name holds it, and not every database takes it
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > largest(scope["path"]):
        return 413 if length.isdecimal() else 400
    path: str = scope["path"]
    ours = path.startswith(API) and not is_raw(path) and not takes_forms(path)
    has_body = length != "0" or "transfer-encoding" in headers
    if ours and has_body and headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        return 415
    return None


async def _ended(message: Message, body: Body, send: Send) -> Message:
    """The end of an answer to a request that is still coming in, whose words have gone out by then.

    Many clients, curl among them, stop sending at a refusal, and would wait for its words while we wait for their body.
    """
    await send({**message, "more_body": True})
    await body.discard()
    return {"type": "http.response.body", "body": b"", "more_body": False}


def _secure(message: MutableMapping[str, object]) -> None:
    """Add the headers that the answer does not set itself."""
    headers = MutableHeaders(scope=message)
    for name, value in SECURITY.items():
        headers.setdefault(name, value)
