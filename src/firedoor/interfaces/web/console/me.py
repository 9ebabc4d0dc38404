"""One's own page: who one is here, and the private addresses of one's calendar.

Decides that an address is made only for somebody who signed in, so that it ends with the account. Leaves what a
calendar shows to `interfaces.web.calendars`.
"""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from firedoor.core.problems import NotPermitted, Problem
from firedoor.interfaces.web.http.pages import page
from firedoor.interfaces.web.security.auth import Asking, Caller, Running
from firedoor.runtime.process.application import Runtime
from firedoor.store.identity.accounts import find_account
from firedoor.store.identity.calendar_links import (
    ACCOUNT,
    LOCAL,
    calendar_links,
    make_calendar_link,
    revoke_calendar_link,
)

router = APIRouter(tags=["console"], include_in_schema=False)


@router.get("/me", summary="My own page")
async def show(request: Request, runtime: Running, caller: Asking) -> Response:
    """Name, roles, calendars."""
    return await _page(request, runtime, caller)


@router.post("/me/calendar", summary="Make a private address of my calendar")
async def make(request: Request, runtime: Running, caller: Asking) -> Response:
    """It is on this page and nowhere else."""
    world = runtime.world
    account = await asyncio.to_thread(find_account, world.store, caller.person.name)
    if "authorization" in request.headers or not (caller.local or account):
        problem = Problem(
            code="W161", message="an address is made for an account", do="with a token, read /api/v1/calendar.ics"
        )
        raise NotPermitted(problem)
    kind = LOCAL if caller.local else ACCOUNT
    _, secret = await asyncio.to_thread(make_calendar_link, world.store, caller.person.name, kind, world.now())
    address = f"{runtime.settings.address(request.app.state.url)}/calendar/{secret}.ics"
    return await _page(request, runtime, caller, address)


@router.post("/me/calendar/{link}/revoke", summary="Revoke an address of my calendar")
async def revoke(request: Request, link: str, runtime: Running, caller: Asking) -> Response:  # noqa: ARG001 - as the others
    """It shows nothing from now on."""
    world = runtime.world
    by, mine = caller.person.actor, caller.person.name
    await asyncio.to_thread(revoke_calendar_link, world.store, link, world.now(), by, mine)
    return RedirectResponse("/me#calendar", 303)


async def _page(request: Request, runtime: Runtime, caller: Caller, address: str = "") -> Response:
    links = await asyncio.to_thread(calendar_links, runtime.world.store, caller.person.name)
    return page(request, "me.html.j2", 201 if address else 200, caller=caller, links=links, address=address)
