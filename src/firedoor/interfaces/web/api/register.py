"""The register of breaches over all incidents, as CSV or JSON.

Decides the order (the oldest incident first) and that each row is covered by its own
incident's seal. Leaves what a row holds to `core.register`.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from firedoor.core.access.security import Export
from firedoor.core.isolated import Fault, each
from firedoor.core.reporting.register import Row, as_csv, register, unreadable
from firedoor.interfaces.web.http.responses import answer
from firedoor.interfaces.web.leaving import exported
from firedoor.interfaces.web.reading.redaction import cover_rows
from firedoor.interfaces.web.security.auth import Asking, Running
from firedoor.runtime.process.application import Runtime
from firedoor.store.database.sql import Record, table
from firedoor.store.database.tables import IncidentRow

router = APIRouter(prefix="/api/v1", tags=["report"])
Form = Literal["csv", "json"]


@router.get("/register", summary="The register of breaches (GDPR Art 33(5))")
async def get_register(
    runtime: Running, caller: Asking, form: Annotated[Form, Query(alias="format")] = "csv"
) -> Response:
    """Facts, effects, remedial action, and what became of each notice, with the reasons for delay or for none."""
    found, unread = await asyncio.to_thread(_rows, runtime)
    rows = [*await cover_rows(runtime, caller, found), *unread]
    exported(runtime, caller, Export.REGISTER, format=form)
    if form == "json":
        return answer({"register": list(rows)})
    headers = {"content-disposition": 'attachment; filename="register.csv"'}
    return Response(as_csv(rows), media_type="text/csv; charset=utf-8", headers=headers)


def _rows(runtime: Runtime) -> tuple[list[Row], list[Row]]:
    """The rows, and those of incidents whose record cannot be read."""
    world = runtime.world
    columns = table(IncidentRow).c
    # What was practice is no breach, and an authority that reads the register must not find it there.
    incidents = world.store.rows(IncidentRow, ~columns.practice, columns.opened_at, None)
    failed: dict[str, Fault] = {}

    def rows_of(row: Record) -> list[Row]:
        view = world.view(str(row["id"]))
        return register([view], world.definitions(world.store.plan(view.plan_digest)))

    found = [one for made in each(incidents, rows_of, failed, lambda row: str(row["id"])) for one in made]
    return found, [unreadable(name, fault.words) for name, fault in failed.items()]
