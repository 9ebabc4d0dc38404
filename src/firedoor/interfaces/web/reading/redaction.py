"""Covers what a reader may not see in lists that run over many incidents.

Decides that rows of an incident that is closed to the reader are left out in the database, before anything is cut or
counted, so that no filter, limit or page tells that they are there; and that sealed facts are covered in lists from
everybody, this machine's user included: whoever needs them opens the incident, and that is written down. Leaves what is
sealed to `core.sealing`, and who needs to know to `core.need_to_know`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, literal, select
from sqlmodel import SQLModel

from firedoor.core.access.need_to_know import may_read
from firedoor.core.access.redaction import OPEN, Seal, seal
from firedoor.core.facts import FactDefinition
from firedoor.core.incident.view import fold, readable
from firedoor.core.isolated import Fault, each
from firedoor.interfaces.web.http.paging import Order
from firedoor.interfaces.web.security.auth import Caller
from firedoor.runtime.config.container import World
from firedoor.runtime.process.application import Runtime
from firedoor.store.database import sql
from firedoor.store.database.sql import Record, Where, table
from firedoor.store.database.tables import IncidentRow
from firedoor.store.incidents import practice
from firedoor.store.incidents.set_aside import among

log = logging.getLogger(__name__)
Row = dict[str, Any]
Told = TypeVar("Told", bound=Record)


@dataclass(frozen=True)
class Wanted:
    """Rows of one table: which of them, in which order, and how many at most (None: all)."""

    row: type[SQLModel]
    where: Where | None
    order: sql.Order | None
    limit: int | None


Condition = ColumnElement[bool]
REMEMBERED = 2000
EVERYTHING: Condition = literal(1) == literal(1)
_seals: dict[tuple[str, str], Seal] = {}


def visible(connection: Connection, caller: Caller) -> Condition:
    """The incidents that the caller may read, by the few different lists of readers that there are."""
    if caller.local:
        return EVERYTHING
    columns = table(IncidentRow).c
    lists = connection.execute(select(columns.readers).where(columns.readers.is_not(None)).distinct()).scalars()
    mine = [written for written in lists if may_read(written, caller.person)]
    allowed: Condition = columns.readers.is_(None) | columns.readers.in_(mine)
    return allowed


def of_visible(connection: Connection, caller: Caller, incident: ColumnElement[str]) -> Condition:
    """Rows of incidents that the caller may read; `incident` is the column that names it."""
    if caller.local:
        return EVERYTHING
    inside: Condition = incident.in_(select(table(IncidentRow).c.id).where(visible(connection, caller)))
    return inside


async def readable_rows(
    runtime: Runtime,
    caller: Caller,
    row: type[SQLModel],
    where: Where | None = None,
    order: sql.Order | None = None,
    limit: int | None = 1000,
) -> Sequence[Row]:
    """Rows of a table with a column `incident`, as this caller may see them. Rows of no incident are for everybody.

    `restricted` says that not every reader may read the incident, for whoever passes a row on.
    """
    wanted = Wanted(row, where, order, limit)
    return await asyncio.to_thread(lambda: _marked(runtime, caller, _found(runtime, caller, wanted)))


async def readable_page(
    runtime: Runtime, caller: Caller, row: type[SQLModel], where: Where | None, order: Order, limit: int, after: str
) -> tuple[Sequence[Row], str | None]:  # fmt: skip
    """One page of such rows, and the cursor behind it; None where nothing is left."""
    behind = order.behind(after)
    chosen = where if behind is None else behind if where is None else where & behind
    found = await asyncio.to_thread(_found, runtime, caller, Wanted(row, chosen, order.by(), limit + 1))
    shown = await asyncio.to_thread(_marked, runtime, caller, found[:limit])
    return shown, order.next(found, limit)


async def cover_rows(runtime: Runtime, caller: Caller, rows: Sequence[Told]) -> Sequence[Told]:
    """Return the rows, each with an `incident`, as this caller may see them."""
    return await asyncio.to_thread(covered, runtime, caller, rows)


def covered(runtime: Runtime, caller: Caller, rows: Sequence[Told], name: str = "incident") -> Sequence[Told]:
    """Leave out what is closed to the caller and cover what is sealed; `name` is the column that names the incident."""
    seals = _seals_of(runtime, caller, sorted({str(row[name]) for row in rows if row[name]}))
    shown = [(row, seals.get(row[name]) if row[name] else OPEN) for row in rows]
    return [cover.cover(row) for row, cover in shown if cover is not None]


def incident_rows(runtime: Runtime, caller: Caller, rows: Sequence[Row]) -> list[Row]:
    """Rows of the list of incidents: `hidden` ones hold their number and nothing more, the others are covered.

    `set_aside` says that something of it could not be worked out and waits for a person.
    """
    with runtime.world.store.engine.connect() as connection:
        aside = among(connection, [str(row["id"]) for row in rows])
    shown = [_incident(runtime, caller, row) for row in rows]
    return [{**row, "set_aside": None if row["hidden"] else row["id"] in aside} for row in shown]


def marked(connection: Connection, rows: Sequence[Row]) -> list[Row]:
    """Rows of lists over all incidents, each with `practice`: a deadline of practice must not look like one."""
    of_practice = practice.among(connection, sorted({str(row["incident"]) for row in rows}))
    return [{**row, "practice": row["incident"] in of_practice} for row in rows]


def _incident(runtime: Runtime, caller: Caller, row: Row) -> Row:
    hidden: Row = {**dict.fromkeys(row), "id": row["id"], "hidden": True}
    if not (caller.local or may_read(row["readers"], caller.person)):
        return hidden
    try:
        return {**seal_of(runtime, row).cover(dict(row)), "hidden": False}
    except Exception as error:  # noqa: BLE001 - what is sealed there cannot be told, so nothing is; the list goes on
        log.warning("%s cannot be shown in a list: %s", row["id"], error)
        return hidden


def seal_of(runtime: Runtime, head: Record) -> Seal:
    """What is covered in one incident, worked out once for a state of its journal."""
    key = (str(head["id"]), str(head["head_hash"]))
    if key not in _seals:
        if len(_seals) >= REMEMBERED:
            _seals.clear()
        world = runtime.world
        definitions = world.definitions(world.store.plan(head["plan_digest"])) if head["plan_digest"] else {}
        sealed = any(definition.sealed for definition in definitions.values())
        _seals[key] = _sealed(world, key[0], definitions) if sealed else OPEN
    return _seals[key]


def _sealed(world: World, incident: str, definitions: Mapping[str, FactDefinition]) -> Seal:
    entries = world.store.entries(incident)
    return seal(definitions, readable(fold(incident, entries), entries))


def _found(runtime: Runtime, caller: Caller, wanted: Wanted) -> Sequence[Row]:
    store, column, where = runtime.world.store, table(wanted.row).c.incident, wanted.where
    with store.engine.connect() as connection:
        open_to = of_visible(connection, caller, column) | column.is_(None)
    found = store.rows(wanted.row, open_to if where is None else where & open_to, wanted.order, wanted.limit)
    return [dict(one) for one in found]


def _marked(runtime: Runtime, caller: Caller, found: Sequence[Row]) -> Sequence[Row]:
    store = runtime.world.store
    columns, named = table(IncidentRow).c, {one["incident"] for one in found if one["incident"]}
    heads = store.rows(IncidentRow, columns.id.in_(named) & columns.readers.is_not(None), limit=None)
    few = {head["id"] for head in heads}
    return covered(runtime, caller, [{**one, "restricted": one["incident"] in few} for one in found])


def _seals_of(runtime: Runtime, caller: Caller, incidents: list[str]) -> dict[str, Seal]:
    """The seals of those incidents that the caller may read."""
    if not incidents:
        return {}
    columns = table(IncidentRow).c
    heads = runtime.world.store.rows(IncidentRow, columns.id.in_(incidents), limit=len(incidents))
    mine = [row for row in heads if caller.local or may_read(row["readers"], caller.person)]
    failed: dict[str, Fault] = {}  # what is sealed there cannot be told: its rows are left out, the others shown
    found = list(each(mine, lambda row: (str(row["id"]), seal_of(runtime, row)), failed, lambda row: str(row["id"])))
    for incident, fault in failed.items():
        log.warning("rows of %s are left out: %s", incident, fault.words)
    return dict(found)
