"""Event loops in threads of their own, for everything that is Prefect's.

Prefect's engine blocks the loop it runs in: about 40 ms when a run begins and 50 to 170 ms when it ends (it joins a
thread that sleeps), more than a second when it is imported, and as long as the server is away where a run begins. The
loop that accepts alerts and drives connectors must not pay for that, nor the one that keeps the server running. Decides
how work crosses between the loops, and nothing else.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import TypeVar

from firedoor.runtime.execution.containment_priority import PoliteSelector

T = TypeVar("T")


class PrefectThread:
    """An event loop in a daemon thread. Once `adopt` was called, work runs in the context of its caller."""

    def __init__(self, name: str = "prefect") -> None:
        self.loop: asyncio.AbstractEventLoop = asyncio.SelectorEventLoop(PoliteSelector())
        self._context: contextvars.Context | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def adopt(self) -> None:
        """Make the caller's context the one in which later work runs: it holds Prefect's shared client."""
        self._context = contextvars.copy_context()

    def submit(self, work: Coroutine[object, object, T]) -> Future[T]:
        """Begin work in the thread. The future can be waited for anywhere; cancelling it cancels the work."""
        future: Future[T] = Future()

        def begin() -> None:
            context = self._context.copy() if self._context else None
            task = self.loop.create_task(work, context=context)
            task.add_done_callback(lambda _: _copy_result(task, future))
            future.add_done_callback(lambda done: self._cancel(task) if done.cancelled() else None)

        self.loop.call_soon_threadsafe(begin)
        return future

    def stop(self) -> None:
        """Cancel what is left and end the thread."""
        if self._thread.is_alive():
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join(timeout=5)

    def _cancel(self, task: asyncio.Task[object]) -> None:
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(task.cancel)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
        finally:
            left = asyncio.all_tasks(self.loop)
            for task in left:
                task.cancel()
            self.loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            self.loop.close()


def _copy_result(task: asyncio.Task[T], future: Future[T]) -> None:
    if future.cancelled() or not future.set_running_or_notify_cancel():
        return
    if task.cancelled():
        future.set_exception(asyncio.CancelledError())
    elif error := task.exception():
        future.set_exception(error)
    else:
        future.set_result(task.result())


async def in_loop(loop: asyncio.AbstractEventLoop, work: Coroutine[object, object, T]) -> T:
    """Run work in another loop and wait for it here."""
    if loop is asyncio.get_running_loop():
        return await work
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, loop))
