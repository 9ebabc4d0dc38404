"""The database connection: SQLite in WAL by default, PostgreSQL by URL, and one writer that commits in groups.

Decides how transactions begin and commit. Every write of a process goes through
`Writer`, which puts all writes that wait at that moment into one transaction
(each behind a savepoint), so that a storm of alerts costs one disk flush for
many. A result is handed out only after the commit; what one write does wrong
harms no other, and a commit whose answer is lost is asked for before anything is
repeated. Leaves what is written to `journal` and `projections`.
"""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar
from urllib.parse import quote

from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError

from firedoor.core.problems import InDoubt, NotRead, NotStored, Problem
from firedoor.store.database.complaints import in_words

Result = TypeVar("Result")
BUSY_MILLISECONDS = 30_000
GROUP = 64  # writes in one transaction, at most
ATTEMPTS = 5  # for a transaction that PostgreSQL ends to resolve a deadlock

PATIENCE = 10.0  # seconds that a lost commit is asked for
_NUMBER = text("SELECT pg_current_xact_id()::text")
_STATUS = text("SELECT pg_xact_status(CAST(:mark AS xid8))")
_GOING_ON = "in progress"  # the server has not noticed yet that the connection is gone

log = logging.getLogger(__name__)

Outcome = Callable[[], None]  # tells whoever waits for a write what became of it; called after the commit


class Waiting(Protocol):
    """A write in the queue, whatever it returns."""

    def begin(self) -> bool:
        """Whether it is still wanted. From then on nobody can cancel it."""

    def perform(self, connection: Connection) -> Outcome:
        """Write. What it raises is its own error."""

    def failed(self, error: BaseException) -> Outcome:
        """What is told where it could not be written."""


@dataclass(frozen=True)
class Job(Generic[Result]):
    """A write, and the future that is done with its result."""

    write: Callable[[Connection], Result]
    future: Future[Result]

    def begin(self) -> bool:
        """Whether it is still wanted. From then on nobody can cancel it."""
        return self.future.set_running_or_notify_cancel()

    def perform(self, connection: Connection) -> Outcome:
        """Write; the result waits for the commit."""
        result = self.write(connection)
        return lambda: self.future.set_result(result)

    def failed(self, error: BaseException) -> Outcome:
        """What is told where it could not be written."""
        return lambda: self.future.set_exception(error)


def open_engine(url: str) -> Engine:
    """Open a database. SQLite is set to WAL with a flush at every commit. Reads that fail raise NotRead."""
    if url.startswith("sqlite"):
        engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": BUSY_MILLISECONDS / 1000})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        engine = create_engine(url, pool_size=8, max_overflow=8, pool_pre_ping=True)
    event.listen(engine, "handle_error", _in_words, retval=True)
    return engine


def _in_words(context: ExceptionContext) -> NotRead | None:
    """Say in words that nothing could be read. What goes wrong in a write is the writer's, which looks at its cause."""
    connection = context.connection
    writing = connection is not None and connection.get_execution_options().get("firedoor_write")
    if writing or context.is_pre_ping or context.sqlalchemy_exception is None:
        return None
    log.warning("the database could not be read: it answered %r", str(context.original_exception).strip())
    problem = Problem(
        code="S108",
        message=f"the database could not be read: {in_words(context.original_exception)}",
        do="see `firedoor doctor`; nothing was changed, so try again",
    )
    return NotRead(problem)


def forget_deleted(engine: Engine) -> None:
    """Have what was deleted leave the files of SQLite: pages are overwritten as they are freed, and the log is emptied.

    PostgreSQL frees it by its own vacuum.
    """
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def open_read_only(url: str) -> Engine:
    """Open a database for an outsider, who may see everything and change nothing: the database itself refuses."""
    if not url.startswith("sqlite"):
        return create_engine(
            url,
            pool_pre_ping=True,
            connect_args={"options": "-c default_transaction_read_only=on", "connect_timeout": 10},
        )
    path = quote(str(Path(make_url(url).database or "").absolute()))
    arguments = {"check_same_thread": False, "timeout": BUSY_MILLISECONDS / 1000}
    engine = create_engine(f"sqlite:///file:{path}?mode=ro&uri=true", connect_args=arguments)
    event.listen(engine, "connect", _only_read)
    return engine


def _only_read(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA query_only=ON")


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    """Keep a write-ahead log. Two who open a new file at once may meet here, where SQLite does not wait by itself."""
    end = time.monotonic() + BUSY_MILLISECONDS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end:
                raise
            time.sleep(0.01)
        else:
            return


def _prepare_sqlite(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # the driver must not begin transactions by itself
    cursor = connection.cursor()
    for pragma in (f"busy_timeout={BUSY_MILLISECONDS}", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    _write_ahead(cursor)
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at once where a write will come: upgrading later fails when another wrote meanwhile.

    Reads are single statements, each consistent by itself, and need no transaction around them.
    """
    if connection.get_execution_options().get("firedoor_write"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


class Writer:
    """The one writing thread of a process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.patience = PATIENCE
        self._queue: queue.SimpleQueue[Waiting | None] = queue.SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="firedoor-writer", daemon=True)
        self._thread.start()

    def submit(self, write: Callable[[Connection], Result]) -> Future[Result]:
        """Queue a write. Its future is done once it is on disk; cancelled before its turn it writes nothing."""
        future: Future[Result] = Future()
        with self._closing:
            if self._closed:
                problem = Problem(code="S101", message="nothing was stored: the store is closed", do="try again later")
                future.set_exception(NotStored(problem))
            else:
                self._queue.put(Job(write, future))
        return future

    def close(self) -> None:
        """Finish what is queued, then stop."""
        with self._closing:
            self._closed = True
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
            # From here on nobody can cancel them: a result could not be handed out, and the thread would end.
            self._commit([job for job in group if job.begin()])
            if stop:
                return

    def _commit(self, group: list[Waiting]) -> None:
        """Commit a group. If it fails as a whole, each is tried by itself, so that only the culprit fails."""
        outcomes: list[Outcome] | None = None
        if len(group) > 1:
            try:
                outcomes = self._transaction(group)
            except InDoubt as doubt:  # it may be on disk: nobody may try it again without looking
                outcomes = [job.failed(doubt) for job in group]
            except BaseException:  # noqa: BLE001 - nothing of the group is on disk
                outcomes = None
        for tell in outcomes if outcomes is not None else map(self._alone, group):
            tell()

    def _alone(self, job: Waiting) -> Outcome:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._transaction([job])[0]
            except BaseException as error:  # noqa: BLE001 - nothing of it is on disk, or the error says that nobody knows
                if attempt == ATTEMPTS or not _worth_another_try(error):
                    return job.failed(_storage_problem(error))
        raise AssertionError("the last attempt returns")

    def _transaction(self, group: list[Waiting]) -> list[Outcome]:
        """Write a group in one transaction. Returns after the commit; raises InDoubt when nobody can know of it."""
        outcomes: list[Outcome] = []
        mark, committing = None, False
        try:
            with self._engine.connect().execution_options(firedoor_write=True) as connection, connection.begin():
                mark = _mark(connection)
                outcomes += [self._one(connection, job, alone=len(group) == 1) for job in group]
                committing = True
        except DBAPIError as error:
            if not committing or mark is None or not self._was_committed(mark, error):
                raise
        return outcomes

    def _was_committed(self, mark: str, lost: DBAPIError) -> bool:
        """Ask the database itself, over another connection, what became of a commit whose answer was lost."""
        until = time.monotonic() + self.patience
        while time.monotonic() < until:
            try:
                with self._engine.connect() as connection:
                    found = connection.execute(_STATUS, {"mark": mark}).scalar()
            except NotRead:
                found = _GOING_ON
            if found != _GOING_ON:
                return found == "committed"
            time.sleep(0.05)
        do = "look whether it is there before you repeat it; see `firedoor doctor`"
        raise InDoubt(Problem(code="S107", message="the database went away during a commit", do=do)) from lost

    @staticmethod
    def _one(connection: Connection, job: Waiting, *, alone: bool) -> Outcome:
        if alone:  # a savepoint would only cost time: an error rolls the whole transaction back
            return job.perform(connection)
        connection.exec_driver_sql("SAVEPOINT one")  # by hand: half of the time that SQLAlchemy's own takes
        try:
            outcome = job.perform(connection)
        except OperationalError:  # the connection or the disk: it is not this write's own fault
            raise
        except Exception as error:  # noqa: BLE001 - it belongs to this write alone; the others go on
            connection.exec_driver_sql("ROLLBACK TO SAVEPOINT one")
            connection.exec_driver_sql("RELEASE SAVEPOINT one")
            return job.failed(_storage_problem(error))
        connection.exec_driver_sql("RELEASE SAVEPOINT one")
        return outcome


def _mark(connection: Connection) -> str | None:
    """The number by which PostgreSQL can be asked later what became of this transaction. SQLite's cannot get lost."""
    return connection.execute(_NUMBER).scalar() if connection.dialect.name == "postgresql" else None


def _worth_another_try(error: BaseException) -> bool:
    """Whether PostgreSQL chose this transaction to end a deadlock, or another came in between."""
    return getattr(getattr(error, "orig", None), "sqlstate", None) in ("40P01", "40001")


def _storage_problem(error: BaseException) -> BaseException:
    """Say in words that nothing was stored; errors of the write itself pass unchanged."""
    if not isinstance(error, (DBAPIError, sqlite3.Error, NotRead)):
        return error
    origin = error.__cause__ if isinstance(error, NotRead) else getattr(error, "orig", None)
    log.warning("nothing was stored: the database answered %r", str(origin or error).strip())
    problem = Problem(
        code="S101",
        message=f"nothing was stored: {in_words(origin or error)}",
        do="see `firedoor doctor`; free the disk or the lock, then try again",
    )
    wrapped = NotStored(problem)
    wrapped.__cause__ = error
    return wrapped
