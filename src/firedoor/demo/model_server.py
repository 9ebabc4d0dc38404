"""A small OpenAI-compatible model server with an admin plane, run as its own process.

    python -m firedoor.demo.model_server --port 0 --ready-file ready.json

Decides the routes: models really answer, a job really trains, a share really hands out
rows, and the admin API really stops each of them. Keys are read from the environment
(FIREDOOR_DEMO_API_KEY for callers, FIREDOOR_DEMO_ADMIN_KEY for administrators). Leaves
what each plane does to `data_plane` and `admin_plane`. It listens on loopback only.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hmac
import json
import os
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from firedoor.demo.admin_plane import AdminPlane
from firedoor.demo.answers import error
from firedoor.demo.data_plane import JOBS, DataPlane
from firedoor.demo.platform import Platform

API_KEY, ADMIN_KEY = "FIREDOOR_DEMO_API_KEY", "FIREDOOR_DEMO_ADMIN_KEY"
Handler = Callable[[Request], Awaitable[Response]]


def application(api_key: str, admin_key: str) -> FastAPI:
    """Return the ASGI application over a new platform."""
    platform = Platform()
    data = DataPlane(platform)
    admin = AdminPlane(platform, data)
    caller, administrator = _guard(api_key), _guard(admin_key)
    routes: tuple[tuple[str, Handler, tuple[str, ...]], ...] = (
        ("/healthz", _healthy, ("GET",)),
        ("/v1/models", caller(data.list_models), ("GET",)),
        ("/v1/chat/completions", caller(data.chat), ("POST",)),
        ("/v1/images/generations", caller(data.image), ("POST",)),
        ("/v1/jobs/{name}", caller(data.job), ("GET",)),
        ("/v1/shares/{name}/objects", caller(data.share), ("GET",)),
        ("/admin/calls", administrator(admin.list_calls), ("GET",)),
        ("/admin/reset", administrator(admin.reset), ("POST",)),
        ("/admin/faults/{kind}/{name}", administrator(admin.put_fault), ("PUT", "DELETE")),
        ("/admin/{kind}/{name}/{artefact}", administrator(admin.artefact), ("GET",)),
        ("/admin/{kind}/{name}", administrator(admin.resource), ("GET", "PUT")),
    )
    served = FastAPI(lifespan=lambda _app: _training(data), openapi_url=None)
    for path, handler, methods in routes:
        served.add_route(path, handler, methods=list(methods))
    return served


def _guard(key: str) -> Callable[[Handler], Handler]:
    """Let a request pass that bears the key."""
    expected = f"Bearer {key}".encode()

    def guard(handler: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            given = request.headers.get("authorization", "").encode()
            return await handler(request) if hmac.compare_digest(given, expected) else error(401, "the key is wrong")

        return guarded

    return guard


@contextlib.asynccontextmanager
async def _training(data: DataPlane) -> AsyncIterator[None]:
    """Keep the jobs at work while the server runs."""
    tasks = [asyncio.create_task(data.train(name)) for name in JOBS]
    yield
    for task in tasks:
        task.cancel()


async def _healthy(_request: Request) -> Response:
    return JSONResponse({"ok": True})


class _Announced(uvicorn.Server):
    """Writes the ready file once it accepts connections, and stops when its parent is gone."""

    ready_file: Path | None = None
    parent: int | None = None
    port = 0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        ready = {"url": f"http://127.0.0.1:{self.port}", "port": self.port, "pid": os.getpid()}
        if self.ready_file is not None:
            await asyncio.to_thread(_write, self.ready_file, json.dumps(ready))

    async def on_tick(self, counter: int) -> bool:
        orphaned = self.parent is not None and os.getppid() != self.parent
        return orphaned or await super().on_tick(counter)


def _write(path: Path, text: str) -> None:
    beside = path.with_suffix(".part")
    beside.write_text(text)
    beside.replace(path)


def main() -> int:
    """Serve until stopped. Returns 2 when a key is missing from the environment."""
    parser = argparse.ArgumentParser(
        prog="python -m firedoor.demo.model_server", description=(__doc__ or "").split("\n", 1)[0]
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--ready-file", type=Path, help="where url, port and process id are written once it serves")
    parser.add_argument("--with-parent", action="store_true", help="stop when the process that started it is gone")
    options = parser.parse_args()
    missing = [name for name in (API_KEY, ADMIN_KEY) if not os.environ.get(name)]
    if missing:
        sys.stderr.write(f"set {' and '.join(missing)} in the environment\n")
        return 2
    listener = socket.create_server(("127.0.0.1", options.port))
    # asyncio sets this only on sockets whose protocol is named; without it each answer waits 40 ms for an ACK.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    served = application(os.environ[API_KEY], os.environ[ADMIN_KEY])
    server = _Announced(uvicorn.Config(served, log_level="critical", access_log=False, timeout_graceful_shutdown=1))
    server.ready_file, server.port = options.ready_file, listener.getsockname()[1]
    server.parent = os.getppid() if options.with_parent else None
    asyncio.run(server.serve([listener]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
