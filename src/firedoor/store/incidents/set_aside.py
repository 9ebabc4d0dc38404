"""Which incidents hold something that is set aside, as their open tasks say.

Decides nothing: `core.faults` opens those tasks and ends them. Leaves what is said about it to whoever asks.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, Engine, func, select

from firedoor.core.incident.view import FAULT
from firedoor.store.database.sql import Record, as_record, table
from firedoor.store.database.tables import IncidentRow, TaskRow

_TASKS = table(TaskRow).c
_OPEN = (_TASKS.kind == FAULT) & (_TASKS.state == "open")


def incidents(engine: Engine) -> list[str]:
    """The incidents with something that is set aside and that nobody has dealt with."""
    with engine.connect() as connection:
        return [str(one) for one in connection.execute(select(_TASKS.incident).where(_OPEN).distinct()).scalars()]


def among(connection: Connection, some: Sequence[str]) -> set[str]:
    """Those of some incidents."""
    query = select(_TASKS.incident).where(_OPEN & _TASKS.incident.in_(some)).distinct()
    return {str(incident) for incident in connection.execute(query).scalars()}


def how_many(connection: Connection) -> int:
    """How many incidents that are; practice is not counted."""
    rows = table(IncidentRow)
    query = select(func.count(_TASKS.incident.distinct())).join(rows, rows.c.id == _TASKS.incident)
    return int(connection.execute(query.where(_OPEN & ~rows.c.practice)).scalar_one())


def what_is(connection: Connection, limit: int) -> list[Record]:
    """Some of the tasks about it, the oldest first: `incident`, `number`, `question`, `practice`."""
    incidents = table(IncidentRow).c
    query = (
        select(_TASKS.incident, _TASKS.number, _TASKS.question, incidents.practice)
        .outerjoin(table(IncidentRow), incidents.id == _TASKS.incident)
        .where(_OPEN).order_by(_TASKS.opened_at).limit(limit)
    )  # fmt: skip
    return [as_record(row) for row in connection.execute(query)]
