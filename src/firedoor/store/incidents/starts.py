"""By which mark a start is recognised, and the incident that it has opened already.

Decides that two processes of one installation never open two incidents for one mark: whoever writes first wins, and the
other one hears which incident it is. The mark stands in the first entry of the incident, so it is known after a restart
as well. Leaves what makes two starts the same to the runtime.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from firedoor.core.problems import Problem, Refused
from firedoor.store.database.sql import table, text_of
from firedoor.store.database.tables import EntryRow, IncidentRow

KEPT = timedelta(days=1)  # afterwards the same start is a new one


class StartedBefore(Refused):
    """The same start has opened `incident` meanwhile; nothing was written."""

    def __init__(self, incident: str) -> None:
        super().__init__(Problem(code="U139", message=f"this start has opened {incident}", do="work on that one"))
        self.incident = incident


def started_by(connection: Connection, mark: str, now: datetime, *, beside: str = "") -> str | None:
    """The incident that a start with this mark has opened within `KEPT`; `beside` is one that does not count."""
    entries, incidents = table(EntryRow).c, table(IncidentRow).c
    query = (
        select(incidents.id).join(table(EntryRow), entries.incident == incidents.id)
        .where((incidents.opened_at >= text_of(now - KEPT)) & (entries.seq == 1) & (incidents.id != beside))
        .where(entries.body.contains(f'"start":"{mark}"'))
    )  # fmt: skip
    found: str | None = connection.execute(query.limit(1)).scalar()
    return found


def need_new(connection: Connection, mark: str, now: datetime, opened: str) -> None:
    """Raise StartedBefore where another incident has the mark of the one that this transaction has opened.

    Asked once the incident has its number: whoever opens one waits for the number until others have committed theirs,
    so that what they opened is seen here.
    """
    if mark and (incident := started_by(connection, mark, now, beside=opened)) is not None:
        raise StartedBefore(incident)
