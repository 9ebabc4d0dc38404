"""The database connection: SQLite in WAL by default, PostgreSQL by URL, and one writer that commits in groups.

Decides how transactions begin and commit. Every write of a process goes through
`Writer`, which puts all writes that wait at that moment into one transaction
(each behind a savepoint), so that a storm of alerts costs one disk flush for
many. A result is handed out only after the commit. Leaves what is written to
`journal` and `projections`.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import OperationalError

from firedoor.core.problems import Problem, Unanswered

Result = TypeVar("Result")
BUSY_MILLISECONDS = 30_000
GROUP = 64  # writes in one transaction, at most


def open_engine(url: str) -> Engine:
    """Open a database. SQLite is set to WAL with a flush at every commit."""
    if not url.startswith("sqlite"):
        return create_engine(url, pool_size=8, max_overflow=8, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": BUSY_MILLISECONDS / 1000})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _: Any) -> None:  # noqa: ANN401 - the driver's own connection
    connection.isolation_level = None  # the driver must not begin transactions by itself
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_MILLISECONDS}", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at once where a write will come: upgrading later fails when another wrote meanwhile."""
    writes = connection.get_execution_options().get("firedoor_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


class Writer:
    """The one writing thread of a process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._queue: queue.SimpleQueue[tuple[Callable[[Connection], Any], Future[Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="firedoor-writer", daemon=True)
        self._thread.start()

    def submit(self, write: Callable[[Connection], Result]) -> Future[Result]:
        """Queue a write. The future is done once it is on disk, or failed."""
        future: Future[Result] = Future()
        self._queue.put((write, future))
        return future

    def close(self) -> None:
        """Finish what is queued, then stop."""
        self._queue.put(None)
        self._thread.join(timeout=BUSY_MILLISECONDS / 1000)

    def _work(self) -> None:
        while (first := self._queue.get()) is not None:
            group = [first]
            stop = False
            while len(group) < GROUP and not self._queue.empty():
                following = self._queue.get()
                if following is None:
                    stop = True
                    break
                group.append(following)
            self._commit(group)
            if stop:
                return

    def _commit(self, group: list[tuple[Callable[[Connection], Any], Future[Any]]]) -> None:
        results: list[tuple[Future[Any], Any, BaseException | None]] = []
        try:
            with self._engine.connect().execution_options(firedoor_write=True) as connection, connection.begin():
                for write, future in group:
                    results.append((future, *self._one(connection, write, alone=len(group) == 1)))
        except BaseException as error:  # noqa: BLE001 - whatever it was, nothing of the group is on disk
            for _, future in group:
                future.set_exception(_storage_problem(error))
            return
        for future, result, failure in results:
            if failure is None:
                future.set_result(result)
            else:
                future.set_exception(failure)

    @staticmethod
    def _one(
        connection: Connection, write: Callable[[Connection], Any], *, alone: bool
    ) -> tuple[Any, BaseException | None]:
        if alone:  # a savepoint would only cost time: an error rolls the whole transaction back
            return write(connection), None
        try:
            with connection.begin_nested():
                return write(connection), None
        except OperationalError:
            raise
        except Exception as error:  # noqa: BLE001 - it belongs to this write alone; the others go on
            return None, error


def _storage_problem(error: BaseException) -> BaseException:
    """Say in words that nothing was stored; errors of the write itself pass unchanged."""
    if not isinstance(error, OperationalError):
        return error
    reason = str(error.orig).strip()
    return Unanswered(
        Problem(
            code="S101",
            message=f"nothing was stored: the database answered {reason!r}",
            do="see `firedoor doctor`; free the disk or the lock, then try again",
        )
    )
