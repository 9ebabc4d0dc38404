"""What practice still has open: its incidents, and the targets that they keep closed, which are closed all the same.

Decides nothing; leaves what is made of it to whoever asks (`firedoor doctor`, the lists of the console).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, Engine, select

from firedoor.store.database.sql import table
from firedoor.store.database.tables import HoldRow, IncidentRow


def among(connection: Connection, some: Sequence[str]) -> set[str]:
    """Those of some incidents that are practice."""
    incidents = table(IncidentRow).c
    query = select(incidents.id).where(incidents.practice & incidents.id.in_(some))
    return {str(incident) for incident in connection.execute(query).scalars()}


def practised(engine: Engine) -> Iterator[tuple[str, bool, list[str]]]:
    """Each incident of practice that is open, or keeps targets closed after its end: whether it is, and the targets."""
    incidents, holds = table(IncidentRow).c, table(HoldRow).c
    held = select(holds.incident, holds.target).order_by(holds.target)
    with engine.connect() as connection:
        closed: dict[str, list[str]] = {}
        for row in connection.execute(held):
            closed.setdefault(str(row.incident), []).append(str(row.target))
        of_practice = select(incidents.id, incidents.closed_at).where(incidents.practice).order_by(incidents.id)
        for row in connection.execute(of_practice).all():
            if row.closed_at is None or row.id in closed:
                yield str(row.id), row.closed_at is None, closed.get(str(row.id), [])
