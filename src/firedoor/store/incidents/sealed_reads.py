"""Who read sealed facts of an incident. Not a projection: reading changes nothing, so the journal does not grow by it.

Decides that one line an hour stands for all reads of a person in it, whichever process served them.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert, select

from firedoor.core.access.security import SecurityEvent, SecurityKind
from firedoor.store.database.sql import Record, table, text_of
from firedoor.store.database.tables import SealedReadRow
from firedoor.store.incidents.journal import Store
from firedoor.store.incidents.security import append

HOUR = 13  # characters of an instant that name its hour


def note_read(store: Store, incident: str, person: str, now: datetime) -> None:
    """Write down that somebody read what is sealed, once an hour."""
    at = text_of(now)
    values = {"incident": incident, "person": person, "hour": at[:HOUR], "first_at": at}

    def write(connection: Connection) -> None:
        columns = table(SealedReadRow).c
        same = (columns.incident == incident) & (columns.person == person) & (columns.hour == at[:HOUR])
        if connection.execute(select(columns.hour).where(same)).first() is None:
            connection.execute(insert(table(SealedReadRow)).values(**values))
            read = SecurityEvent(SecurityKind.SEALED_READ, f"person:{person}", {"incident": incident})
            append(connection, [read], now)

    store.write(write).result()


def reads_of(store: Store, incident: str) -> list[Record]:
    """Who read, in which hours, the newest first."""
    columns = table(SealedReadRow).c
    return store.rows(SealedReadRow, columns.incident == incident, columns.first_at.desc())
