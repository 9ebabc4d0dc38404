"""A warm worker: takes runs of the work pool and drives them in this process, in milliseconds instead of seconds.

Decides only how a run is started. Polling, heartbeats and the work pool are Prefect's own (`BaseWorker`), so that
it stands in Prefect's pages beside any other worker of the pool, and ordinary process workers may share the pool.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from prefect.workers.base import BaseJobConfiguration, BaseVariables, BaseWorker, BaseWorkerResult

if TYPE_CHECKING:
    import anyio.abc
    from prefect.client.schemas.objects import FlowRun

Drive = Callable[["FlowRun"], Awaitable[None]]


class WarmResult(BaseWorkerResult):
    """How a run ended; 0 means that the run reported its own state."""


class WarmWorker(BaseWorker[BaseJobConfiguration, BaseVariables, WarmResult]):
    """Drives each run with the coroutine it was given. Runs in the event loop it was started in."""

    type = "process"  # the pool's type; the code is found by module path, as by any process worker
    _description = "Drives incidents in a warm process."

    def __init__(self, work_pool_name: str, drive: Drive, name: str | None = None) -> None:
        super().__init__(work_pool_name, name=name, prefetch_seconds=0)
        self._drive = drive

    @classmethod
    def __dispatch_key__(cls) -> str:
        return "firedoor-warm"  # in Prefect's registry of workers; "process" stays Prefect's own

    async def run(
        self,
        flow_run: FlowRun,
        configuration: BaseJobConfiguration,  # noqa: ARG002 - about processes and containers; this is neither
        task_status: anyio.abc.TaskStatus[Any] | None = None,
    ) -> WarmResult:
        """Drive the run to its end, its suspension, or the loss of its lease."""
        if task_status:
            task_status.started("in-process")
        await self._drive(flow_run)
        return WarmResult(status_code=0, identifier="in-process")
