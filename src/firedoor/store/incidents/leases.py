"""Who drives which incident: a lease with a fence.

Decides that an incident has one driver at a time. A driver beats its lease; one
that has not been beaten for long is taken over with a higher token, and from
then on appends with the old token are refused in the journal's own transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Select, delete, func, insert, literal_column, or_, select, update

from firedoor.store.database.sql import table, text_of
from firedoor.store.database.tables import DriveRow, PulseRow
from firedoor.store.incidents.journal import Store

FORGOTTEN = timedelta(days=1)  # after so long the last sign of a process that is gone says nothing any more
LEASE = timedelta(seconds=8)  # longer than the two reports of one crash that a Prefect worker makes (4 to 7 s apart)


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to drive an incident, until somebody else takes it."""

    incident: str
    owner: str
    token: int


def take(store: Store, incident: str, owner: str, now: datetime) -> Future[Lease | None]:
    """Take the lease if it is free, stale or ours. None: another driver lives."""
    return store.write(lambda connection: _take(connection, incident, owner, now))


def beat(store: Store, leases: Sequence[Lease], now: datetime) -> Future[None]:
    """Say that these drivers live."""
    return store.write(lambda connection: _beat(connection, leases, now))


def release(store: Store, lease: Lease, slept_seq: int, wake_at: datetime | None) -> Future[None]:
    """Stop driving: everything up to `slept_seq` was looked at, and time alone wakes it at `wake_at`."""
    values = {"owner": "", "slept_seq": slept_seq, "wake_at": text_of(wake_at) if wake_at else None}
    return store.write(lambda connection: _set(connection, lease, values))


def set_flow_run(store: Store, incident: str, flow_run_id: str) -> Future[None]:
    """Remember which Prefect flow run shows the incident."""
    columns = table(DriveRow).c
    query = update(table(DriveRow)).where(columns.incident == incident).values(flow_run_id=flow_run_id)
    return store.execute(query)


def flow_run(store: Store, incident: str) -> str | None:
    """The Prefect flow run that shows the incident, if there is one yet."""
    rows = store.rows(DriveRow, table(DriveRow).c.incident == incident)
    return rows[0]["flow_run_id"] if rows else None


def incident_of(store: Store, flow_run_id: str) -> str | None:
    """The incident that a flow run shows."""
    rows = store.rows(DriveRow, table(DriveRow).c.flow_run_id == flow_run_id)
    return rows[0]["incident"] if rows else None


def owners(store: Store) -> list[str]:
    """The processes that hold a lease now, living or dead."""
    query = select(table(DriveRow).c.owner).where(_owned()).distinct()
    with store.engine.connect() as connection:
        return [str(row.owner) for row in connection.execute(query)]


def free(store: Store, owner: str) -> Future[None]:
    """Give back every lease of a process that is known to be dead, so that nobody waits for them to go stale."""
    theirs = _owned() & (table(DriveRow).c.owner == owner)
    query = update(table(DriveRow)).where(theirs).values(owner="", slept_seq=0)
    return store.execute(query)


def _owned() -> ColumnElement[bool]:
    columns = table(DriveRow).c
    # Written out and not as a parameter: only so does the database know that its index of the owned is enough.
    owned: ColumnElement[bool] = (columns.owner != literal_column("''")) & columns.ended.is_(False)
    return owned


def needing(store: Store, now: datetime, limit: int = 100) -> list[str]:
    """Incidents without a living driver that have something to do: new entries, or a time that has come."""
    found: set[str] = set()
    with store.engine.connect() as connection:
        for query in questions(now):
            found.update(str(row.incident) for row in connection.execute(query.limit(limit)))
    return sorted(found)[:limit]


def questions(now: datetime) -> tuple[Select[tuple[str]], Select[tuple[str]]]:
    """Who has new entries, and whose time has come: two, so that each is answered by its own index of the few."""
    columns = table(DriveRow).c
    free = or_(columns.owner == "", columns.beaten_at < text_of(now - LEASE), columns.beaten_at > text_of(now + LEASE))
    going_on = columns.ended.is_(False) & free
    due = columns.wake_at.is_not(None) & (columns.wake_at <= text_of(now))
    return (
        select(columns.incident).where((columns.head_seq > columns.slept_seq) & going_on),
        select(columns.incident).where(due & going_on),
    )


def next_wake(store: Store) -> datetime | None:
    """When time alone next wakes an incident, if it wakes any."""
    columns = table(DriveRow).c
    query = select(func.min(columns.wake_at)).where(columns.wake_at.is_not(None) & columns.ended.is_(False))
    with store.engine.connect() as connection:
        at = connection.execute(query).scalar()
    return datetime.fromisoformat(at) if at else None


def pulse(store: Store, owner: str, watched_at: datetime, recovered_at: datetime | None) -> Future[None]:
    """Leave the sign of life of a process: when its watch and its recovery last looked."""
    return store.write(lambda connection: _pulse(connection, owner, watched_at, recovered_at))


def _take(connection: Connection, incident: str, owner: str, now: datetime) -> Lease | None:
    columns = table(DriveRow).c
    row = connection.execute(
        select(table(DriveRow)).where(columns.incident == incident).with_for_update()
    ).one_or_none()
    if row is None:
        return None
    # A beat of the future is as dead as one of the past: the clock was put back, and who lives has beaten since.
    alive = row.owner not in ("", owner) and text_of(now - LEASE) <= row.beaten_at <= text_of(now + LEASE)
    if alive:
        return None
    values = {"owner": owner, "token": row.token + 1, "beaten_at": text_of(now)}
    connection.execute(update(table(DriveRow)).where(columns.incident == incident).values(**values))
    return Lease(incident, owner, row.token + 1)


def _beat(connection: Connection, leases: Sequence[Lease], now: datetime) -> None:
    columns = table(DriveRow).c
    for lease in leases:
        mine = (columns.incident == lease.incident) & (columns.token == lease.token)
        connection.execute(update(table(DriveRow)).where(mine).values(beaten_at=text_of(now)))


def _set(connection: Connection, lease: Lease, values: dict[str, object]) -> None:
    columns = table(DriveRow).c
    mine = (columns.incident == lease.incident) & (columns.token == lease.token)
    connection.execute(update(table(DriveRow)).where(mine).values(**values))


def _pulse(connection: Connection, owner: str, watched_at: datetime, recovered_at: datetime | None) -> None:
    columns = table(PulseRow).c
    values = {"watched_at": text_of(watched_at), "recovered_at": text_of(recovered_at) if recovered_at else ""}
    if connection.execute(update(table(PulseRow)).where(columns.owner == owner).values(**values)).rowcount:
        return
    connection.execute(delete(table(PulseRow)).where(columns.watched_at < text_of(watched_at - FORGOTTEN)))
    connection.execute(insert(table(PulseRow)).values(owner=owner, **values))
