"""The register of breaches over all incidents, as CSV or JSON.

Decides the order (the oldest incident first) and that each row is covered by its own
incident's seal. Leaves what a row holds to `core.register`.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from firedoor.core.register import Row, as_csv, register
from firedoor.interfaces.web.answers import answer
from firedoor.interfaces.web.auth import Asking, Running
from firedoor.interfaces.web.covering import cover_rows
from firedoor.runtime.start import Runtime
from firedoor.store.projections import table
from firedoor.store.tables import IncidentRow

router = APIRouter(prefix="/api/v1", tags=["report"])
Form = Literal["csv", "json"]


@router.get("/register", summary="The register of breaches (GDPR Art 33(5))")
async def get_register(
    runtime: Running, caller: Asking, form: Annotated[Form, Query(alias="format")] = "csv"
) -> Response:
    """Facts, effects, remedial action, and what became of each notice, with the reasons for delay or for none."""
    rows = await cover_rows(runtime, caller, await asyncio.to_thread(_rows, runtime))
    if form == "json":
        return answer({"register": list(rows)})
    headers = {"content-disposition": 'attachment; filename="register.csv"'}
    return Response(as_csv(rows), media_type="text/csv; charset=utf-8", headers=headers)


def _rows(runtime: Runtime) -> list[Row]:
    world = runtime.world
    columns = table(IncidentRow).c
    incidents = world.store.rows(IncidentRow, None, columns.opened_at, None)
    found: list[Row] = []
    for row in incidents:
        view = world.view(str(row["id"]))
        found += register([view], world.definitions(world.store.plan(view.plan_digest)))
    return found
