"""Private addresses of calendars. Only a digest of the secret is stored.

Decides the written form of the secret (256 random bits) and that a revoked address shows nothing at once. Leaves who
the person is today, and what they may read, to the interfaces.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

from sqlalchemy import Connection, insert, update

from firedoor.core.access.security import SecurityEvent, SecurityKind
from firedoor.core.problems import NotFound, Problem
from firedoor.store.database.sql import Record, table, text_of
from firedoor.store.database.tables import CalendarLinkRow
from firedoor.store.incidents.journal import Store
from firedoor.store.incidents.security import append

MAXIMUM_SECRET = 100  # characters
ACCOUNT, LOCAL = "account", "local"


def make_calendar_link(store: Store, person: str, kind: str, now: datetime) -> tuple[str, str]:
    """Make an address for a person. Returns its id and the secret, which is shown once and never stored."""
    identifier, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
    values = {
        "id": identifier, "digest": _digest(secret), "person": person, "kind": kind, "made_at": text_of(now),
    }  # fmt: skip

    def write(connection: Connection) -> None:
        connection.execute(insert(table(CalendarLinkRow)).values(**values))
        body = {"account": person, "calendar": identifier}
        append(connection, [SecurityEvent(SecurityKind.CALENDAR_MADE, f"person:{person}", body)], now)

    store.write(write).result()
    return identifier, secret


def calendar_link(store: Store, secret: str) -> Record | None:
    """The live address of a secret; None for one that is unknown or revoked."""
    if not 0 < len(secret) <= MAXIMUM_SECRET:
        return None
    columns = table(CalendarLinkRow).c
    rows = store.rows(CalendarLinkRow, (columns.digest == _digest(secret)) & columns.revoked_at.is_(None))
    return rows[0] if rows else None


def calendar_links(store: Store, person: str | None = None) -> list[Record]:
    """The live addresses of a person, or of all, without anything secret."""
    columns = table(CalendarLinkRow).c
    live = columns.revoked_at.is_(None)
    rows = store.rows(CalendarLinkRow, live if person is None else live & (columns.person == person), columns.made_at)
    return [{key: value for key, value in row.items() if key != "digest"} for row in rows]


def revoke_calendar_link(store: Store, identifier: str, now: datetime, by: str, person: str | None = None) -> None:
    """Revoke an address; with `person` only one of theirs. `by` is the actor who does. Raises NotFound."""
    columns = table(CalendarLinkRow).c
    one = (columns.id == identifier) & columns.revoked_at.is_(None)
    query = update(table(CalendarLinkRow)).where(one if person is None else one & (columns.person == person))
    query = query.values(revoked_at=text_of(now))

    def write(connection: Connection) -> bool:
        of = list(connection.execute(query.returning(columns.person)).scalars())
        body = [{"account": name, "calendar": identifier} for name in of]
        append(connection, [SecurityEvent(SecurityKind.CALENDAR_REVOKED, by, one) for one in body], now)
        return bool(of)

    if not store.write(write).result():
        message = f"no live calendar has the id {identifier[:20]}"
        raise NotFound(Problem(code="A110", message=message, do="load the page again: it shows those that are left"))


def _digest(secret: str) -> str:
    """A plain hash is enough: the secret has 256 random bits, so it cannot be guessed."""
    return hashlib.sha256(secret.encode()).hexdigest()
