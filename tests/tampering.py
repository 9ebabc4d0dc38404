"""Changing a journal behind the back of Firedoor: what the database refuses, whoever may change its schema takes away.

Decides how the guards of a database are removed, for both kinds. Leaves what is changed then to each test.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from sqlalchemy import Connection, Executable, text

_SQLITE = "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'"
_POSTGRESQL = "SELECT tgname, tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal"


def unguarded(connection: Connection) -> Connection:
    """Drop every trigger in the transaction of this connection, and return it."""
    at_postgresql = connection.dialect.name == "postgresql"
    for name, of in connection.execute(text(_POSTGRESQL if at_postgresql else _SQLITE)).all():
        connection.execute(text(f'DROP TRIGGER "{name}"' + (f" ON {of}" if at_postgresql else "")))
    return connection


def unguarded_file(connection: sqlite3.Connection) -> sqlite3.Connection:
    """The same for a file of SQLite that is opened without SQLAlchemy."""
    for name, _ in connection.execute(_SQLITE).fetchall():
        connection.execute(f'DROP TRIGGER "{name}"')
    return connection


def forced(query: Executable) -> Callable[[Connection], None]:
    """What changes the database past every rule, for `Store.write`."""

    def write(connection: Connection) -> None:
        unguarded(connection).execute(query)

    return write
