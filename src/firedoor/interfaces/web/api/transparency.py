"""The transparency report of a year over HTTP: for managers, the DPO and legal, as JSON, CSV, a page or PDF.

Decides that it counts every incident, whoever may read it, since nothing in it tells of one; that a year ahead is
refused, and a report that lacks what is not counted yet too. Leaves what is counted to `core.reporting.transparency`.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from firedoor.core.access.security import Export
from firedoor.core.journal import Body
from firedoor.core.problems import InvalidInput, NotRead, Problem
from firedoor.core.reporting.transparency import transparency
from firedoor.interfaces.web.api.reports import PAGE_POLICY
from firedoor.interfaces.web.leaving import exported
from firedoor.interfaces.web.security.auth import Asking, Bounded, Running
from firedoor.runtime.documents.year import written
from firedoor.runtime.process.application import Runtime
from firedoor.store.database.sql import table
from firedoor.store.database.tables import IncidentRow
from firedoor.store.incidents import figure_rows

router = APIRouter(prefix="/api/v1", tags=["report"])
Form = Literal["json", "csv", "html", "pdf"]
FIRST = 2000  # no record of ours is older
MEDIA = {
    "json": "application/json", "csv": "text/csv; charset=utf-8", "html": "text/html", "pdf": "application/pdf",
}  # fmt: skip


@router.get("/transparency", summary="Requests of people over a year, by law")
async def get_report(
    runtime: Running, caller: Asking, places: Bounded,
    year: Annotated[int, Query(ge=0, le=9999, description="such as 2026; else this one")] = 0,
    form: Annotated[Form, Query(alias="format")] = "json",
) -> Response:  # fmt: skip
    """Counts, median and ninetieth percentile of the times, refusals by ground. Practice counts nowhere."""
    made = await asyncio.to_thread(report_of, runtime, year)
    async with places.papers.place(caller.person.name):
        content = await asyncio.to_thread(written, made, form)
    exported(runtime, caller, Export.FIGURES, format=form, year=str(made["year"]))
    headers = {"Content-Disposition": f'inline; filename="transparency-{made["year"]}.{form}"'}
    if form == "html":
        headers["Content-Security-Policy"] = PAGE_POLICY
    return Response(content, media_type=MEDIA[form], headers=headers)


def report_of(runtime: Runtime, year: int) -> Body:
    """The report of a year; 0 is this one. Raises InvalidInput, or NotRead while incidents are being counted."""
    now = runtime.world.now()
    year = year or now.year
    if not FIRST <= year <= now.year:
        message, do = f"there is no report of {year}", f"name a year from {FIRST} to {now.year}"
        raise InvalidInput(Problem(code="W171", field="year", message=message, do=do))
    rows, _ = figure_rows.wanted(runtime.world.store, table(IncidentRow).c.opened_at < f"{year + 1}-01-01")
    found = runtime.counting.figures(rows)
    if found.waiting or found.unreadable:
        message = f"{found.waiting} incidents are not counted yet, {found.unreadable} cannot be read"
        raise NotRead(
            Problem(code="W170", message=message, do="ask again soon; `firedoor journal verify` names faults")
        )
    return transparency(year, found.figures, runtime.world.organisation.words.get("name", ""), now)
