"""The guard around every request: bounds, security headers, and an end for whatever nobody caught.

Decides the largest body per address, that a body of the API is JSON, the headers of
every answer, and that a fault becomes a 500 in the usual shape and a line in the log.
It is plain ASGI: it wraps the channels and copies nothing.
"""

from __future__ import annotations

import logging
import re
from collections.abc import MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from firedoor.core.problems import Problem
from firedoor.interfaces.web.answers import JSON, plain_to, refusal

MAXIMUM_BODY = 1024 * 1024  # bytes
MAXIMUM_EVIDENCE = 64 * 1024 * 1024  # bytes
MAXIMUM_FORM = (
    1024 * 1024 * 1024
)  # bytes; below it the page itself refuses a piece that is too large, and holds nothing
API = "/api/v1/"
RAW = ("/alerts/", "/evidence")  # addresses whose bodies are not ours to prescribe
_EVIDENCE = re.compile(r"(/api/v1)?/incidents/[^/]+/evidence")  # the two addresses that take a piece in, and no other

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

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, within bounds."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers, started = Headers(scope=scope), False

        async def guarded_send(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _secure(message)
            await send(message)

        refused = _refused(scope, headers)
        if refused is not None:
            await plain_to(Request(scope), refused)(scope, receive, guarded_send)
            return
        try:
            await self.app(scope, _bounded(receive, _largest(scope["path"])), guarded_send)
        except Exception:
            log.exception("%s %s", scope["method"], scope["path"])
            if started:
                raise
            problem = Problem(
                code="W150", message="a fault of ours; nothing more is known here", do="look into the server's log"
            )
            await refusal([problem], 500)(scope, receive, guarded_send)


def _refused(scope: Scope, headers: Headers) -> int | None:
    """The status with which a request is refused by its headers alone."""
    if b"%00" in scope.get("raw_path", b"") or b"%00" in scope["query_string"]:
        return 400  # no name holds it, and not every database takes it
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > _largest(scope["path"]):
        return 413 if length.isdecimal() else 400
    path: str = scope["path"]
    ours = path.startswith(API) and not any(part in path for part in RAW)
    has_body = length != "0" or "transfer-encoding" in headers
    if ours and has_body and headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        return 415
    return None


def _largest(path: str) -> int:
    if not takes_evidence(path):
        return MAXIMUM_BODY
    return MAXIMUM_EVIDENCE if path.startswith(API) else MAXIMUM_FORM


def takes_evidence(path: str) -> bool:
    """Whether a piece of evidence may come in at this address; what else ends so is as small as everything."""
    return _EVIDENCE.fullmatch(path) is not None


def _bounded(receive: Receive, largest: int) -> Receive:
    """Count what comes in: a body without a length, or with a false one, ends at the bound."""
    total = 0

    async def counted() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b"")) if message["type"] == "http.request" else 0
        if total > largest:
            raise HTTPException(413)
        return message

    return counted


def _secure(message: MutableMapping[str, Any]) -> None:
    """Add the headers that the answer does not set itself."""
    headers = MutableHeaders(scope=message)
    for name, value in SECURITY.items():
        headers.setdefault(name, value)
