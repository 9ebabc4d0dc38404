"""The cookie of a browser in which somebody has signed in before, and the address that an attempt comes from.

Decides the cookie's name and attributes, and that the address is the one that the connection or a trusted proxy names.
Leaves what the cookie proves to `store.known_browsers` and which proxies are trusted to the settings.
"""

from __future__ import annotations

import logging

from fastapi import Request
from starlette.responses import Response

from firedoor.interfaces.web.http import session
from firedoor.store.identity.known_browsers import LASTS, known_from_now

COOKIE = "firedoor_known_browser"
log = logging.getLogger(__name__)
_said: set[str] = set()  # once is enough


def cookie_of(request: Request) -> str:
    """What the browser says about itself; empty for one that nobody has signed in with."""
    return request.cookies.get(COOKIE, "")


def address_of(request: Request) -> str:
    """The client's address. `X-Forwarded-For` has been applied by now if, and only if, its sender is trusted."""
    if "x-forwarded-for" in request.headers and not request.app.state.runtime.settings.trusted_proxies:
        _say_once("a proxy stands in front and FIREDOOR_TRUSTED_PROXIES does not name it: all clients look like one")
    return request.client.host if request.client else ""


def _say_once(what: str) -> None:
    if what not in _said:
        _said.add(what)
        log.warning(what)


def keep(response: Response, request: Request, name: str) -> Response:
    """Let this browser be known for this account from now on. It ends no session and opens none."""
    world = request.app.state.runtime.world
    written = known_from_now(world.store, cookie_of(request), name, world.now())
    response.set_cookie(
        COOKIE, written, max_age=int(LASTS.total_seconds()), path="/sign-in", httponly=True, samesite="strict",
        secure=session.is_secure(request),
    )  # fmt: skip
    return response
