"""The systems that Firedoor is measured beside: a bare handler, DBOS, and a bare Prefect flow in a warm process.

Each is a web server of its own: `POST /alert/NAME` suspends the model NAME at the sink
and, with `?steps=12`, makes eleven more calls in order. Run as
`python peers.py KIND SINK_URL`; the port is printed once it serves.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import tempfile
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

SINK = sys.argv[2] if len(sys.argv) > 2 else ""
Respond = Callable[[str, int], Awaitable[Any]]


def bare(app: FastAPI) -> Respond:
    """Nothing is stored: the least that any system can need."""
    client = httpx.AsyncClient(trust_env=False)

    async def respond(name: str, steps: int) -> None:
        await client.put(f"{SINK}/models/{name}", json={"state": "suspended"})
        for number in range(1, steps):
            await client.get(f"{SINK}/keep/{number}/{name}")

    return respond


def dbos(app: FastAPI) -> Respond:
    """An embedded durable-execution library with its SQLite default."""
    from dbos import DBOS

    folder = tempfile.mkdtemp(prefix="firedoor-bench-")
    config: Any = {"name": "bench", "system_database_url": f"sqlite:///{folder}/dbos.sqlite", "run_admin_server": False}
    DBOS(config=config)
    client = httpx.AsyncClient(trust_env=False)

    @DBOS.step()
    async def suspend(name: str) -> int:
        return (await client.put(f"{SINK}/models/{name}", json={"state": "suspended"})).status_code

    @DBOS.step()
    async def keep(name: str, number: int) -> int:
        return (await client.get(f"{SINK}/keep/{number}/{name}")).status_code

    @DBOS.workflow()
    async def contain(name: str, steps: int) -> None:
        await suspend(name)
        for number in range(1, steps):
            await keep(name, number)

    async def respond(name: str, steps: int) -> None:
        await DBOS.start_workflow_async(contain, name, steps)

    return respond


def prefect(app: FastAPI) -> Respond:
    """A hand-written flow, its run created through the API and driven in this process."""
    import prefect as library
    from prefect.client.orchestration import get_client
    from prefect.flow_engine import run_flow
    from prefect.states import Pending

    client = httpx.AsyncClient(trust_env=False)

    @library.task
    async def suspend(name: str) -> int:
        return (await client.put(f"{SINK}/models/{name}", json={"state": "suspended"})).status_code

    @library.task
    async def keep(name: str, number: int) -> int:
        return (await client.get(f"{SINK}/keep/{number}/{name}")).status_code

    @library.flow(name="bench-contain")
    async def contain(name: str, steps: int) -> None:
        await suspend(name)
        for number in range(1, steps):
            await keep(name, number)

    async def respond(name: str, steps: int) -> None:
        async def drive() -> None:
            async with get_client() as api:
                run = await api.create_flow_run(contain, parameters={"name": name, "steps": steps}, state=Pending())
                driven: Any = run_flow(contain, flow_run=run, parameters={"name": name, "steps": steps})
                await driven

        task = asyncio.create_task(drive())
        _kept.add(task)
        task.add_done_callback(_kept.discard)

    return respond


_kept: set[asyncio.Task[None]] = set()


def main() -> None:
    """Serve one kind on a free port."""
    app = FastAPI()
    respond = {"bare": bare, "dbos": dbos, "prefect": prefect}[sys.argv[1]](app)

    @app.post("/alert/{name}", status_code=202)
    async def alert(name: str, steps: int = 1) -> dict[str, str]:
        await respond(name, steps)
        return {"accepted": name}

    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if sys.argv[1] == "dbos":
        from dbos import DBOS

        DBOS.launch()
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    asyncio.run(uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False)).serve([listener]))


if __name__ == "__main__":
    main()
