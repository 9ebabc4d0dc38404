"""Covers what a reader may not see in lists that run over many incidents.

Decides that rows of an incident that is closed to the reader are left out, and that each other incident's rows are
covered by its own seal, worked out once for a state of its journal. Leaves what is sealed to `core.sealing`, and who
needs to know to `core.need_to_know`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from firedoor.core.need_to_know import may_read
from firedoor.core.sealing import OPEN, Seal, seal
from firedoor.interfaces.web.auth import Caller
from firedoor.runtime.start import Runtime
from firedoor.store.projections import table
from firedoor.store.tables import IncidentRow

Row = dict[str, Any]
REMEMBERED = 2000
_seals: dict[tuple[str, str], Seal] = {}


async def cover_rows(runtime: Runtime, caller: Caller, rows: Sequence[Row]) -> Sequence[Row]:
    """Return the rows, each with an `incident`, as this caller may see them."""
    if caller.local or not rows:
        return rows
    seals = await asyncio.to_thread(_seals_of, runtime, caller, sorted({str(row["incident"]) for row in rows}))
    return [seals[row["incident"]].cover(row) for row in rows if row["incident"] in seals]


async def closed_to(runtime: Runtime, caller: Caller, rows: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """Those incidents of these rows that the caller does not need to know about."""
    names = sorted({str(row["incident"]) for row in rows if row["incident"]})
    if caller.local or not names:
        return frozenset()
    columns = table(IncidentRow).c
    where = columns.id.in_(names) & columns.readers.is_not(None)
    heads = await asyncio.to_thread(runtime.world.store.rows, IncidentRow, where, limit=len(names))
    return frozenset(str(row["id"]) for row in heads if not may_read(row["readers"], caller.person))


def _seals_of(runtime: Runtime, caller: Caller, incidents: list[str]) -> dict[str, Seal]:
    """The seals of those incidents that the caller may read."""
    columns = table(IncidentRow).c
    heads = runtime.world.store.rows(IncidentRow, columns.id.in_(incidents), limit=len(incidents))
    readable = [row for row in heads if may_read(row["readers"], caller.person)]
    return {row["id"]: OPEN if caller.unsealed else _seal_of(runtime, row) for row in readable}


def _seal_of(runtime: Runtime, row: Any) -> Seal:  # noqa: ANN401 - a row of the list of incidents
    key = (str(row["id"]), str(row["head_hash"]))
    if key not in _seals:
        if len(_seals) >= REMEMBERED:
            _seals.clear()
        world = runtime.world
        _seals[key] = seal(world.definitions(world.store.plan(row["plan_digest"])), world.store.entries(key[0]))
    return _seals[key]
