"""What people see of the outbox: pages of deliveries, and how each messenger does.

Decides what counts as waiting and what as lost, and that whoever looks sees only what their condition lets through.
Leaves sending to `deliveries`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, Engine, case, func, select

from firedoor.store.database.sql import Record, as_record, table, text_of
from firedoor.store.database.tables import DeliveryRow
from firedoor.store.outbox.deliveries import WAITING

STATES: Mapping[str, tuple[str, ...]] = {
    "waiting": WAITING, "lost": ("given_up",), "sent": ("sent",), "none": ("nobody",),
}  # fmt: skip


def page_of(
    engine: Engine, which: str, open_to: ColumnElement[bool], limit: int, offset: int
) -> tuple[int, list[dict[str, object]]]:
    """How many there are, and one page of them. What waits longest stands first; of the rest, the newest."""
    columns = table(DeliveryRow).c
    where = (columns.messenger != "") & columns.state.in_(STATES[which]) & open_to
    order = [columns.made_at] if which == "waiting" else [columns.made_at.desc()]
    query = select(table(DeliveryRow)).where(where).order_by(*order, columns.incident, columns.seq, columns.key)
    with engine.connect() as connection:
        count = connection.execute(select(func.count()).select_from(table(DeliveryRow)).where(where)).scalar_one()
        rows = connection.execute(query.limit(limit).offset(offset))
        return int(count), [as_record(row) for row in rows]


def messengers(engine: Engine, open_to: ColumnElement[bool], since: datetime) -> dict[str, dict[str, object]]:
    """Of each messenger: how much waits, since when, how much was lost since an instant, when it was last sent by."""
    columns = table(DeliveryRow).c
    waits, new = columns.state.in_(WAITING), columns.made_at >= text_of(since)
    lost = (columns.state == "given_up") & new
    query = (
        select(
            columns.messenger, func.sum(case((waits, 1), else_=0)), func.min(case((waits, columns.made_at))),
            func.sum(case((lost, 1), else_=0)), func.max(columns.sent_at),
        )
        .where((columns.messenger != "") & open_to & (waits | new)).group_by(columns.messenger)
    )  # fmt: skip
    with engine.connect() as connection:
        return {
            name: {"waiting": int(waiting), "oldest": oldest, "given_up": int(given_up), "sent_at": sent_at}
            for name, waiting, oldest, given_up, sent_at in connection.execute(query)
        }


def one_of(engine: Engine, handle: str, open_to: ColumnElement[bool]) -> Record | None:
    """A delivery that this person may see."""
    query = select(table(DeliveryRow)).where((table(DeliveryRow).c.handle == handle) & open_to)
    with engine.connect() as connection:
        row = connection.execute(query).first()
    return None if row is None else as_record(row)
