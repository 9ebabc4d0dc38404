"""The security journal over HTTP, for administrators and the DPO.

Decides that it is read in pages by the number of the last entry, and that entries about an incident which the reader
need not know are left out: who may read it, and who has, would tell what it is about. Their numbers are missing; the
whole chain is for this machine's own user to read and to verify. Leaves what stands there to `core.security`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from firedoor.core.access.need_to_know import may_read
from firedoor.core.access.security import SecurityKind
from firedoor.core.journal import Entry
from firedoor.interfaces.web.http.responses import answer
from firedoor.interfaces.web.leaving import note_export, note_read
from firedoor.interfaces.web.security.auth import Asking, Caller, Running
from firedoor.runtime.process.application import Runtime
from firedoor.store.database.sql import table
from firedoor.store.database.tables import IncidentRow
from firedoor.store.incidents.security import MOST, security_entries

router = APIRouter(prefix="/api/v1", tags=["people"])
Form = Literal["json", "ocsf", "syslog"]


@router.get("/security-events", summary="The security journal: sign-ins, tokens, accounts, roles, exports, refusals")
async def get_events(
    runtime: Running, caller: Asking, after: Annotated[int, Query(ge=0, le=2**53)] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100, newest: bool = False,  # noqa: FBT001, FBT002 - a query's
    kind: Annotated[list[SecurityKind] | None, Query()] = None,
    export: Annotated[Form | None, Query(description="the format of an export; it is written down")] = None,
) -> Response:  # fmt: skip
    """The oldest first, from entry `after`+1 on; `next` is the `after` that goes on. With `newest` the newest first."""
    if export is None:
        note_read(runtime, caller, "api")
    else:
        note_export(runtime, caller, export, after)
    found = await asyncio.to_thread(
        security_entries, runtime.world.store, after, limit, newest=newest, kinds=[str(one) for one in kind or ()]
    )
    more = found[-1].seq if len(found) == limit and not newest else None
    shown = await asyncio.to_thread(readable, runtime, caller, found)
    return answer({"entries": [entry.as_json() for entry in shown], "next": more})


def readable(runtime: Runtime, caller: Caller, entries: Sequence[Entry]) -> list[Entry]:
    """The entries without those about incidents that are closed to the caller."""
    named = {str(entry.body["incident"]) for entry in entries if entry.body.get("incident")}
    if caller.local or not named:
        return list(entries)
    rows = runtime.world.store.rows(IncidentRow, table(IncidentRow).c.id.in_(sorted(named)), limit=None)
    open_to = {row["id"] for row in rows if may_read(row["readers"], caller.person)}
    return [entry for entry in entries if not entry.body.get("incident") or entry.body["incident"] in open_to]
