"""Shows operations as task runs of one flow run, and performs them there.

Leaves to `task_runs` how an operation looks in Prefect.
Keeps three promises to the conductor: an effect runs at most once; it runs even where Prefect is slow or broken;
its outcome is handed back as soon as it is known, without waiting for Prefect's own book-keeping.

A stage belongs to the event loop of its flow run; `perform` and `shown` may be called from any other loop.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Awaitable, Coroutine, Iterable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any
from uuid import UUID

from firedoor.runtime.execution.performer import Effect, Json, OperationView
from firedoor.runtime.prefect.task_runs import WITHHELD, failed, finished, key_of, name_of, state_of, task_run_id

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

PATIENCE = 1.0  # seconds for Prefect to begin a task run; after that the effect runs without it
SETTLE = 10.0  # seconds for the task runs of a flow run to be written before it ends

log = logging.getLogger(__name__)


class Once:
    """An effect that runs at most once, in the loop it was made in, however many wait for it."""

    def __init__(self, effect: Effect) -> None:
        self._effect = effect
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[Json] | None = None
        self.began = asyncio.Event()

    async def run(self) -> Json:
        """Begin the effect if nobody has, and return its outcome or raise its exception. Call in its own loop."""
        if self._task is None:
            self._task = self._loop.create_task(_coroutine(self._effect()))
            self.began.set()
        return await asyncio.shield(self._task)

    async def from_anywhere(self) -> Json:
        """Do the same from any loop."""
        if asyncio.get_running_loop() is self._loop:
            return await self.run()
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self.run(), self._loop))

    def cancel(self) -> None:
        """Stop the effect: the conductor is being stopped."""
        if self._task:
            self._task.cancel()


class Stage:
    """The task runs of one flow run. Make it inside the flow's function."""

    def __init__(self, flow_run_id: UUID, already_shown: Iterable[UUID] = ()) -> None:
        self._flow_run_id = flow_run_id
        self._already_shown = set(already_shown)
        self._loop = asyncio.get_running_loop()
        self._context = contextvars.copy_context()
        self._open: set[Future[None]] = set()

    def task_run_id(self, operation_id: str) -> UUID:
        """The id of an operation's task run: the same in every process that conducts this run."""
        return task_run_id(self._flow_run_id, operation_id)

    async def perform(self, operation: OperationView, effect: Effect) -> Json:
        """Run the effect inside a task run and return its outcome, or raise what it raised."""
        once = Once(effect)
        self._already_shown.add(self.task_run_id(operation.id))
        shown = self._begin(self._task_run(operation, once))
        began: asyncio.Future[Any] = asyncio.ensure_future(once.began.wait())
        ended: asyncio.Future[Any] = asyncio.wrap_future(shown)
        try:
            await asyncio.wait([began, ended], timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
            if not once.began.is_set():
                log.warning("Prefect did not begin %s in time; it runs without being shown", operation.id)
            return await once.run()
        except asyncio.CancelledError:
            once.cancel()
            raise
        finally:
            began.cancel()
            ended.add_done_callback(_seen)

    async def shown(self, operation: OperationView, outcome: Json) -> None:
        """Show an operation that the journal already holds as finished, with the times it really had."""
        identity = self.task_run_id(operation.id)
        if identity not in self._already_shown:
            self._already_shown.add(identity)
            self._begin(self._show(operation, outcome))

    async def settle(self) -> None:
        """Wait, within bounds, until everything that was begun is written. Call in the flow's loop."""
        pending = [asyncio.wrap_future(future) for future in self._open]
        if pending:
            await asyncio.wait(pending, timeout=SETTLE)

    def _begin(self, work: Coroutine[Any, Any, None]) -> Future[None]:
        """Start a coroutine in the flow's loop and in its context: Prefect finds its flow run in the context."""
        done: Future[None] = Future()
        self._open.add(done)
        done.add_done_callback(self._open.discard)

        def start() -> None:
            task = self._loop.create_task(work, context=self._context.copy())
            task.add_done_callback(lambda _: _hand_over(task, done))

        self._loop.call_soon_threadsafe(start)
        return done

    async def _task_run(self, operation: OperationView, once: Once) -> None:
        from prefect import task
        from prefect.cache_policies import NO_CACHE
        from prefect.client.schemas.objects import TaskRunResult
        from prefect.task_engine import run_task_async

        @task(name=operation.title, task_run_name=name_of(operation), cache_policy=NO_CACHE, persist_result=False)
        async def operate() -> State[Any]:
            _tag(operation)
            try:
                return state_of(await once.from_anywhere(), told=operation.told)
            except Exception as error:  # noqa: BLE001 - the conductor gets the exception itself, Prefect its words
                return failed(f"{type(error).__name__}: {error}" if operation.told else WITHHELD)

        operate.task_key = key_of(operation)
        await run_task_async(
            operate,
            task_run_id=self.task_run_id(operation.id),
            parameters={},
            wait_for=[None],  # nothing to wait for, the journal decided the order; it makes room for the edges
            dependencies={"wait_for": {TaskRunResult(id=self.task_run_id(before)) for before in operation.after}},
            return_type="state",
        )

    async def _show(self, operation: OperationView, outcome: Json) -> None:
        from prefect.utilities.engine import emit_task_run_state_change_event

        task_run, state = finished(self._flow_run_id, operation, outcome)
        emit_task_run_state_change_event(task_run, None, state)


def _tag(operation: OperationView) -> None:
    """Tag the task run after it has begun: tags given earlier cost a request to the server before every operation."""
    from prefect.context import TaskRunContext

    if context := TaskRunContext.get():
        context.task_run.tags = [operation.phase, operation.kind]


async def _coroutine(awaitable: Awaitable[Json]) -> Json:
    return await awaitable


def _hand_over(task: asyncio.Task[None], done: Future[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.warning("Prefect could not show an operation: %s", error)
    if not done.done():
        done.set_result(None)


def _seen(future: asyncio.Future[None]) -> None:
    if not future.cancelled():
        future.exception()
