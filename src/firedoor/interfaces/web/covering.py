"""Covers sealed facts in lists that run over many incidents.

Decides that each incident's rows are covered by that incident's own seal, worked out
once for a state of its journal. Leaves what is sealed to `core.sealing`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

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
    if caller.unsealed or not rows:
        return rows
    seals = await asyncio.to_thread(_seals_of, runtime, sorted({str(row["incident"]) for row in rows}))
    return [seals.get(row["incident"], OPEN).cover(row) for row in rows]


def _seals_of(runtime: Runtime, incidents: list[str]) -> dict[str, Seal]:
    columns = table(IncidentRow).c
    heads = runtime.world.store.rows(IncidentRow, columns.id.in_(incidents), limit=len(incidents))
    return {row["id"]: _seal_of(runtime, row) for row in heads}


def _seal_of(runtime: Runtime, row: Any) -> Seal:  # noqa: ANN401 - a row of the list of incidents
    key = (str(row["id"]), str(row["head_hash"]))
    if key not in _seals:
        if len(_seals) >= REMEMBERED:
            _seals.clear()
        world = runtime.world
        _seals[key] = seal(world.definitions(world.store.plan(row["plan_digest"])), world.store.entries(key[0]))
    return _seals[key]
