"""The figures of incidents that were worked out before: by incident, head of its chain and formula.

Decides that a figure which was worked out at another entry, or by another formula, is as good as none. Leaves what is
counted to `core.figures`, and when to the runtime.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import orjson
from sqlalchemy import Connection, and_, func, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from firedoor.core.journal import Body, Head
from firedoor.store.database.result_tables import FigureRow
from firedoor.store.database.sql import Where, table
from firedoor.store.database.tables import IncidentRow
from firedoor.store.incidents.journal import Store

AT_ONCE = 500  # incidents that one query names


@dataclass(frozen=True, slots=True)
class Counted:
    """An incident that is to be counted: where its chain stands, the plan that it is pinned to, who may read it."""

    incident: str
    head: Head
    plan_digest: str
    readers: str | None


def wanted(store: Store, where: Where) -> tuple[list[Counted], int]:
    """The incidents that fit, the oldest first, and the number of all that there are."""
    columns = table(IncidentRow).c
    picked = (columns.id, columns.head_seq, columns.head_hash, columns.plan_digest, columns.readers)
    query = select(*picked).where(where).order_by(columns.opened_at)
    with store.engine.connect() as connection:
        rows = [Counted(name, Head(seq, head), plan, to) for name, seq, head, plan, to in connection.execute(query)]
        total = int(connection.execute(select(func.count()).where(~columns.practice)).scalar_one())
    return rows, total


def kept(store: Store, formula: str, incidents: Sequence[Counted]) -> Iterator[tuple[Counted, Body]]:
    """Those of these incidents whose figure is kept for the very head that they are named with."""
    columns = table(FigureRow).c
    picked = select(columns.incident, columns.head_seq, columns.head_hash, columns.body)
    by_name = {one.incident: one for one in incidents}
    with store.engine.connect() as connection:
        names_of_all = list(by_name)
        for start in range(0, len(names_of_all), AT_ONCE):
            names = names_of_all[start : start + AT_ONCE]
            query = picked.where(columns.incident.in_(names) & (columns.formula == formula))
            for name, seq, head, body in connection.execute(query):
                if by_name[name].head == Head(seq, head):
                    yield by_name[name], orjson.loads(body)


def lacking(store: Store, formula: str, limit: int) -> list[Counted]:
    """Incidents whose figure is not kept as they stand: those that are over first, then the newest."""
    columns, own = table(IncidentRow).c, table(FigureRow).c
    same = and_(own.incident == columns.id, own.head_hash == columns.head_hash, own.formula == formula)
    picked = (columns.id, columns.head_seq, columns.head_hash, columns.plan_digest, columns.readers)
    query = (
        select(*picked).select_from(table(IncidentRow).outerjoin(table(FigureRow), same))
        .where(own.incident.is_(None)).order_by(columns.closed_at.is_(None), columns.opened_at.desc()).limit(limit)
    )  # fmt: skip
    with store.engine.connect() as connection:
        return [Counted(name, Head(seq, head), plan, to) for name, seq, head, plan, to in connection.execute(query)]


def keep(store: Store, formula: str, figures: Iterable[tuple[str, Head, Body]]) -> Future[None]:
    """Keep figures, each with the head that it was worked out at; what was kept of the same incident goes."""
    rows = [
        {"incident": name, "head_seq": head.seq, "head_hash": head.hash, "formula": formula,
         "body": orjson.dumps(body).decode()}
        for name, head, body in figures
    ]  # fmt: skip

    def write(connection: Connection) -> None:
        insert = postgresql_insert if connection.dialect.name == "postgresql" else sqlite_insert
        query = insert(table(FigureRow))
        changed = {name: query.excluded[name] for name in ("head_seq", "head_hash", "formula", "body")}
        if rows:
            connection.execute(query.on_conflict_do_update(index_elements=["incident"], set_=changed), rows)

    return store.writer.submit(write)
