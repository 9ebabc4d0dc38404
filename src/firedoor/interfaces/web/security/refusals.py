"""Counts requests that are refused, for the security journal: who was turned away, and how often.

Decides that 401 and 403 count, by the caller where one is known and else by address, and that sign-in is counted
elsewhere. It is plain ASGI: one comparison for a request that is not refused.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

REFUSED = frozenset((401, 403))
ELSEWHERE = "/sign-in"


class Refusals:
    """Wraps an ASGI application."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and count it where it is refused."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        scope.setdefault("state", {})  # what is inside may work on a copy of the scope; this dictionary is shared

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in REFUSED:
                _count(scope)
            await send(message)

        await self.app(scope, receive, counted)


def _count(scope: Scope) -> None:
    if scope["path"].startswith(ELSEWHERE):
        return
    client = scope.get("client") or ("unknown", 0)
    who = scope.get("state", {}).get("caller") or f"address:{client[0]}"
    scope["app"].state.runtime.security.refused(who)
