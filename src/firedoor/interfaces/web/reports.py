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

from firedoor.core.report import report
from firedoor.interfaces.web.auth import Asking, Running
from firedoor.interfaces.web.reading import Read, read
from firedoor.runtime.start import Runtime

PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)

router = APIRouter(prefix="/api/v1", tags=["report"])
Form = Literal["html", "md", "json", "pdf"]


@router.get("/incidents/{incident}/report", summary="The whole story, with its proof")
async def get_report(
    incident: str, runtime: Running, caller: Asking, form: Annotated[Form, Query(alias="format")] = "html"
) -> Response:
    """What happened, who decided what knowing what, what was closed and how that is proved, what was sent."""
    found = await read(runtime, incident, caller)
    return await asyncio.to_thread(_rendered, runtime, found, form)


def _rendered(runtime: Runtime, found: Read, form: Form) -> Response:
    from firedoor.runtime.rendering import render_html, render_markdown

    made = report(found.entries, found.plan, found.definitions, found.seal, runtime.world.organisation.words)
    if form == "json":
        return Response(orjson.dumps(made), media_type="application/json")
    if form == "pdf":
        from firedoor.runtime.printing import pdf

        name = f'inline; filename="{made["incident"]["id"]}.pdf"'
        return Response(pdf(render_html(made)), media_type="application/pdf", headers={"Content-Disposition": name})
    if form == "md":
        return Response(render_markdown(made), media_type="text/markdown; charset=utf-8")
    return Response(render_html(made), media_type="text/html", headers={"Content-Security-Policy": PAGE_POLICY})
