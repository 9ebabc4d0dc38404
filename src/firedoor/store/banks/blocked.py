"""What was put on the blocklists of stores, so that a hash that its bank withdraws can leave them too.

Decides that a hash is forgotten here only once somebody has seen that it is off the list; until then it is `leaving`.
Leaves calling the filter to the runtime.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from firedoor.store.database.bank_tables import BlockedHashRow
from firedoor.store.database.sql import Record, table, text_of
from firedoor.store.incidents.journal import Store


def hash_digest(algorithm: str, value: str) -> str:
    """What recognises a hash once it may not be held any more."""
    return hashlib.sha256(f"{algorithm}\x00{value}".encode()).hexdigest()


def note(store: Store, incident: str, at_store: str, hashes: Sequence[tuple[str, str]], now: datetime) -> None:
    """Remember what stands on a blocklist; what is known already stays as it is."""
    rows = table(BlockedHashRow)

    def write(connection: Connection) -> None:
        query = select(rows.c.algorithm, rows.c.value).where(rows.c.store == at_store)
        known = {(row.algorithm, row.value) for row in connection.execute(query)}
        fresh = [one for one in dict.fromkeys(hashes) if one not in known]
        if fresh:
            connection.execute(insert(rows), [
                {"store": at_store, "algorithm": algorithm, "value": value, "incident": incident, "at": text_of(now),
                 "hash_digest": hash_digest(algorithm, value), "leaving": False}
                for algorithm, value in fresh
            ])  # fmt: skip

    store.write(write).result()


def leave(store: Store, digests: Sequence[str]) -> None:
    """Say that hashes have to come off every blocklist."""
    rows = table(BlockedHashRow)
    for digest in digests:
        store.execute(update(rows).where(rows.c.hash_digest == digest).values(leaving=True)).result()


def leaving(store: Store) -> list[Record]:
    """What has to come off and is not off yet."""
    return store.rows(BlockedHashRow, table(BlockedHashRow).c.leaving.is_(True), limit=None)


def left(store: Store, at_store: str, algorithm: str, value: str) -> None:
    """Somebody has seen that it is off."""
    rows = table(BlockedHashRow)
    one = (rows.c.store == at_store) & (rows.c.algorithm == algorithm) & (rows.c.value == value)
    store.execute(delete(rows).where(one)).result()


def stores_of(store: Store, digest: str) -> list[str]:
    """The stores on whose blocklists a hash still stands."""
    query = select(table(BlockedHashRow).c.store).where(table(BlockedHashRow).c.hash_digest == digest)
    with store.engine.connect() as connection:
        return sorted({str(row[0]) for row in connection.execute(query)})
