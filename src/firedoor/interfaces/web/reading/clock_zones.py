"""Which limits of the lists over all incidents are counted in UTC because no time zone is known.

Decides whose journals are asked: only where neither the organisation nor the duty says a zone, and only of incidents
in which somebody has recorded one. Leaves what counts as known to the law (`Law.in_utc`).
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select

from firedoor.core.incident.view import SETTLED_CLOCKS
from firedoor.core.journal import Kind
from firedoor.core.law.territories import known_zone
from firedoor.runtime.config.container import World
from firedoor.store.database.sql import Record, table
from firedoor.store.database.tables import EntryRow


def in_utc(world: World, rows: Iterable[Record]) -> set[tuple[str, str]]:
    """The clocks among these rows whose limit is counted so, as incident and id. It reads; call it in a thread."""
    if known_zone(world.organisation.facts):
        return set()
    running = (row for row in rows if row["due_at"] and row["state"] not in SETTLED_CLOCKS)
    limits = [row for row in running if not _own_zone(world, str(row["duty"]))]
    names = {str(row["incident"]) for row in limits}
    looked = {name: world.law.in_utc(world.view(name)) for name in _saying(world, names)}
    found = ((str(row["incident"]), str(row["id"])) for row in limits)
    return {(name, clock) for name, clock in found if name not in looked or clock in looked[name]}


def _own_zone(world: World, duty: str) -> bool:
    known = world.catalogue.get(duty)
    return bool(known and known.zone)


def _saying(world: World, incidents: set[str]) -> list[str]:
    """The incidents in which somebody has recorded a time zone, or taken one back."""
    columns = table(EntryRow).c
    asked = columns.incident.in_(incidents) & (columns.kind == Kind.FACTS) & columns.body.contains('"time_zone"')
    with world.store.engine.connect() as connection:
        return list(connection.execute(select(columns.incident).where(asked).distinct()).scalars())
