"""The application in this process, for commands that find no server.

Decides how a command makes the same API for itself: the runtime without Prefect and
without a watch, the leases beaten, the local token handed over in memory. What it changed
is driven until nothing is ready; what waits for people or for long is left to the next
server. Leaves HTTP to `client` and the API itself to `interfaces.web`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    import httpx

    from firedoor.runtime.config.settings import Settings
    from firedoor.runtime.process.application import Runtime

LOOK = 0.1  # seconds between two looks whether everything has settled


@contextlib.asynccontextmanager
async def application_here(settings: Settings) -> AsyncIterator[tuple[httpx.AsyncClient, Runtime]]:
    """Make the API in this process, and a client that calls it."""
    import httpx

    from firedoor.interfaces.web.app import create_app
    from firedoor.runtime.process.application import Runtime, inherit, remember_suspended

    settings.prefect = False
    runtime = Runtime(settings)
    await asyncio.to_thread(remember_suspended, runtime.world)
    await inherit(runtime.world)
    beating = asyncio.create_task(runtime.driver.beat_forever())
    app = create_app(runtime, announce=False)
    transport = httpx.ASGITransport(app=app)
    headers = {"authorization": f"Bearer {settings.token or app.state.keyring.local_token}"}
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://firedoor", headers=headers) as http:
            yield http, runtime
    finally:
        beating.cancel()
        await runtime.stop()


async def settle(runtime: Runtime, patience: float) -> None:
    """Drive until nothing is ready, waiting a short while for retries and for the lease of a process that died."""
    from firedoor.store.incidents import leases

    world, driver = runtime.world, runtime.driver
    until = world.now() + timedelta(seconds=patience)
    await runtime.holding.look()  # nobody else is there to do it
    while True:
        await asyncio.gather(*(driver.settled(incident) for incident in list(driver._drives)))  # noqa: SLF001 - the drives of this process
        if await driver.look():
            continue
        if world.now() >= until or not await asyncio.to_thread(_soon, runtime, until + leases.LEASE):
            return
        await asyncio.sleep(LOOK)


def _soon(runtime: Runtime, until: datetime) -> bool:
    """Whether some incident becomes ready within our patience: by a retry, or when the lease of a dead process ends."""
    from firedoor.store.incidents import leases

    waking = leases.next_wake(runtime.world.store)
    return (waking is not None and waking <= until - leases.LEASE) or bool(leases.needing(runtime.world.store, until))
