"""What is taken off a request before anything else sees it: a secret in its address, and who is on the line.

Decides that `POST /api/v1/alerts/<source>/from/<token>` is a delivery to `/api/v1/alerts/<source>`, for senders that
can set no header: the token leaves the address here, so that no log, no refusal and no fault ever names it. Keeps the
peer of the connection, before a trusted proxy's word about the client replaces it. Leaves judging both to `senders`.
"""

from __future__ import annotations

import re

from starlette.types import ASGIApp, Receive, Scope, Send

KEY, PEER = "delivery_key", "peer"  # in the state of the request
_KEYED = re.compile(r"(/api/v1/alerts/[^/]+)/from/([^/]+)/?")


class Arrival:
    """Wraps an ASGI application; the outermost layer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, without the secret of its address."""
        if scope["type"] == "http":
            state = scope.setdefault("state", {})
            state[PEER] = (scope.get("client") or ("", 0))[0]
            if (found := _KEYED.fullmatch(scope["path"])) is not None:
                state[KEY] = found[2]
                scope["path"], scope["raw_path"] = found[1], found[1].encode()
        await self.app(scope, receive, send)
