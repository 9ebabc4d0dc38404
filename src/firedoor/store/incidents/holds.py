"""Held targets: which are due for a look, whose turn it is, and what is closed on purpose anywhere.

Decides that of several processes one looks: a look is claimed by moving its time ahead, against
the time that was found. Also counts automatic suspensions of all processes. Leaves what a look
means to `core.holds`.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select, update

from firedoor.store.database.sql import Record, table, text_of
from firedoor.store.database.tables import AutomaticRow, HoldRow
from firedoor.store.incidents.journal import Store, _insert_new, _next

HOUR = timedelta(hours=1)
CLAIM = timedelta(seconds=90)  # longer than any one effect may last; whoever dies meanwhile is succeeded after that
BATCH = 200


@dataclass(frozen=True, slots=True)
class Claimed:
    """A look that is ours. `until` is when it falls to others if we do not end it."""

    incident: str
    target: str
    until: str
    every: int


def due(store: Store, now: datetime, limit: int = BATCH) -> list[Record]:
    """The holds whose next look has come; one index answers."""
    columns = table(HoldRow).c
    return store.rows(HoldRow, columns.next_look <= text_of(now), columns.next_look, limit)


def claim(store: Store, row: Record, now: datetime) -> Future[Claimed | None]:
    """Take one look, unless another process has taken it. None: it has."""
    columns = table(HoldRow).c
    until = text_of(now + CLAIM)
    found = (columns.incident == row["incident"]) & (columns.target == row["target"])
    query = update(table(HoldRow)).where(found & (columns.next_look == row["next_look"])).values(next_look=until)

    def take(connection: Connection) -> Claimed | None:
        won = connection.execute(query).rowcount == 1
        return Claimed(row["incident"], row["target"], until, row["every"]) if won else None

    return store.write(take)


def end_look(store: Store, claimed: Claimed, next_look: datetime, seen_at: datetime | None = None) -> Future[None]:
    """A look is over; the next one is due then. Somebody who ordered one meanwhile keeps their time."""
    columns = table(HoldRow).c
    ours = (
        (columns.incident == claimed.incident)
        & (columns.target == claimed.target)
        & (columns.next_look == claimed.until)
    )
    values: dict[str, object] = {"next_look": text_of(next_look), "looks": columns.looks + 1}
    if seen_at is not None:
        values["seen_at"] = text_of(seen_at)
    return store.execute(update(table(HoldRow)).where(ours).values(**values))


def held_targets(store: Store) -> set[str]:
    """Every target that some incident, open or closed, holds closed."""
    with store.engine.connect() as connection:
        return set(connection.execute(select(table(HoldRow).c.target).distinct()).scalars())


def holders(store: Store, target: str) -> list[Record]:
    """The incidents that hold a target, the first one first."""
    return store.rows(HoldRow, table(HoldRow).c.target == target, table(HoldRow).c.since)


def count_automatic(store: Store, now: datetime) -> list[tuple[str, str]]:
    """The automatic suspensions of the last hour, of all processes: (playbook, target)."""
    columns = table(AutomaticRow).c
    with store.engine.connect() as connection:
        found = connection.execute(select(columns.playbook, columns.target).where(columns.at > text_of(now - HOUR)))
        return [(str(row.playbook), str(row.target)) for row in found]


def note_automatic(store: Store, one: Mapping[str, str], now: datetime) -> Future[None]:
    """Count an automatic suspension; the same operation counts once, however often it is tried."""

    def write(connection: Connection) -> None:
        _note(connection, one, now)

    return store.write(write)


def reserve_automatic(
    store: Store, one: Mapping[str, str], now: datetime, house: int, playbook: int | None
) -> Future[str]:
    """Count it unless a limit is reached, in one step over all processes. Returns why not, or nothing."""
    return store.write(lambda connection: _reserve(connection, one, now, house, playbook))


def over(who: str, count: int, limit: int) -> str:
    """Say that a limit is reached."""
    return f"{count} targets were suspended automatically within the hour, and {who} allows {limit}"


def _reserve(connection: Connection, one: Mapping[str, str], now: datetime, house: int, playbook: int | None) -> str:
    _next(connection, "automatic-suspensions")  # its row is the lock: of several processes one counts at a time
    columns = table(AutomaticRow).c
    lately = columns.at > text_of(now - HOUR)
    found = connection.execute(select(columns.playbook, columns.target).where(lately)).all()
    everywhere = {row.target for row in found}
    here = {row.target for row in found if row.playbook == one["playbook"]}
    if one["target"] in everywhere:  # closing it again reaches nobody else
        _note(connection, one, now)
        return ""
    if len(everywhere) >= house:
        return over("the house", len(everywhere), house)
    if playbook is not None and len(here) >= playbook:
        return over(one["playbook"], len(here), playbook)
    _note(connection, one, now)
    return ""


def _note(connection: Connection, one: Mapping[str, str], now: datetime) -> bool:
    connection.execute(delete(table(AutomaticRow)).where(table(AutomaticRow).c.at < text_of(now - 24 * HOUR)))
    return _insert_new(connection, AutomaticRow, {**one, "at": text_of(now)}, ["incident", "op"])
