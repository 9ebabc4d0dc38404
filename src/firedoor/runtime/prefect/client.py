"""One Prefect client for everything in this process, with retries that suit a server on SQLite.

Prefect's server answers 503 to a write that meets another one, within a quarter of a second or so of the last run, and
Prefect's own client then waits two seconds and more. Trying again every few hundredths of a second is over in
0.2 to 0.5 s. Decides only that; what is asked of the server is decided elsewhere.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx

from firedoor.runtime.prefect.settings import PrefectSettings, password_for
from firedoor.runtime.prefect.waiting import waiting_is_no_error

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient

STEP = 0.03  # seconds between two tries, with half of it as jitter either way
TRIES = 60  # about two seconds in all; then Prefect's own slower retries take over


class QuickRetry(httpx.AsyncBaseTransport):
    """Sends a request again at once when the server was busy (503). Such an answer means that nothing was written."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self.busy = 0  # how many times the server was busy, for the figures

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the first answer that is not 503, or the last one."""
        response = await self._inner.handle_async_request(request)
        for _ in range(TRIES):
            if response.status_code != 503 or response.headers.get("Prefect-Maintenance") == "true":
                break
            self.busy += 1
            await response.aclose()
            await asyncio.sleep(random.uniform(STEP / 2, STEP * 3 / 2))  # noqa: S311 - jitter, not a secret
            response = await self._inner.handle_async_request(request)
        return response

    async def aclose(self) -> None:
        """Close what is underneath."""
        await self._inner.aclose()


@asynccontextmanager
async def shared_client() -> AsyncIterator[PrefectClient]:
    """Make one client the client of every flow that is driven from here, until the end of the block."""
    from prefect.context import AsyncClientContext

    _quieten()
    async with AsyncClientContext() as context:
        inner = context.client._client  # noqa: SLF001 - the httpx client under Prefect's has no public way to a transport
        inner._transport = QuickRetry(inner._transport)  # noqa: SLF001 - as above
        yield context.client


def take_up_password(client: PrefectClient, settings: PrefectSettings) -> None:
    """Use the secret that stands in the private server's file now: another process may have started it anew."""
    password = settings.password if settings.private else password_for(settings.home, settings.api_url, {})
    if password and os.environ.get("PREFECT_API_AUTH_STRING") != password:
        replace(settings, password=password).apply()
        basic = base64.b64encode(password.encode()).decode()
        client._client.headers["Authorization"] = f"Basic {basic}"  # noqa: SLF001 - Prefect sets it once, when it is made


class _LostIsShownAgain(logging.Filter):
    """What Prefect's client could not deliver is shown from the journal later: nobody has to do anything about it."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith("Service 'EventsWorker' failed")


def _quieten() -> None:
    import prefect.main  # noqa: F401 - it configures the loggers that are changed here

    for name in ("EventsWorker", "APILogWorker"):  # how many lines are still on their way is nobody's concern
        logging.getLogger(name).setLevel(logging.ERROR)
    logging.getLogger("prefect.events.clients").setLevel(logging.ERROR)
    delivery = logging.getLogger("prefect._internal.concurrency")
    if not any(isinstance(known, _LostIsShownAgain) for known in delivery.filters):
        delivery.addFilter(_LostIsShownAgain())
    for name in (
        "prefect.flow_runs",
        "prefect.task_runs",
        "prefect.workers",
    ):  # for Prefect's pages, not for the console of Firedoor
        logging.getLogger(name).propagate = False
    waiting_is_no_error()
