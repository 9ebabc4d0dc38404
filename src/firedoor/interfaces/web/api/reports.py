"""The report of an incident, as a page, on paper, as Markdown or as JSON.

Decides that the page needs nothing from elsewhere and runs nothing, and says so to the
browser. Leaves its content to `core.report` and its look to the templates.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Query
from starlette.responses import Response

from firedoor.core.access.security import Export
from firedoor.core.reporting.report import report
from firedoor.interfaces.web.leaving import exported
from firedoor.interfaces.web.reading.reading import Read, read
from firedoor.interfaces.web.security.auth import Asking, Bounded, Running
from firedoor.runtime.process.application import Runtime
from firedoor.store.incidents.heads import signed_head

PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)

router = APIRouter(prefix="/api/v1", tags=["report"])
Form = Literal["html", "md", "json", "pdf"]


@router.get("/incidents/{incident}/report", summary="The whole story, with its proof")
async def get_report(
    incident: str,
    runtime: Running,
    caller: Asking,
    places: Bounded,
    form: Annotated[Form, Query(alias="format")] = "html",
) -> Response:
    """What happened, who decided what knowing what, what was closed and how that is proved, what was sent."""
    found = await read(runtime, incident, caller)
    exported(runtime, caller, Export.REPORT, incident, format=form, restricted=found.view.readers is not None)
    if form != "pdf":
        return await asyncio.to_thread(_rendered, runtime, found, form)
    async with places.papers.place(caller.person.name):
        return await asyncio.to_thread(_rendered, runtime, found, form)


def _rendered(runtime: Runtime, found: Read, form: Form) -> Response:
    from firedoor.runtime.documents.report import render_html, render_markdown

    made = report(
        found.told,
        found.plan,
        found.definitions,
        found.seal,
        runtime.world.organisation.words,
        runtime.world.law.in_utc(found.view),
    )
    made["signed_head"] = signed_head(runtime.world.store, runtime.world.now(), found.view.id)
    if form == "json":
        return Response(orjson.dumps(made), media_type="application/json")
    if form == "pdf":
        from firedoor.runtime.documents.pdf_docx import pdf

        name = f'inline; filename="{made["incident"]["id"]}.pdf"'
        return Response(pdf(render_html(made)), media_type="application/pdf", headers={"Content-Disposition": name})
    if form == "md":
        return Response(render_markdown(made), media_type="text/markdown; charset=utf-8")
    return Response(render_html(made), media_type="text/html", headers={"Content-Security-Policy": PAGE_POLICY})
