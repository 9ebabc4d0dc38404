"""The ASGI application: routes, error answers, and the life of the runtime behind them.

Decides that the runtime starts and stops with the application, and that the address and
the local token are written where this machine's user finds them. Leaves the socket to
whoever serves it (`firedoor up`, uvicorn, a test).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from firedoor import __version__
from firedoor.core.problems import FiredoorError
from firedoor.interfaces.slack import routes as slack_routes
from firedoor.interfaces.slack.connecting import connect
from firedoor.interfaces.slack.socket_mode import SocketMode
from firedoor.interfaces.web import console  # fmt: skip
from firedoor.interfaces.web.admin import people, security_events, tokens  # fmt: skip
from firedoor.interfaces.web.api import (  # fmt: skip
    alerts,
    banks,
    calendars,
    clocks,
    copies,
    deliveries,
    evidence,
    figures,
    holds,
    incidents,
    journal,
    library,
    links,
    measures,
    notices,
    operator,
    register,
    reports,
    requests,
    tasks,
    transparency,
)
from firedoor.interfaces.web.http import pages, server_file  # fmt: skip
from firedoor.interfaces.web.http.arrival import Arrival
from firedoor.interfaces.web.http.cleaning import Cleaning
from firedoor.interfaces.web.http.middleware import Guard
from firedoor.interfaces.web.http.problem_pages import on_invalid, on_problem, on_status
from firedoor.interfaces.web.http.slots import Places
from firedoor.interfaces.web.public import help as who_helps
from firedoor.interfaces.web.public import mailed_requests, report, status, takedown
from firedoor.interfaces.web.public.door_limits import DoorLimits
from firedoor.interfaces.web.public.own_door import OwnDoor
from firedoor.interfaces.web.public.takedown import EMBEDDED
from firedoor.interfaces.web.reading import access_log  # fmt: skip
from firedoor.interfaces.web.security import sign_in  # fmt: skip
from firedoor.interfaces.web.security.auth import Keyring
from firedoor.interfaces.web.security.refusals import Refusals
from firedoor.interfaces.web.system import events, health  # fmt: skip
from firedoor.interfaces.web.system.openapi import described
from firedoor.runtime.config.host_check import HostCheck
from firedoor.runtime.process.application import Runtime

ROUTERS = (
    alerts,
    incidents,
    tasks,
    holds,
    operator,
    links,
    clocks,
    requests,
    copies,
    banks,
    mailed_requests,
    evidence,
    journal,
    reports,
    notices,
    measures,
    register,
    library,
    figures,
    calendars,
    events,
    tokens,
    people,
    security_events,
    access_log,
    sign_in,
    pages,
    health,
    deliveries,
    slack_routes,
    takedown,
    report,
    transparency,
    status,
    who_helps,
)


def create_app(runtime: Runtime, url: str | None = None, *, announce: bool = True) -> FastAPI:
    """Return the application. `url` is where it will be reached; with `announce` it is written to `server.json`."""
    app = FastAPI(
        title="Firedoor", version=__version__, lifespan=_lifespan, docs_url=None, redoc_url=None,
        redirect_slashes=False,
    )  # fmt: skip
    settings = runtime.settings
    app.state.runtime = runtime
    app.state.url = (url or f"http://{settings.host}:{settings.port}") if announce else None
    app.state.slack = connect(runtime)
    app.state.sign_in_lanes = sign_in.Lanes()
    app.state.places = Places()
    app.state.door_limits = DoorLimits(settings.report_proof)
    app.state.keyring = Keyring(runtime.world.store, runtime.roles)
    runtime.security.tokens_used = app.state.keyring.used
    for router in all_routers():
        include(app, router)
    for error, handler in (
        (FiredoorError, on_problem),
        (HTTPException, on_status),
        (RequestValidationError, on_invalid),
    ):
        app.add_exception_handler(error, handler)
    app.add_middleware(Cleaning)
    if settings.trusted_proxies:
        from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware  # late: only needed behind a proxy

        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=settings.trusted_proxies)
    if settings.report_port:
        app.add_middleware(OwnDoor, port=settings.report_port)
    app.add_middleware(Refusals)
    app.add_middleware(HostCheck, names=settings.names, embedded=EMBEDDED)
    app.add_middleware(Guard, patience=settings.request_patience)
    app.add_middleware(Arrival)  # the outermost: nothing else sees a secret in an address
    app.openapi = lambda: described(app)  # type: ignore[method-assign]  # FastAPI documents this as the way
    return app


def all_routers() -> list[APIRouter]:
    """The routers of everything that is served: the API, the console, what Slack calls, and the static files."""
    return [*(module.router for module in ROUTERS), *console.routers()]


def include(app: FastAPI, router: APIRouter) -> None:
    """Add routes flat, each under its full path, so that `access.ROUTES` can name every one of them."""
    app.router.routes.extend(router.routes)


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    runtime: Runtime = app.state.runtime
    await runtime.start()
    events_hub = events.Hub(runtime)
    app.state.events = events_hub
    line = SocketMode(app.state.slack) if app.state.slack and runtime.settings.slack_app_token else None
    if line is not None:
        line.start()
    file, token = runtime.settings.server_file, app.state.keyring.local_token
    try:
        if app.state.url:
            server_file.announce(file, app.state.url, token)
            await asyncio.to_thread(runtime.security.started)
        yield
    finally:
        server_file.withdraw(file, token)
        await events_hub.stop()
        if line is not None:
            await line.stop()
        if app.state.slack is not None:
            await app.state.slack.stop()
        await runtime.stop()
