"""Hash banks in the database: a file takes effect part by part, and what is withdrawn is gone when this returns.

Decides how an update is written: the core decides what becomes of each entry, on the rows that it touches alone, so
that a bank of ten million entries is never in memory. Of an entry that left only digests stay. Leaves indexes and
blocklists to the runtime.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import TypeVar

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from firedoor.core.alerts.matching import Review
from firedoor.core.hashing.bank import Bank, fingerprint, updated
from firedoor.core.hashing.entry import Batch, Entry, Status
from firedoor.core.problems import NotFound, Problem, nearest
from firedoor.store.banks.blocked import hash_digest
from firedoor.store.database.bank_tables import HashBankRow, HashChangeRow, HashEntryRow, HashWithdrawnRow
from firedoor.store.database.sql import Record, Where, table, text_of
from firedoor.store.incidents.journal import Store

Item = TypeVar("Item")
PART = 500  # entries of one transaction: an alert that comes meanwhile waits for one of these, not for all
COUNTS = ("added", "replaced", "withdrawn", "kept_out")


@dataclass(frozen=True, slots=True)
class KeptEntry:
    """An entry as it is kept, with its bank and the digest that names it."""

    bank: str
    digest: str
    entry: Entry


def keep(store: Store, name: str, batch: Batch, now: datetime, by: str) -> Record:
    """Take a file into a bank. Returns the change; what the file withdraws has left when this returns."""
    version = _version(store, name) + 1
    counts: Counter[str] = Counter()
    living = [one for one in batch.entries if one.status.living]
    leaving = [one for one in batch.entries if not one.status.living]
    for part in (*_parts(leaving), *_parts(living)):
        counts.update(store.write(_part(name, Batch(batch.source, part), version, now, by)).result())
    for case in batch.gone_cases:
        counts.update(store.write(_part(name, Batch(batch.source, gone_cases=(case,)), version, now, by)).result())
    return store.write(lambda connection: _changed(connection, name, batch.source, counts, version, now, by)).result()


def withdraw(store: Store, name: str, wanted: Sequence[KeptEntry], why: str, now: datetime, by: str) -> Record:
    """Take entries out of a bank by a person's word."""
    version = _version(store, name) + 1
    gone = tuple(replace(one.entry, status=Status.WITHDRAWN, withdrawn_at=now) for one in wanted)
    counts: Counter[str] = Counter()
    for part in _parts(gone):
        counts.update(store.write(_part(name, Batch(name, part), version, now, by, why)).result())
    return store.write(lambda connection: _changed(connection, name, why, counts, version, now, by)).result()


def banks(store: Store) -> list[dict[str, object]]:
    """Every bank with how many entries it has, by algorithm, and how many left."""
    entries, gone = table(HashEntryRow).c, table(HashWithdrawnRow).c
    counted = select(entries.bank, entries.algorithm, func.count()).group_by(entries.bank, entries.algorithm)
    left = select(gone.bank, func.count()).group_by(gone.bank)
    with store.engine.connect() as connection:
        rows = connection.execute(counted).all()
        lost: dict[str, int] = {row[0]: row[1] for row in connection.execute(left)}
    found: list[dict[str, object]] = []
    for bank in store.rows(HashBankRow, order=table(HashBankRow).c.name, limit=None):
        by_algorithm = {row[1]: row[2] for row in rows if row[0] == bank["name"]}
        found.append({
            "bank": bank["name"], "version": bank["version"], "entries": by_algorithm,
            "withdrawn": lost.get(bank["name"], 0),
        })  # fmt: skip
    return found


def the_bank(store: Store, name: str) -> dict[str, object]:
    """One bank with its updates, the newest first. Raises NotFound, naming the nearest."""
    found = next((one for one in banks(store) if one["bank"] == name), None)
    if found is None:
        known = [str(one["bank"]) for one in banks(store)]
        do = nearest(name, known) if known else "import one: firedoor banks import FILE"
        raise NotFound(Problem(code="X230", field="bank", message=f'no bank is called "{name[:80]}"', do=do))
    columns = table(HashChangeRow).c
    changes = store.rows(HashChangeRow, columns.bank == name, columns.version.desc(), 100)
    return {**found, "changes": [dict(one) for one in changes]}


def entries(store: Store, name: str, after: str = "", limit: int = 100) -> list[KeptEntry]:
    """The entries of a bank in the order of their digests, after one."""
    columns = table(HashEntryRow).c
    return _read(store, (columns.bank == name) & (columns.digest > after), limit)


def the_entry(store: Store, name: str, digest: str) -> KeptEntry:
    """An entry by its digest, of which the first twelve digits are enough. Raises NotFound."""
    columns = table(HashEntryRow).c
    the_bank(store, name)
    plain = digest.strip().lower()
    one = (columns.bank == name) & columns.digest.startswith(plain, autoescape=True)
    found = _read(store, one, 2) if len(plain) >= 12 else []
    if len(found) != 1:
        left = store.rows(HashWithdrawnRow, (table(HashWithdrawnRow).c.bank == name)
                          & table(HashWithdrawnRow).c.digest.startswith(plain, autoescape=True), limit=1)  # fmt: skip
        message = "the entry was withdrawn" if left and len(plain) >= 12 else "the bank has no entry with this digest"
        do = "name it by its digest, of at least 12 digits: firedoor banks show lists them"
        raise NotFound(Problem(code="X231", field="entry", message=message, do=do))
    return found[0]


def has(store: Store, name: str, digest: str) -> bool:
    """Whether a living entry has this digest."""
    columns = table(HashEntryRow).c
    return bool(_read(store, (columns.bank == name) & (columns.digest == digest), 1))


def with_digest(store: Store, hash_digest_: str) -> list[str]:
    """The banks that list a hash of this digest. Every value is looked at: the digest cannot be turned back."""
    columns = table(HashEntryRow).c
    found: set[str] = set()
    with store.engine.connect().execution_options(yield_per=50_000) as connection:
        for part in connection.execute(select(columns.bank, columns.algorithm, columns.value)).partitions():
            found |= {row[0] for row in part if hash_digest(row[1], row[2]) == hash_digest_}
    return sorted(found)


def of_case(store: Store, name: str, case: str) -> list[KeptEntry]:
    """Every entry of a case."""
    columns = table(HashEntryRow).c
    return _read(store, (columns.bank == name) & (columns.case_id == case), None)


def with_values(store: Store, algorithm: str, values: Iterable[str]) -> list[KeptEntry]:
    """Every living entry of any bank with one of these hashes."""
    columns = table(HashEntryRow).c
    found: list[KeptEntry] = []
    for part in _parts(dict.fromkeys(values)):
        found += _read(store, (columns.algorithm == algorithm) & columns.value.in_(part), None)
    return found


def packed(store: Store, after: Mapping[str, int]) -> Iterator[bytes]:
    """The PDQ hashes that came after the versions that are known, 32 bytes each, a part at a time."""
    columns = table(HashEntryRow).c
    for bank in store.rows(HashBankRow, limit=None):
        wanted = (columns.bank == bank["name"]) & (columns.algorithm == "pdq")
        wanted &= columns.version > after.get(bank["name"], 0)
        with store.engine.connect().execution_options(yield_per=50_000) as connection:
            for part in connection.execute(select(columns.value).where(wanted)).partitions():
                yield bytes.fromhex("".join(row[0] for row in part))


def versions(store: Store) -> dict[str, tuple[int, int]]:
    """Version and number of withdrawals of each bank: when they change, an index is not what it was."""
    return {row["name"]: (row["version"], row["withdrawals"]) for row in store.rows(HashBankRow, limit=None)}


def withdrawn(store: Store, name: str, digest: str) -> Record | None:
    """When an entry left and by whom; None where it never did."""
    columns = table(HashWithdrawnRow).c
    found = store.rows(HashWithdrawnRow, (columns.bank == name) & (columns.digest == digest), limit=1)
    return found[0] if found else None


def _parts(items: Iterable[Item]) -> Iterator[tuple[Item, ...]]:
    found = iter(items)
    while part := tuple(islice(found, PART)):
        yield part


def _part(
    name: str, batch: Batch, version: int, now: datetime, by: str, why: str = ""
) -> Callable[[Connection], dict[str, int]]:
    """A write that takes a few entries in, as the core decides."""

    def write(connection: Connection) -> dict[str, int]:
        before = _slice(connection, name, batch)
        after = updated(before, batch, now)
        gone = [key for key in before.entries if key not in after.entries]
        fresh = [entry for key, entry in after.entries.items() if before.entries.get(key) != entry]
        _remove(connection, name, [fingerprint(key) for key in (*gone, *(one.key for one in fresh))])
        if fresh:
            connection.execute(insert(table(HashEntryRow)), [_row(name, one, version) for one in fresh])
        marks = {mark: at for mark, at in after.withdrawn.items() if mark not in before.withdrawn}
        back = [mark for mark in before.withdrawn if mark not in after.withdrawn]
        _mark(
            connection,
            name,
            marks,
            {fingerprint(one.key): one for one in (*batch.entries, *before.entries.values())},
            by,
            why,
        )
        rows = table(HashWithdrawnRow)
        connection.execute(delete(rows).where((rows.c.bank == name) & rows.c.digest.in_(back)))
        change = after.changes[-1]
        return {one: getattr(change, one) for one in COUNTS}

    return write


def _slice(connection: Connection, name: str, batch: Batch) -> Bank:
    """The bank as far as these entries and cases touch it."""
    entry, gone = table(HashEntryRow), table(HashWithdrawnRow)
    marks = [fingerprint(one.key) for one in batch.entries]
    touched = or_(entry.c.digest.in_(marks), entry.c.case_id.in_(batch.gone_cases))
    rows = connection.execute(select(entry).where((entry.c.bank == name) & touched)).mappings()
    found = [_entry(dict(row)) for row in rows]
    left = connection.execute(select(gone.c.digest, gone.c.at).where((gone.c.bank == name) & gone.c.digest.in_(marks)))
    return Bank(
        name, entries={one.key: one for one in found},
        withdrawn={row.digest: datetime.fromisoformat(row.at) for row in left},
    )  # fmt: skip


def _remove(connection: Connection, name: str, digests: Sequence[str]) -> None:
    rows = table(HashEntryRow)
    if digests:
        connection.execute(delete(rows).where((rows.c.bank == name) & rows.c.digest.in_(digests)))


def _mark(
    connection: Connection, name: str, marks: Mapping[str, datetime], about: Mapping[str, Entry], by: str, why: str
) -> None:
    """Remember what left, by its digests."""
    rows = [
        {"bank": name, "digest": mark, "at": text_of(at), "by": by, "why": why,
         "hash_digest": hash_digest(about[mark].algorithm, about[mark].value) if mark in about else ""}
        for mark, at in marks.items()
    ]  # fmt: skip
    if rows:
        connection.execute(insert(table(HashWithdrawnRow)), rows)


def _changed(
    connection: Connection, name: str, source: str, counts: Mapping[str, int], version: int, now: datetime, by: str
) -> Record:
    rows = table(HashBankRow)
    row = {"bank": name, "version": version, "at": text_of(now), "source": source[:300], "by": by,
           **{one: counts.get(one, 0) for one in COUNTS}}  # fmt: skip
    known = connection.execute(select(rows.c.withdrawals).where(rows.c.name == name)).scalar()
    left = (known or 0) + bool(row["withdrawn"])
    if known is None:
        connection.execute(insert(rows).values(name=name, version=version, withdrawals=left))
    else:
        connection.execute(update(rows).where(rows.c.name == name).values(version=version, withdrawals=left))
    connection.execute(insert(table(HashChangeRow)).values(**row))
    return row


def _version(store: Store, name: str) -> int:
    found = store.rows(HashBankRow, table(HashBankRow).c.name == name, limit=1)
    return int(found[0]["version"]) if found else 0


def _read(store: Store, where: Where, limit: int | None) -> list[KeptEntry]:
    rows = store.rows(HashEntryRow, where, table(HashEntryRow).c.digest, limit)
    return [KeptEntry(row["bank"], row["digest"], _entry(row)) for row in rows]


def _row(name: str, one: Entry, version: int) -> dict[str, object]:
    return {
        "bank": name, "digest": fingerprint(one.key), "algorithm": one.algorithm, "value": one.value,
        "case_id": one.case, "quality": one.quality, "review": str(one.review), "disputed": one.disputed,
        "added_at": text_of(one.added_at) if one.added_at else None,
        "changed_at": text_of(one.changed_at) if one.changed_at else None, "source": one.source, "version": version,
    }  # fmt: skip


def _entry(row: Mapping[str, object]) -> Entry:
    def instant(name: str) -> datetime | None:
        return datetime.fromisoformat(str(row[name])) if row[name] else None

    quality = row["quality"]
    return Entry(
        str(row["algorithm"]), str(row["value"]), str(row["case_id"]), quality if isinstance(quality, int) else None,
        Status.ACTIVE, Review(str(row["review"])), bool(row["disputed"]), instant("added_at"), instant("changed_at"),
        None, str(row["source"]),
    )  # fmt: skip
