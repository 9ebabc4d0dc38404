"""The transparency report of a year as a page of the console, and what the people who decide carry.

Decides how it is shown to whoever leads. Leaves the report to the API's module, and the load to `reviewer_care`.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from firedoor.core.history.durations import span
from firedoor.core.labels import label
from firedoor.core.problems import FiredoorError, Problem
from firedoor.core.reporting.requests import GROUNDS
from firedoor.interfaces.web.api.transparency import report_of
from firedoor.interfaces.web.http.pages import page
from firedoor.interfaces.web.security.auth import Asking, Running
from firedoor.runtime.service.reviewer_care import loads

router = APIRouter(tags=["console"], include_in_schema=False)


@router.get("/transparency", summary="Requests of people over a year")
async def show(
    request: Request, runtime: Running, caller: Asking, year: Annotated[int, Query(ge=0, le=9999)] = 0
) -> Response:
    """This year, unless another is asked for; with the cases that each person decided lately."""
    problems: tuple[Problem, ...] = ()
    status, made = 200, None
    try:
        made = await asyncio.to_thread(report_of, runtime, year)
    except FiredoorError as error:
        problems, status = error.problems, error.http_status
    carried = await asyncio.to_thread(loads, runtime.world)
    return page(
        request, "transparency.html.j2", status, caller=caller, found=made, problems=problems, span=span, label=label,
        grounds=GROUNDS, year=made["year"] if made else year, loads=carried, bounds=runtime.world.organisation.care,
    )  # fmt: skip
