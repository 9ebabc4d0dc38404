"""A listener of its own for the pages of strangers: what answers where.

Decides by the port at which a connection came in, which no header can name. At the strangers' port nothing but their
pages is there, and at the other port those are not: everything else is 404, without a word about why. Leaves opening
the sockets to whoever serves, and whether strangers may ask at all to `takedown`.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from firedoor.interfaces.web.http.responses import plain
from firedoor.interfaces.web.public.takedown import ASKED, PAGE


class OwnDoor:
    """Wraps an ASGI application. `port` is that of the strangers' listener."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        self.app, self.port = app, port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or say that nothing is there."""
        if scope["type"] != "http" or self._is_there(scope):
            await self.app(scope, receive, send)
            return
        await plain(404)(scope, receive, send)

    def _is_there(self, scope: Scope) -> bool:
        server: tuple[str, int | None] | None = scope.get("server")
        strangers = server is not None and server[1] == self.port
        return strangers == is_for_strangers(scope["path"])


def is_for_strangers(path: str) -> bool:
    """Whether an address belongs to the pages of strangers."""
    return path in (PAGE, ASKED) or path.startswith(f"{PAGE}/")
