"""The journal: its entries as they are, and whether the chain holds.

Decides the exported form (one JSON object a line) and that an auditor gets what the
hashes were made over, or nothing: covered entries could not be verified.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Annotated

import orjson
from fastapi import APIRouter, Query
from sqlalchemy import not_, select
from starlette.responses import Response

from firedoor.core.access.security import CHAIN, Export
from firedoor.core.journal import Entry
from firedoor.core.problems import NotPermitted, Problem
from firedoor.interfaces.web.http.cleaning import Number
from firedoor.interfaces.web.http.responses import answer
from firedoor.interfaces.web.leaving import exported, seldom_exported
from firedoor.interfaces.web.reading.cache import glance
from firedoor.interfaces.web.reading.reading import Read, read
from firedoor.interfaces.web.reading.redaction import visible
from firedoor.interfaces.web.security.auth import Asking, Caller, Running, need_reader
from firedoor.interfaces.web.security.route_table import Access
from firedoor.runtime.documents.report import verify_script
from firedoor.runtime.process.application import Runtime
from firedoor.store.database.sql import table
from firedoor.store.database.tables import IncidentRow
from firedoor.store.incidents.anchors import last_anchor

LINES = "application/x-ndjson"

router = APIRouter(prefix="/api/v1", tags=["journal"])


@router.get("/incidents/{incident}/journal", summary="The entries, one JSON object a line")
async def get_journal(
    incident: str, runtime: Running, caller: Asking, after: Number = 0,
    limit: Annotated[int | None, Query(ge=1, le=10_000)] = None,
) -> Response:  # fmt: skip
    """From entry `after`+1 on. Where facts are sealed from the caller, lines are covered and cannot be verified.

    `X-Firedoor-Next` is the `after` that goes on where `limit` cut; it is not there where nothing is left.
    """
    found = await glance(runtime, incident, caller)
    seldom_exported(runtime, caller, Export.LINES, incident)
    content, last = await asyncio.to_thread(_read_lines, runtime, found, after, limit)
    headers = {"X-Firedoor-Covered": "yes" if found.holds_sealed else "no"}
    if last is not None:
        headers["X-Firedoor-Next"] = str(last)
    return Response(content, media_type=LINES, headers=headers)


@router.get("/incidents/{incident}/export", summary="The journal for an auditor")
async def export(incident: str, runtime: Running, caller: Asking) -> Response:
    """Exactly what the hashes were made over. Verify it anywhere with `verify_journal.py`, which needs only Python."""
    found = await read(runtime, incident, caller)
    if found.holds_sealed:
        message = "the journal holds sealed facts, and an export cannot cover them"
        raise NotPermitted(Problem(code="W103", message=message, do="ask the DPO, legal or the commander to export it"))
    exported(runtime, caller, Export.JOURNAL, incident, restricted=found.view.readers is not None)
    name = f'attachment; filename="{found.view.id}.jsonl"'
    headers = {"Content-Disposition": name, "X-Firedoor-Head": f"{found.view.head.seq}:{found.view.head.hash}"}
    return Response(await asyncio.to_thread(_lines, found, found.entries), media_type=LINES, headers=headers)


def _read_lines(runtime: Runtime, found: Read, after: int, limit: int | None) -> tuple[bytes, int | None]:
    """The lines as the store holds them now, and where to go on.

    Not beyond the head at which it was worked out what is sealed: a later entry may seal other words.
    """
    head = found.view.head.seq
    entries = [one for one in runtime.world.store.entries(found.view.id, after, limit) if one.seq <= head]
    return _lines(found, entries), entries[-1].seq if entries and entries[-1].seq < head else None


def _lines(found: Read, entries: Iterable[Entry]) -> bytes:
    return b"".join(orjson.dumps(found.show(entry.as_json())) + b"\n" for entry in entries)


@router.get("/journal/verify_journal.py", summary="The program with which anybody verifies an export")
def get_verify_script() -> Response:
    """Open to everyone: it holds no secret, and an auditor should be able to read it first."""
    return Response(
        verify_script(),
        media_type="text/x-python",
        headers={"Content-Disposition": 'attachment; filename="verify_journal.py"'},
    )


@router.get("/incidents/{incident}/verify", summary="Verify the chain of an incident")
async def verify_one(incident: str, runtime: Running, caller: Asking) -> Response:
    """Whether every entry follows from the one before it, and the last one is the recorded head."""
    return answer(await asyncio.to_thread(_verified, runtime, incident, caller))


@router.get("/journal/verify", summary="Verify every chain")
@router.post("/journal/verify", summary="Verify every chain, or one")
async def verify_all(runtime: Running, caller: Asking, incident: str | None = None) -> Response:
    """The first fault of each chain, if it has one. `holds` is about all; only those that one may read are listed.

    `anchor` says when a signed head last left by message, and how many entries are `newer`. It counts the entries of
    every incident, so it is null for whoever does not read the security journal, or may not read one of them.
    """
    return answer(await asyncio.to_thread(_verified, runtime, incident, caller))


def _verified(runtime: Runtime, incident: str | None, caller: Caller) -> dict[str, object]:
    store = runtime.world.store
    if incident is not None and incident != CHAIN:
        need_reader(store, incident, caller)
    chains = [
        {
            "incident": name,
            "entries": entries,
            "holds": fault is None,
            "fault": {"seq": fault.seq, "what": fault.what} if fault else None,
        }
        for name, entries, fault in store.verify(incident)
    ]
    mine = _readable(runtime, caller)
    mine |= {CHAIN} if incident == CHAIN and caller.may(Access.SECURITY) else set()
    shown = chains if caller.local else [chain for chain in chains if chain["incident"] in mine]
    return {"holds": all(chain["holds"] for chain in chains), "chains": shown, "anchor": _anchor(runtime, caller)}


def _anchor(runtime: Runtime, caller: Caller) -> dict[str, str | int | None] | None:
    """Since when nothing is anchored; nothing for whoever would learn how much is written in what is closed to them."""
    if not caller.may(Access.SECURITY):
        return None
    with runtime.world.store.engine.connect() as connection:
        closed = select(table(IncidentRow).c.id).where(not_(visible(connection, caller))).limit(1)
        hidden = not caller.local and connection.execute(closed).first() is not None
        return None if hidden else last_anchor(connection).as_json()


def _readable(runtime: Runtime, caller: Caller) -> frozenset[str]:
    with runtime.world.store.engine.connect() as connection:
        mine = select(table(IncidentRow).c.id).where(visible(connection, caller))
        return frozenset(connection.execute(mine).scalars())
