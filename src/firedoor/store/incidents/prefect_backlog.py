"""Which incidents a workflow server has still to be shown, and who shows them.

Decides that an incident is behind when its journal has entries that were not shown, that it is left alone while
somebody drives it, and that one process at a time shows it. A claim is one instant in the drive's row, written with
compare-and-set; it runs out by itself, so a process that is killed with it holds nobody up for long.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, or_, select, update

from firedoor.store.database.sql import table, text_of
from firedoor.store.database.tables import DriveRow, IncidentRow
from firedoor.store.incidents.journal import Store

QUIET = timedelta(seconds=12)  # after the last beat of a driver: longer than its flow run may take to end
CLAIM = timedelta(seconds=40)
LONGEST = timedelta(minutes=20)  # a claim that seems to last longer is of a clock that was put back


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to show an incident up to `head_seq`, unless somebody drives it again meanwhile (`token`)."""

    incident: str
    until: str
    token: int
    head_seq: int
    ended: bool
    playbook: str
    flow_run_id: str | None


def behind(store: Store, now: datetime, limit: int = 20, but: Collection[str] = ()) -> list[str]:
    """Incidents with entries that were not shown, that nobody drives or is about to drive, and that nobody shows."""
    drives = table(DriveRow).c
    query = select(drives.incident).where(_free(now))
    if but:
        query = query.where(drives.incident.not_in(but))
    with store.engine.connect() as connection:
        return [str(row.incident) for row in connection.execute(query.order_by(drives.incident).limit(limit))]


def claim(store: Store, incidents: Sequence[str], now: datetime) -> Future[list[Claim]]:
    """Take those of these incidents that are still there to be shown; of several processes one gets each."""
    return store.write(lambda connection: [one for name in incidents if (one := _claim(connection, name, now))])


def untouched(store: Store, claim: Claim) -> bool:
    """Whether the claim still stands and nobody has begun to drive since."""
    columns = table(DriveRow).c
    with store.engine.connect() as connection:
        return connection.execute(select(columns.incident).where(_mine(claim) & _as_it_was(claim))).first() is not None


def finish(store: Store, claim: Claim) -> Future[bool]:
    """Note that everything up to the claim's head was shown. False: it was driven meanwhile and is shown again."""
    return store.write(lambda connection: _finish(connection, claim))


def postpone(store: Store, claim: Claim, until: datetime) -> Future[None]:
    """Give a claim back, to be taken again at `until` at the earliest."""
    query = update(table(DriveRow)).where(_mine(claim)).values(show_after=text_of(until))
    return store.execute(query)


def note(store: Store, incident: str, seq: int) -> Future[None]:
    """Note that the incident was shown up to this entry, by its own flow run while it was driven."""
    columns = table(DriveRow).c
    query = update(table(DriveRow)).where((columns.incident == incident) & (columns.shown_seq < seq))
    return store.execute(query.values(shown_seq=seq))


def reopen(store: Store, incidents: Collection[str] = (), flow_run_ids: Collection[str] = ()) -> Future[None]:
    """Have these shown once more from their first entry: what Prefect says of them may not be so."""
    columns = table(DriveRow).c
    these = columns.incident.in_(incidents) | columns.flow_run_id.in_(flow_run_ids)
    query = update(table(DriveRow)).where(these & (columns.shown_seq > 0)).values(shown_seq=0)
    return store.execute(query)


def known(store: Store, flow_run_ids: Collection[str]) -> set[str]:
    """Those of these flow runs that show an incident."""
    columns = table(DriveRow).c
    query = select(columns.flow_run_id).where(columns.flow_run_id.in_(flow_run_ids))
    with store.engine.connect() as connection:
        return {str(row.flow_run_id) for row in connection.execute(query)}


def _free(now: datetime) -> ColumnElement[bool]:
    columns = table(DriveRow).c
    after, beaten = columns.show_after, columns.beaten_at
    at_rest = or_(columns.ended.is_(True), columns.head_seq <= columns.slept_seq)
    quiet = or_(beaten < text_of(now - QUIET), beaten > text_of(now + QUIET))
    unclaimed = or_(after.is_(None), after <= text_of(now), after > text_of(now + LONGEST))
    return and_(columns.head_seq > columns.shown_seq, at_rest, quiet, unclaimed)


def _mine(claim: Claim) -> ColumnElement[bool]:
    columns = table(DriveRow).c
    return and_(columns.incident == claim.incident, columns.show_after == claim.until)


def _as_it_was(claim: Claim) -> ColumnElement[bool]:
    return and_(table(DriveRow).c.token == claim.token)


def _claim(connection: Connection, incident: str, now: datetime) -> Claim | None:
    columns, incidents = table(DriveRow).c, table(IncidentRow).c
    until = text_of(now + CLAIM)
    query = update(table(DriveRow)).where((columns.incident == incident) & _free(now))
    if not connection.execute(query.values(show_after=until)).rowcount:
        return None
    both = select(table(DriveRow), incidents.playbook).join(table(IncidentRow), incidents.id == columns.incident)
    row = connection.execute(both.where(columns.incident == incident)).one()
    return Claim(incident, until, row.token, row.head_seq, row.ended, row.playbook, row.flow_run_id)


def _finish(connection: Connection, claim: Claim) -> bool:
    drives = update(table(DriveRow))
    shown = drives.where(_mine(claim) & _as_it_was(claim)).values(shown_seq=claim.head_seq, show_after=None)
    if connection.execute(shown).rowcount:
        return True
    connection.execute(drives.where(_mine(claim)).values(shown_seq=0, show_after=None))
    return False
