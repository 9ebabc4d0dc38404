"""Verifies the journals as they are stored: every byte of every row, and that no row is without its incident.

Decides what is compared: the chain of hashes, the head beside it, and that each body is
written in the one canonical form, so that no byte can change unseen. Leaves the chain
itself to `core.journal`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, select, true

from firedoor.core.canonical import canonical
from firedoor.core.journal import Entry, Fault, Head, genesis, verify
from firedoor.store.projections import table
from firedoor.store.tables import EntryRow, IncidentRow


@dataclass(frozen=True, slots=True)
class Seen:
    """What reading a chain showed: how many entries, the first fault, and the latest instant in it."""

    entries: int
    fault: Fault | None
    newest: str = ""


def entry_of(row: Any) -> Entry:  # noqa: ANN401 - a row of the driver
    """Read an entry from its row."""
    return Entry(row.incident, row.seq, row.at, row.kind, row.actor, orjson.loads(row.body), row.prev, row.hash)


def verify_stored(engine: Engine, incident: str | None = None) -> Iterator[tuple[str, int, Fault | None]]:
    """Verify one chain or all, yielding (incident, entries, fault or None). Entries without an incident are a fault."""
    with engine.connect() as connection:
        _one_moment(connection)
        heads = _heads(connection, incident)
        names = [incident] if incident is not None else _names(connection, heads)
        for name in names:
            rows = _rows(connection, name)
            yield name, len(rows), _fault(name, rows, heads.get(name))


def heads_at_one_moment(connection: Connection) -> dict[str, Head]:
    """Begin to read at one moment, and return where every chain stands. Entries without an incident stand nowhere."""
    _one_moment(connection)
    return _heads(connection, None)


def chain_names(connection: Connection, heads: dict[str, Head]) -> list[str]:
    """Every incident that has a head or an entry; who has only one of them will not verify."""
    return _names(connection, heads)


def read_chain(
    connection: Connection, incident: str, head: Head | None, *, after: Head | None = None, expect: Head | None = None
) -> Seen:
    """Verify a chain from its beginning, or only what follows `after`, which was verified before.

    `expect` is where it stood when it was last seen: that entry must still be the same.
    """
    start = after or genesis(incident)
    rows = _rows(connection, incident, start.seq)
    fault = _fault(incident, rows, head, start)
    if fault is None and expect is not None and expect != start:
        same = any((row.seq, row.hash) == (expect.seq, expect.hash) for row in rows)
        fault = None if same else Fault(incident, expect.seq, "is not the entry that stood there before")
    return Seen(len(rows), fault, max((str(row.at) for row in rows), default=""))


def _one_moment(connection: Connection) -> None:
    """Have all reads see the same moment: an entry written in between would look like a forged one."""
    sqlite = connection.dialect.name == "sqlite"
    connection.exec_driver_sql("BEGIN" if sqlite else "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def _heads(connection: Connection, incident: str | None) -> dict[str, Head]:
    columns = table(IncidentRow).c
    query = select(columns.id, columns.head_seq, columns.head_hash)
    if incident is not None:
        query = query.where(columns.id == incident)
    return {row.id: Head(row.head_seq, row.head_hash) for row in connection.execute(query)}


def _names(connection: Connection, heads: dict[str, Head]) -> list[str]:
    """Every incident that has a head or an entry."""
    found = connection.execute(select(table(EntryRow).c.incident).distinct()).scalars()
    return sorted({*heads, *found})


def _rows(connection: Connection, incident: str, after: int = 0) -> Sequence[Any]:
    columns = table(EntryRow).c
    newer = columns.seq > after if after else true()  # a number that was altered may be of any kind: read them all
    query = select(table(EntryRow)).where((columns.incident == incident) & newer).order_by(columns.seq)
    return connection.execute(query).all()


def _fault(incident: str, rows: Sequence[Any], head: Head | None, start: Head | None = None) -> Fault | None:
    entries: list[Entry] = []
    unreadable: Fault | None = None
    for row in rows:
        unreadable = _unreadable(incident, row)
        if unreadable is not None:
            break
        entries.append(entry_of(row))
    if unreadable is not None:
        return verify(incident, entries, start=start) or unreadable  # the first fault counts
    if head is None:
        return Fault(incident, 0, "has entries, but the incident itself is gone")
    return verify(incident, entries, head, start=start)


def _unreadable(incident: str, row: Any) -> Fault | None:  # noqa: ANN401 - a row of the driver
    """A body must be exactly what was written: JSON in the canonical form."""
    try:
        whole = isinstance(row.seq, int) and canonical(orjson.loads(row.body)).decode() == row.body
    except (TypeError, ValueError):  # no JSON, no text, or a value that the form cannot hold
        whole = False
    seq = row.seq if isinstance(row.seq, int) else 0
    return None if whole else Fault(incident, seq, "was altered: its content is not as it was written")
