"""The security journal as it is stored: appended by the one writer, never changed.

Decides that an event stands in the transaction of what it is about, where there is one, so that neither is there
without the other. Leaves what an event says to `core.security`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import TYPE_CHECKING

import orjson
from sqlalchemy import Connection, insert, select, update

from firedoor.core.access.security import CHAIN, SecurityEvent
from firedoor.core.canonical import canonical
from firedoor.core.journal import Entry, Head, chain
from firedoor.store.database.security_tables import SecurityEntryRow, SecurityHeadRow
from firedoor.store.database.sql import Record, Where, table

if TYPE_CHECKING:
    from firedoor.store.incidents.journal import Store  # which appends here itself

MOST = 1000  # entries that one reading returns


def append(connection: Connection, events: Sequence[SecurityEvent], now: datetime) -> tuple[Entry, ...]:
    """Add events to the chain, in the transaction of this connection."""
    if not events:
        return ()
    heads = table(SecurityHeadRow)
    head = connection.execute(select(heads.c.seq, heads.c.hash).where(heads.c.name == CHAIN).with_for_update()).one()
    entries = chain(CHAIN, Head(head.seq, head.hash), events, now)
    rows = [
        {"seq": e.seq, "at": e.at, "kind": e.kind, "actor": e.actor, "body": canonical(e.body).decode(),
         "prev": e.prev, "hash": e.hash}
        for e in entries
    ]  # fmt: skip
    connection.execute(insert(table(SecurityEntryRow)), rows)
    connection.execute(update(heads).where(heads.c.name == CHAIN).values(seq=entries[-1].seq, hash=entries[-1].hash))
    return entries


def record(store: Store, events: Sequence[SecurityEvent], now: datetime) -> Future[tuple[Entry, ...]]:
    """Add events by themselves; the future is done once they are on disk."""
    return store.writer.submit(lambda connection: append(connection, events, now))


def security_entries(
    store: Store, after: int = 0, limit: int = MOST, *, newest: bool = False, kinds: Collection[str] = ()
) -> list[Entry]:
    """Entries after a number, the oldest first, or the newest ones first; at most so many."""
    columns = table(SecurityEntryRow).c
    where: Where = columns.seq > after
    if kinds:
        where &= columns.kind.in_(sorted(kinds))
    order = columns.seq.desc() if newest else columns.seq
    return [_entry(row) for row in store.rows(SecurityEntryRow, where, order, limit)]


def security_before(store: Store, before: int | None, limit: int) -> list[Entry]:
    """Entries before a number, or the last ones: the newest first."""
    columns = table(SecurityEntryRow).c
    where = None if before is None else columns.seq < before
    return [_entry(row) for row in store.rows(SecurityEntryRow, where, columns.seq.desc(), limit)]


def _entry(row: Record) -> Entry:
    return Entry(
        CHAIN, row["seq"], row["at"], row["kind"], row["actor"], orjson.loads(row["body"]), row["prev"], row["hash"]
    )
