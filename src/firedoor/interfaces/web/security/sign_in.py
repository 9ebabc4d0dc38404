"""Signing in and out: a password with a one-time code, a ticket of this machine's own user, or single sign-on.

Decides the pages and forms for it, how many passwords are looked at in the same moment, and that nobody is led away
from this server afterwards. Leaves who proves to be whom to `store.accounts` and `oidc`, how often somebody
may try to `store.signing_in`, the session to `store.sessions`, and the cookies to `session` and `known_browser`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from firedoor.core.access.roles import owes_codes
from firedoor.core.access.security import SecurityKind
from firedoor.core.problems import FiredoorError, NotPermitted, Problem
from firedoor.interfaces.web.http import session
from firedoor.interfaces.web.http.pages import page
from firedoor.interfaces.web.http.responses import answer
from firedoor.interfaces.web.security import known_browser, oidc
from firedoor.interfaces.web.security.auth import Asking, Running
from firedoor.runtime.process.application import Runtime
from firedoor.store.identity.accounts import Account
from firedoor.store.identity.login_throttle import Attempt, TooOften, attempt, sign_in
from firedoor.store.identity.sessions import LOCAL, end_session, new_ticket, open_session, use_ticket

router = APIRouter(tags=["sign-in"])

AT_ONCE = 2  # passwords that are looked at in the same moment: each takes 64 MiB and a core
WAITING = 40  # further ones that may wait for their turn
OWN = ("same-origin", "none")  # Sec-Fetch-Site of a form of ours, or of an address that somebody typed


@router.get("/sign-in", summary="The page to sign in", include_in_schema=False)
async def form(request: Request, runtime: Running, next: str = "/") -> Response:  # noqa: A002 - the parameter's name
    """A form; with single sign-on a button to it."""
    return _form(request, runtime, next)


@router.post("/sign-in", summary="Sign in with a password", include_in_schema=False)
async def by_password(
    request: Request, runtime: Running, name: Annotated[str, Form(max_length=100, pattern=r"^[^\x00]*$")],
    password: Annotated[str, Form(max_length=200)], code: Annotated[str, Form(max_length=10)] = "",
    next: Annotated[str, Form(max_length=1000)] = "/",  # noqa: A002 - the field's name
) -> Response:  # fmt: skip
    """Start a session and go back to where the person was. A form of another site is refused."""
    _need_own_site(request)
    world = runtime.world
    cookie, address = known_browser.cookie_of(request), known_browser.address_of(request)
    try:
        if not cookie:
            request.app.state.sign_in_lanes.others.need_room()
        tried = await asyncio.to_thread(attempt, world.store, name, (password, code), address, cookie, world.now())
        account = await _proved(request, runtime, tried)
        _need_codes(runtime, account)
    except FiredoorError as error:
        await asyncio.to_thread(runtime.security.sign_in_failed, name, address)
        return _refused(request, runtime, next, name, error)
    response = await _begin(request, runtime, account.name, next, "password")
    return await asyncio.to_thread(known_browser.keep, response, request, account.name)


@router.get("/sign-in/ticket/{ticket}", summary="Sign in by a ticket", include_in_schema=False)
async def ticket_page(request: Request, ticket: str) -> Response:
    """A page with one button: programs that preview addresses must not use the ticket up."""
    return page(request, "sign_in_ticket.html.j2", ticket=ticket)


@router.post("/sign-in/ticket/{ticket}", summary="Sign in by a ticket", include_in_schema=False)
async def by_ticket(request: Request, runtime: Running, ticket: str) -> Response:
    """This machine's own user comes from the command line with it, once and within a minute."""
    _need_own_site(request)
    world = runtime.world
    name = await asyncio.to_thread(use_ticket, world.store, ticket, world.now())
    if name is None:
        await asyncio.to_thread(runtime.security.sign_in_failed, "", known_browser.address_of(request))
        problem = Problem(code="W108", message="this ticket was used or is too old", do="run `firedoor console` again")
        return _form(request, runtime, "/", problem=problem)
    return await _begin(request, runtime, name, "/", "ticket", kind=LOCAL)


@router.post("/api/v1/console-ticket", status_code=201, summary="A ticket with which this machine's user signs in")
async def post_ticket(runtime: Running, caller: Asking) -> Response:
    """Only for the local user: everybody else has an account."""
    if not caller.local:
        problem = Problem(
            code="W103", message="tickets are for this machine's own user", do="sign in with your account"
        )
        raise NotPermitted(problem)
    world = runtime.world
    ticket = await asyncio.to_thread(new_ticket, world.store, caller.person.name, world.now())
    return answer({"path": f"/sign-in/ticket/{ticket}", "seconds": 60}, 201)


@router.post("/sign-out", summary="Sign out", include_in_schema=False)
async def sign_out(request: Request, runtime: Running, _: Asking) -> Response:
    """End this session."""
    secret = session.secret_of(request)
    if secret is not None:
        await asyncio.to_thread(end_session, runtime.world.store, secret, runtime.world.now())
    left = RedirectResponse("/sign-in", 303, headers={"Clear-Site-Data": '"cache", "storage"'})
    return session.drop(left, request)


@router.get("/sign-in/single", summary="Go to single sign-on", include_in_schema=False)
async def single(request: Request, runtime: Running, next: str = "/") -> Response:  # noqa: A002 - the parameter's name
    """Send the browser to the provider; what must come back unchanged waits in a cookie of ten minutes."""
    try:
        return await oidc.leave(request, runtime, session.way_back(next))
    except FiredoorError as error:
        return _form(request, runtime, next, problem=error.problems[0])


@router.get("/sign-in/single/back", summary="Back from single sign-on", include_in_schema=False)
async def back(request: Request, runtime: Running) -> Response:
    """Check what the provider says, and start a session of the account that it leads to."""
    try:
        account, way = await oidc.come_back(request, runtime)
    except FiredoorError as error:
        await asyncio.to_thread(runtime.security.sign_in_failed, "", known_browser.address_of(request))
        return _form(request, runtime, "/", problem=error.problems[0])
    begun = await _begin(request, runtime, account.name, way, "single sign-on")
    return oidc.forget(begun, request)


class Busy(FiredoorError):
    """More people want to sign in than can be looked at now."""

    http_status = 503


@dataclass
class Lane:
    """A way in for so many at once; beyond a bounded number of waiting ones it is closed."""

    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    inside: int = 0

    def need_room(self) -> None:
        """Raises Busy where too many wait; it costs nothing to say so."""
        if self.inside >= AT_ONCE + WAITING:
            raise Busy(Problem(code="W112", message="too many are signing in", do="try again in a few seconds"))

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for one's turn. Raises Busy where too many wait."""
        self.need_room()
        self.inside += 1
        try:
            async with self.turns:
                yield
        finally:
            self.inside -= 1


@dataclass
class Lanes:
    """Two ways in, so that a flood from elsewhere does not stand before somebody whose browser is known."""

    known: Lane = field(default_factory=Lane)
    others: Lane = field(default_factory=Lane)


async def _proved(request: Request, runtime: Runtime, tried: Attempt) -> Account:
    lanes: Lanes = request.app.state.sign_in_lanes
    async with (lanes.known if tried.browser else lanes.others).turn():
        return await asyncio.to_thread(sign_in, runtime.world.store, tried, runtime.world.now())


def _need_codes(runtime: Runtime, account: Account) -> None:
    """Raises NotPermitted for an account that decides, without codes where they are demanded.

    Nobody sets them up here: whoever found out the password would be the first to do it.
    """
    if runtime.settings.codes_for_deciding and owes_codes(account.roles, has=account.totp):
        do = "ask an administrator, or whoever runs Firedoor: `firedoor account codes NAME` gives you codes"
        message = "your roles decide, and for that this installation demands one-time codes, which you do not have yet"
        raise NotPermitted(Problem(code="W115", message=message, do=do))


def _refused(request: Request, runtime: Runtime, way: str, name: str, error: FiredoorError) -> Response:
    response = _form(request, runtime, way, name, error.problems[0], error.http_status)
    if isinstance(error, TooOften):
        response.headers["Retry-After"] = str(error.seconds)
    return response


async def _begin(
    request: Request, runtime: Runtime, name: str, way: str, method: str, kind: str = "account"
) -> Response:
    world = runtime.world
    secret = await asyncio.to_thread(open_session, world.store, name, world.now(), kind=kind)
    body = {"account": name, "method": method, "address": known_browser.address_of(request)}
    runtime.security.happened(SecurityKind.SIGNED_IN, f"person:{name}", **body)
    return session.keep(RedirectResponse(session.way_back(way), 303), secret, request)


def _form(
    request: Request, runtime: Runtime, way: str, name: str = "", problem: Problem | None = None, status: int = 403
) -> Response:
    single = f"/sign-in/single?next={quote(session.way_back(way), safe='')}" if runtime.settings.oidc_issuer else ""
    status = 200 if problem is None else status
    context = {"next": session.way_back(way), "name": name, "problem": problem, "single": single}
    return page(request, "sign_in.html.j2", status, **context)


def _need_own_site(request: Request) -> None:
    """Raises NotPermitted for a form that another site sent: it would sign somebody in under another's name."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    strange = site not in (*OWN, None) or (site is None and origin is not None and not _is_ours(origin, request))
    if strange:
        problem = Problem(
            code="W107", message="this form was sent from another site", do="open the page and sign in there"
        )
        raise NotPermitted(problem)


def _is_ours(origin: str, request: Request) -> bool:
    public = str(request.app.state.runtime.settings.public_url).rstrip("/")
    return origin in (public, f"{request.url.scheme}://{request.url.netloc}")
