"""Verifies the journals as they are stored: every byte of every row, and that no row is without its incident.

Decides what is compared: the chain of hashes, the head beside it, that each body is
written in the one canonical form, so that no byte can change unseen, and that no number is
missing between the incidents. Leaves the chain itself to `core.journal`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import orjson
from sqlalchemy import Connection, Engine, Row, inspect, literal, select, true

from firedoor.core.access.security import CHAIN
from firedoor.core.canonical import canonical
from firedoor.core.journal import Entry, Fault, Head, genesis, verify
from firedoor.store.database.security_tables import SecurityEntryRow, SecurityHeadRow
from firedoor.store.database.sql import table
from firedoor.store.database.tables import CounterRow, EntryRow, IncidentRow

Stored = Row[str, int, str, str, str, str, str, str]  # an entry by its columns; an altered one may hold anything
BATCH = 100  # journals that one query reads


@dataclass(frozen=True, slots=True)
class Wanted:
    """A chain to verify: where it must end, up to where it was verified before, and where it was last seen."""

    incident: str
    head: Head | None
    after: Head | None = None  # entries up to here were verified and are not read again
    expect: Head | None = None  # this entry must still be the same


@dataclass(frozen=True, slots=True)
class Seen:
    """What reading a chain showed: how many entries, the first fault, and the latest instant in it."""

    entries: int
    fault: Fault | None
    newest: str = ""


def entry_of(row: Stored) -> Entry:
    """Read an entry from its row."""
    return Entry(row.incident, row.seq, row.at, row.kind, row.actor, orjson.loads(row.body), row.prev, row.hash)


def verify_stored(engine: Engine, incident: str | None = None) -> Iterator[tuple[str, int, Fault | None]]:
    """Verify one chain or all, yielding (incident, entries, fault or None). Entries without an incident are a fault."""
    with engine.connect() as connection:
        _one_moment(connection)
        heads = _heads(connection, incident)
        names = [incident] if incident is not None else _names(connection, heads)
        for wanted, seen in read_chains(connection, [Wanted(name, heads.get(name)) for name in names]):
            yield wanted.incident, seen.entries, seen.fault


def heads_at_one_moment(connection: Connection) -> dict[str, Head]:
    """Begin to read at one moment, and return where every chain stands. Entries without an incident stand nowhere."""
    _one_moment(connection)
    return _heads(connection, None)


def chain_names(connection: Connection, heads: dict[str, Head]) -> list[str]:
    """Every incident that has a head or an entry; who has only one of them will not verify."""
    return _names(connection, heads)


def read_chains(connection: Connection, chains: Sequence[Wanted]) -> Iterator[tuple[Wanted, Seen]]:
    """Verify chains in their order, each from its beginning or from what was verified before. One query reads many."""
    for first in range(0, len(chains), BATCH):
        batch = chains[first : first + BATCH]
        lowest = min(wanted.after.seq if wanted.after else 0 for wanted in batch)
        found: dict[str, list[Stored]] = {wanted.incident: [] for wanted in batch}
        for row in _rows(connection, list(found), lowest):
            found[row.incident].append(row)
        for wanted in batch:
            yield wanted, _seen(wanted, found.pop(wanted.incident))


def missing_numbers(connection: Connection, heads: Iterable[str]) -> list[str]:
    """Incidents that were opened and are not there: each takes the next number of its year, and none is given back."""
    there: dict[str, set[int]] = {}
    for name in heads:
        year, _, number = name.removeprefix("INC-").partition("-")
        if number.isdecimal():
            there.setdefault(year, set()).add(int(number))
    given = {row.name: row.value for row in connection.execute(select(table(CounterRow)))}
    return [
        f"INC-{year}-{number:04d}"
        for name, value in sorted(given.items())
        if name.startswith("incident-") and len(there.get(year := name.removeprefix("incident-"), ())) < value
        for number in range(1, value + 1)
        if number not in there.get(year, ())
    ]


def _seen(wanted: Wanted, rows: Sequence[Stored]) -> Seen:
    start = wanted.after or genesis(wanted.incident)
    if start.seq:  # a number that was altered may be of any kind: without a start all are read
        rows = [row for row in rows if not isinstance(row.seq, int) or row.seq > start.seq]
    fault, expect = _fault(wanted.incident, rows, wanted.head, start), wanted.expect
    if fault is None and expect is not None and expect != start:
        same = any((row.seq, row.hash) == (expect.seq, expect.hash) for row in rows)
        fault = None if same else Fault(wanted.incident, expect.seq, "is not the entry that stood there before")
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
    heads = {row.id: Head(row.head_seq, row.head_hash) for row in connection.execute(query)}
    return heads | (_security_head(connection) if incident in (None, CHAIN) else {})


def _security_head(connection: Connection) -> dict[str, Head]:
    """Where the security journal stands; nowhere before its first entry, or in a database of before it existed."""
    if not inspect(connection).has_table(SecurityHeadRow.__tablename__):
        return {}
    columns = table(SecurityHeadRow).c
    row = connection.execute(select(columns.seq, columns.hash).where(columns.name == CHAIN)).first()
    return {CHAIN: Head(row.seq, row.hash)} if row is not None and row.seq else {}


def _names(connection: Connection, heads: dict[str, Head]) -> list[str]:
    """Every incident that has a head or an entry."""
    found = set(connection.execute(select(table(EntryRow).c.incident).distinct()).scalars())
    if CHAIN not in heads and inspect(connection).has_table(SecurityEntryRow.__tablename__):
        found |= {CHAIN} if connection.execute(select(table(SecurityEntryRow).c.seq).limit(1)).first() else set()
    return sorted({*heads, *found})


def _rows(connection: Connection, incidents: Sequence[str], after: int) -> Iterator[Stored]:
    columns, own = table(EntryRow).c, table(SecurityEntryRow).c
    if CHAIN in incidents:
        query = select(literal(CHAIN).label("incident"), table(SecurityEntryRow))
        yield from connection.execute(query.where(own.seq > after if after else true()).order_by(own.seq))
    newer = columns.seq > after if after else true()
    of_incidents = columns.incident.in_([name for name in incidents if name != CHAIN])
    query = select(table(EntryRow)).where(of_incidents & newer)
    yield from connection.execute(query.order_by(columns.incident, columns.seq))


def _fault(incident: str, rows: Sequence[Stored], head: Head | None, start: Head | None = None) -> Fault | None:
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


def _unreadable(incident: str, row: Stored) -> Fault | None:
    """A body must be exactly what was written: JSON in the canonical form."""
    try:
        whole = isinstance(row.seq, int) and canonical(orjson.loads(row.body)).decode() == row.body
    except (TypeError, ValueError):  # no JSON, no text, or a value that the form cannot hold
        whole = False
    seq = row.seq if isinstance(row.seq, int) else 0
    return None if whole else Fault(incident, seq, "was altered: its content is not as it was written")
