"""Who decided in which cases about intimate content lately: read from the journal, by its index of time.

Decides that answers to requests and to tasks count alike, that practice does not, and that a person is known by the id
of an account, else by the name. Leaves counting to `core.requests.care`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import orjson
from sqlalchemy import Engine, select

from firedoor.core.journal import Kind
from firedoor.core.lifecycle import IncidentType
from firedoor.core.person import identity_of
from firedoor.core.requests.care import Decided
from firedoor.store.database.sql import table
from firedoor.store.database.tables import EntryRow, IncidentRow

DECIDES = (Kind.REQUEST_ANSWERED, Kind.TASK_ANSWERED)


def decided(engine: Engine, since: datetime) -> Iterator[tuple[str, Decided]]:
    """Every decision since then, the oldest first, with the id of who took it ("" where there is none)."""
    entries, incidents = table(EntryRow), table(IncidentRow)
    query = (
        select(entries.c.incident, entries.c.at, entries.c.body, incidents.c.severity)
        .join(incidents, incidents.c.id == entries.c.incident)
        .where(entries.c.at >= since.isoformat(), entries.c.kind.in_(map(str, DECIDES)))
        .where(incidents.c.type == IncidentType.NONCONSENSUAL_GENERATION, ~incidents.c.practice)
        .order_by(entries.c.at)
    )
    with engine.connect() as connection:
        for row in connection.execute(query):
            who = identity_of(orjson.loads(row.body))
            yield who.id, Decided(who.name, str(row.incident), str(row.severity), datetime.fromisoformat(str(row.at)))
