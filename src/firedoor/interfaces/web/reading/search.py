"""Finding incidents: by what they are, and by words.

Decides that a filter or a search never finds an incident that is closed to the reader: without any, such an incident
is a number and nothing more. Words are looked for in the number, the type, the title, the playbook and the targets that
are held closed; what is sealed is not searched, or a search would tell it. Leaves showing to `redaction`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query
from sqlalchemy import Connection, or_, select

from firedoor.core.isolated import Fault, each
from firedoor.interfaces.web.reading.redaction import EVERYTHING, Condition, seal_of, visible
from firedoor.interfaces.web.security.auth import Asking, Caller, Running
from firedoor.runtime.process.application import Runtime
from firedoor.store.database.sql import as_record, table
from firedoor.store.database.tables import HoldRow, IncidentRow


async def named(
    runtime: Running, caller: Asking, incident: Annotated[str | None, Query(max_length=64)] = None,  # noqa: ARG001 - who asks is known first
) -> str | None:  # fmt: skip
    """The incident that a list is asked for, which must be there: else an empty list would say that nothing waits.

    Raises NotFound.
    """
    if incident is not None:
        await asyncio.to_thread(runtime.world.store.incident, incident)
    return incident


OfIncident = Annotated[str | None, Depends(named)]
LOOKED_AT = 500  # incidents with sealed facts whose titles are compared one by one, the newest


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for. Empty: whatever it is."""

    words: str = ""
    state: str = ""
    severity: str = ""
    type: str = ""
    open: bool | None = None


def found_by(runtime: Runtime, connection: Connection, caller: Caller, wanted: Wanted) -> Condition:
    """The incidents that this caller finds so; every one where nothing is asked."""
    columns = table(IncidentRow).c
    given = {"state": wanted.state, "severity": wanted.severity, "type": wanted.type}
    conditions = [columns[name] == one for name, one in given.items() if one]
    if wanted.open is not None:
        conditions.append(columns.closed_at.is_(None) if wanted.open else columns.closed_at.is_not(None))
    readable = visible(connection, caller)
    if words := wanted.words.strip():
        conditions.append(_with(runtime, connection, readable, words))
    if not conditions:
        return EVERYTHING
    for condition in conditions:
        readable &= condition
    return readable


def _with(runtime: Runtime, connection: Connection, readable: Condition, words: str) -> Condition:
    """Incidents in which these words stand, as they are, in one of the places that may be searched."""
    columns, holds = table(IncidentRow).c, table(HoldRow).c
    named = [columns[name].icontains(words, autoescape=True) for name in ("id", "type", "playbook")]
    held = columns.id.in_(select(holds.incident).where(holds.target.icontains(words, autoescape=True)))
    titled, sealing = columns.title.icontains(words, autoescape=True), _sealing_plans(runtime, connection)
    return or_(
        *named, held, titled & columns.plan_digest.not_in(sealing),
        columns.id.in_(_still_there(runtime, connection, readable & titled & columns.plan_digest.in_(sealing), words)),
    )  # fmt: skip


def _sealing_plans(runtime: Runtime, connection: Connection) -> list[str]:
    """The plans of incidents that may hold sealed facts."""
    world, digests = runtime.world, connection.execute(select(table(IncidentRow).c.plan_digest).distinct()).scalars()
    failed: dict[str, Fault] = {}  # a plan that cannot be read may seal: nothing of it is found by its title

    def seals(digest: str) -> tuple[str, bool]:
        return digest, any(fact.sealed for fact in world.definitions(world.store.plan(digest)).values())

    known = list(each((digest for digest in digests if digest), seals, failed, str))
    return [*(digest for digest, sealed in known if sealed), *failed]


def _still_there(runtime: Runtime, connection: Connection, where: Condition, words: str) -> list[str]:
    """Those in whose title the words still stand once what is sealed has been covered."""
    newest = table(IncidentRow).c.opened_at.desc()
    rows = connection.execute(select(table(IncidentRow)).where(where).order_by(newest).limit(LOOKED_AT))
    failed: dict[str, Fault] = {}  # whatever is sealed there stays so
    shown = each(
        [as_record(row) for row in rows],
        lambda row: (row["id"], seal_of(runtime, row).cover(row["title"])),
        failed,
        lambda r: r["id"],
    )
    return [name for name, title in shown if words.lower() in title.lower()]
