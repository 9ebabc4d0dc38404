"""Measures of all incidents, and the lessons of one: what was promised, what is open, and what to talk about.

Decides the order (what is due first) and that rows are covered as every list is. Leaves what a measure is to
`core.measures`, the agenda to `core.agenda`, and the proposals to `core.proposals`.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from sqlalchemy import or_
from starlette.responses import Response

from firedoor.core.journal import Body
from firedoor.core.reporting.actions import PHASES
from firedoor.interfaces.web.http.responses import answer
from firedoor.interfaces.web.reading.reading import Read, read
from firedoor.interfaces.web.reading.redaction import readable_rows
from firedoor.interfaces.web.security.auth import Asking, Caller, Running
from firedoor.runtime.process.application import Runtime
from firedoor.store.database.sql import Record, table, text_of
from firedoor.store.database.tables import TaskRow

router = APIRouter(prefix="/api/v1", tags=["lessons"])
State = Literal["open", "settled", "all"]


@router.get("/measures", summary="Measures of all incidents, those due first on top")
async def list_measures(
    runtime: Running, caller: Asking, state: State = "open", limit: Annotated[int, Query(ge=1, le=1000)] = 500
) -> Response:
    """Pieces of work of remediation and of the time after: their owner, until when, and whether they are done."""
    return answer({"measures": await measures_of(runtime, caller, state, limit)})


@router.get("/incidents/{incident}/lessons", summary="The agenda, the measures, and the playbook's proposed changes")
async def lessons(incident: str, runtime: Running, caller: Asking) -> Response:
    """Worked out from the record. `diff` changes no file; every line of it is a proposal."""
    found = await read(runtime, incident, caller)
    return answer(await asyncio.to_thread(lessons_of, runtime, found))


async def measures_of(runtime: Runtime, caller: Caller, state: State, limit: int) -> list[dict[str, object]]:
    """The rows as this caller may see them."""
    columns = table(TaskRow).c
    where = (columns.kind == "do") & or_(*(columns.id.startswith(f"{phase}.") for phase in PHASES))
    if state != "all":
        where &= columns.state == "open" if state == "open" else columns.state != "open"
    rows = await readable_rows(runtime, caller, TaskRow, where, columns.due_at, limit)
    now = text_of(runtime.world.now())
    return [_row(row, now) for row in rows]


def lessons_of(runtime: Runtime, found: Read) -> Body:
    """The lessons of one incident; covered for this reader."""
    from firedoor.core.reporting.proposals import diff, proposals
    from firedoor.core.reporting.report import report
    from firedoor.runtime.config.playbooks import texts_of

    words = runtime.world.organisation.words
    made = report(found.told, found.plan, found.definitions, found.seal, words, runtime.world.law.in_utc(found.view))
    suggested = proposals(found.view, found.told, found.names)
    files = texts_of(found.plan.playbook) if suggested else {}
    text, _ = diff(suggested, files, found.view)
    return {
        "incident": found.view.id, "playbook": found.view.playbook, "version": found.view.version,
        "agenda": made["agenda"], "measures": made["work"], "promised": made["promised"], "reviews": made["review"],
        "proposals": made["changes"], "diff": found.show(text),
    }  # fmt: skip


def _row(row: Record, now: str) -> dict[str, object]:
    names = {"done": "done", "not_possible": "cannot be done"}
    settled = names.get(str(row["choice"]), str(row["choice"])) if row["state"] == "decided" else row["state"]
    return {
        "incident": row["incident"], "id": row["id"], "name": f"T{row['number']}", "what": row["question"],
        "owner": row["role"], "phase": str(row["id"]).partition(".")[0], "due_at": row["due_at"],
        "opened_at": row["opened_at"], "state": settled, "overdue": row["state"] == "open" and row["due_at"] < now,
    }  # fmt: skip
