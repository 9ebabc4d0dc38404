"""The check in front of both servers, Firedoor's own and the private Prefect: whom a request believes it speaks to.

Decides by two headers that a browser sets and no page can change. `Host` must be a name that this server goes by: a
page of a foreign site can make its own name resolve to this machine (DNS rebinding), but its requests still carry it.
`Origin`, where a browser sends one with a request that may change something, must be one of those names too.
Leaves who somebody is to the server behind it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import orjson

from firedoor.core.problems import Problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK_NAMES = frozenset(("localhost", "127.0.0.1", "::1"))
ANYWHERE = frozenset(("0.0.0.0", "::", ""))  # noqa: S104 - compared with, not bound to
SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
MISDIRECTED, FORBIDDEN = 421, 403
TO_DO = "use the address that Firedoor says at its start, or add the name to FIREDOOR_ALLOWED_HOSTS"


def host_names(*names: str) -> frozenset[str]:
    """The names that a server goes by: those of the loopback, and these. An address that means any names nothing."""
    return LOOPBACK_NAMES | {name.strip().strip("[]").lower() for name in names} - ANYWHERE


def listed(names: str) -> list[str]:
    """Names with commas between them, as FIREDOOR_ALLOWED_HOSTS holds them."""
    return [name.strip() for name in names.split(",") if name.strip()]


@dataclass(frozen=True)
class HostCheck:
    """Wraps an ASGI application. `same_port`: an `Origin` must be this very server, and no other on this machine.

    At the paths of `embedded` any page may send a form: its sender is nobody there, so no page can act as somebody.
    """

    app: ASGIApp
    names: frozenset[str]
    same_port: bool = False
    embedded: frozenset[str] = frozenset()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it before anything of it is looked at."""
        refused = self.refused(scope) if scope["type"] in ("http", "websocket") else None
        if refused is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": refused[1].message})
        else:
            await _refuse(send, *refused)

    def refused(self, scope: Scope) -> tuple[int, Problem] | None:
        """Why a request is refused; None when it is not."""
        given = _values(scope["headers"], b"host")
        host = given[0] if len(given) == 1 else ""
        if _name(host) not in self.names | _own_address(scope):
            message = f'this server does not go by the name "{host[:100]}"'
            return MISDIRECTED, Problem(code="W180", message=message, do=TO_DO)
        if scope["type"] == "http" and (scope["method"] in SAFE or scope.get("path") in self.embedded):
            return None
        foreign = next((one for one in _values(scope["headers"], b"origin") if not self._ours(one, host, scope)), None)
        if foreign is None:
            return None
        message = f'a page of "{foreign[:100]}" may not change anything here'
        return FORBIDDEN, Problem(
            code="W181", message=message, do="use a page of this server, or a program of your own"
        )

    def _ours(self, origin: str, host: str, scope: Scope) -> bool:
        parts = urlsplit(origin)
        if self.same_port:
            return parts.netloc.lower() == host.lower()
        return _name(parts.netloc) in self.names | _own_address(scope)


def _values(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in headers if key.lower() == name]


def _name(netloc: str) -> str:
    """The host of `host:port`, in lower case; empty for what cannot be read."""
    try:
        return (urlsplit(f"//{netloc}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _own_address(scope: Scope) -> set[str]:
    """The address that the connection came in at: no name has to be resolved to reach it, so none can be rebound."""
    server: tuple[str, int | None] | None = scope.get("server")
    return {server[0].lower()} if server and server[0] else set()


async def _refuse(send: Send, status: int, problem: Problem) -> None:
    body = orjson.dumps({"problems": [problem.model_dump(mode="json", exclude_none=True)]})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
