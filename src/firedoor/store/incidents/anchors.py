"""Since when nothing is anchored: when a signed head last left this machine, and what was written since.

Decides that a message counts once the other side has taken it. What the heartbeat and a checkpoint know is outside, and
cannot be seen from here. Leaves comparing to `store.heads`.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from firedoor.store.database.security_tables import SecurityEntryRow
from firedoor.store.database.sql import table
from firedoor.store.database.tables import DeliveryRow, EntryRow

CARRY = ("email", "webhook")  # the messengers whose messages hold a signed head
PAGE = "docs/how-to/prove-the-journal.md"


@dataclass(frozen=True, slots=True)
class Anchor:
    """When a head last left, and how many entries are newer."""

    at: str  # empty: none ever left
    newer: int

    def as_json(self) -> dict[str, str | int | None]:
        """For programs: `at` is null where no head ever left."""
        return {"at": self.at or None, "newer": self.newer}

    def lines(self) -> list[str]:
        """For people."""
        if not self.at:
            unseen = f"{self.newer} entries could be rewritten as a whole unseen, unless an audit keeps a checkpoint"
            return [f"[bold yellow]not anchored[/]  no signed head has left this machine by message: {unseen}; {PAGE}"]
        since = f"{self.newer} entries are newer and not anchored" if self.newer else "nothing is newer"
        return [f"[green]anchored[/]  a signed head left by message at {self.at}; {since}"]


def last_anchor(connection: Connection) -> Anchor:
    """What the outbox knows."""
    sent = table(DeliveryRow).c
    at = connection.execute(
        select(func.max(sent.sent_at)).where(sent.messenger.in_(CARRY) & (sent.state == "sent"))
    ).scalar()
    newer = 0
    for row in (EntryRow, SecurityEntryRow):
        query = select(func.count()).select_from(table(row))
        newer += connection.execute(query.where(table(row).c.at > at) if at else query).scalar_one()
    return Anchor(str(at or ""), newer)
