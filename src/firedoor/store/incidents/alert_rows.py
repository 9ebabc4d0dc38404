"""Rows of alerts: what is handed over to be accepted, and which stored row a delivery is a copy of.

Decides that a detection is found by its source, fingerprint and episode, and that what a stored delivery said is
compared by its content. Leaves the transaction to `journal`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import Connection, select, update

from firedoor.core.alerts.withheld import stored
from firedoor.core.journal import Draft, Entry
from firedoor.store.database.sql import Where, table, text_of
from firedoor.store.database.tables import AlertRow


@dataclass(frozen=True, slots=True)
class NewAlert:
    """An alert as accepted, with what triage decided."""

    source: str
    fingerprint: str
    episode: str
    raw_sha256: str
    body: Mapping[str, object]
    decision: str
    reasons: tuple[str, ...]
    content: str = ""  # what it says of its detection (`Alert.content`); empty: known to be a copy of the episode
    changed_episode: str = ""  # as which it is stored when the episode is known and said something else


@dataclass(frozen=True, slots=True)
class Attachment:
    """The open incident that an alert belongs to, and the entry that says so."""

    incident: str
    draft: Draft


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of an alert: its incident, whether it is new, and the first entries."""

    incident: str | None
    duplicate: bool
    entries: tuple[Entry, ...] = ()
    deliveries: int = 1
    episode: str = ""  # under which it is stored: what says something new of a detection is an episode of its own


def same_alert(alert: NewAlert) -> Where:
    """The row of an alert, as a condition."""
    columns = table(AlertRow).c
    return (
        (columns.source == alert.source)
        & (columns.fingerprint == alert.fingerprint)
        & (columns.episode == alert.episode)
    )


def content_of(connection: Connection, alert: NewAlert) -> str:
    """What the stored delivery of the same detection says."""
    body = connection.execute(select(table(AlertRow).c.body).where(same_alert(alert))).scalar_one()
    return stored(orjson.loads(body)).content


def known_alert(connection: Connection, alert: NewAlert, now: datetime) -> Accepted:
    """Count a copy."""
    columns = table(AlertRow).c
    again = {"deliveries": columns.deliveries + 1, "last_received_at": text_of(now)}
    query = update(table(AlertRow)).where(same_alert(alert)).values(**again)
    row = connection.execute(query.returning(columns.incident, columns.deliveries)).one()
    return Accepted(row.incident, duplicate=True, deliveries=row.deliveries, episode=alert.episode)
