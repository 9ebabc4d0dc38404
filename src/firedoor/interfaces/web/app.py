"""The ASGI application: routes, error answers, and the life of the runtime behind them.

Decides that the runtime starts and stops with the application, and that the address and
the local token are written where this machine's user finds them. Leaves the socket to
whoever serves it (`firedoor up`, uvicorn, a test).
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from firedoor import __version__
from firedoor.core.problems import FiredoorError
from firedoor.interfaces.slack import routes as slack_routes
from firedoor.interfaces.slack.connecting import connect
from firedoor.interfaces.slack.socket_mode import SocketMode
from firedoor.interfaces.web import (
    alerts,
    calendars,
    clocks,
    console,
    deliveries,
    events,
    evidence,
    figures,
    health,
    holds,
    incidents,
    journal,
    library,
    links,
    local,
    measures,
    notices,
    operator,
    pages,
    people,
    register,
    reports,
    sealed_reads,
    sign_in,
    tasks,
    tokens,
)  # fmt: skip
from firedoor.interfaces.web.answers import on_invalid, on_problem, on_status
from firedoor.interfaces.web.auth import Keyring
from firedoor.interfaces.web.guard import Guard
from firedoor.interfaces.web.openapi import described
from firedoor.runtime.start import Runtime

ROUTERS = (
    alerts,
    incidents,
    tasks,
    holds,
    operator,
    links,
    clocks,
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
    sealed_reads,
    sign_in,
    pages,
    health,
    deliveries,
    slack_routes,
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
    app.state.keyring = Keyring(runtime.world.store, lambda: _playbook_roles(runtime))
    for router in (*(module.router for module in ROUTERS), *console.routers()):
        include(app, router)
    for error, handler in (
        (FiredoorError, on_problem),
        (HTTPException, on_status),
        (RequestValidationError, on_invalid),
    ):
        app.add_exception_handler(error, handler)
    if settings.trusted_proxies:
        from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware  # late: only needed behind a proxy

        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=settings.trusted_proxies)
    app.add_middleware(Guard)
    app.openapi = lambda: described(app)  # type: ignore[method-assign]  # FastAPI documents this as the way
    return app


def include(app: FastAPI, router: APIRouter) -> None:
    """Add routes flat, each under its full path, so that `access.ROUTES` can name every one of them."""
    app.router.routes.extend(router.routes)


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    runtime: Runtime = app.state.runtime
    await runtime.start()
    events_hub: Any = events.Hub(runtime)
    app.state.events = events_hub
    line = SocketMode(app.state.slack) if app.state.slack and runtime.settings.slack_app_token else None
    if line is not None:
        line.start()
    file, token = runtime.settings.server_file, app.state.keyring.local_token
    try:
        if app.state.url:
            local.announce(file, app.state.url, token)
        yield
    finally:
        local.withdraw(file, token)
        await events_hub.stop()
        if line is not None:
            await line.stop()
        if app.state.slack is not None:
            await app.state.slack.stop()
        await runtime.stop()


def _playbook_roles(runtime: Runtime) -> frozenset[str]:
    return frozenset(role for plan in runtime.shelf.plans.values() for role in plan.roles)
