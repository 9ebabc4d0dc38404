"""A listener of its own for strangers, taken from outside: what answers at which port of one process."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import uvicorn
from tests.web.public.test_takedown import HTML, body

from firedoor.interfaces.web.app import create_app
from firedoor.interfaces.web.security.route_table import ROUTES, Access
from firedoor.runtime.config.settings import Settings
from firedoor.runtime.process.application import Runtime
from firedoor.testing.fresh import fresh_folder

OURS = ("/", "/sign-in", "/healthz", "/readyz", "/metrics", "/openapi.json", "/api/v1/incidents", "/reportx")


@contextlib.asynccontextmanager
async def served(folder: Path) -> AsyncIterator[tuple[str, str]]:
    """The addresses of both listeners, console first, of one uvicorn in this process."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    console, strangers = (one.getsockname()[1] for one in sockets)
    settings = Settings(data_dir=fresh_folder(folder), prefect=False, port=console, report_port=strangers)
    server = uvicorn.Server(uvicorn.Config(create_app(Runtime(settings)), log_config=None, lifespan="on"))
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server._serve(sockets))
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{console}", f"http://127.0.0.1:{strangers}"
    finally:
        server.should_exit = True
        await task


async def test_each_port_answers_its_own_and_nothing_else(tmp_path: Path) -> None:
    """The same address with another Host, too: the port decides, and no header does."""
    async with served(tmp_path / "data") as (console, strangers), httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(f"{strangers}/report", headers=HTML)).status_code == 200
        assert (await client.get(f"{console}/report", headers=HTML)).status_code == 404
        named = {**HTML, "host": strangers.removeprefix("http://")}
        assert (await client.get(f"{console}/report", headers=named)).status_code == 404
        for path in OURS:
            assert (await client.get(f"{strangers}{path}", headers=HTML)).status_code == 404, path
        assert (await client.get(f"{console}/healthz")).status_code == 200
        receipt = (await client.post(f"{strangers}/api/v1/takedown-requests", json=body())).json()
        assert receipt["status_url"].startswith(f"{strangers}/report/status/")
        assert (await client.get(receipt["status_url"])).json()["number"] == receipt["number"]
        moved = receipt["status_url"].replace(strangers, console)
        assert (await client.get(moved)).status_code == 404
        assert (await client.post(f"{console}/api/v1/takedown-requests", json=body())).status_code == 404


def test_the_strangers_routes_are_the_strangers_addresses() -> None:
    """A page for strangers that is added to the table answers at their port, and nothing else does."""
    from firedoor.interfaces.web.public.own_door import is_for_strangers

    for (_, path), access in ROUTES.items():
        link = access is Access.LINK and path.startswith("/report/")
        assert is_for_strangers(path) == (access is Access.STRANGER or link), path
