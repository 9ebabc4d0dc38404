"""The page of measures: what all incidents promised, by whom, until when, and what is late.

Decides nothing; shows what `interfaces.web.measures` lists. Leaves settling a measure to the page of its task.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from firedoor.interfaces.web.api.measures import State, measures_of
from firedoor.interfaces.web.http.pages import page
from firedoor.interfaces.web.security.auth import Asking, Running

router = APIRouter(tags=["console"], include_in_schema=False)
SHOWN = 500


@router.get("/measures", summary="Measures of all incidents")
async def measures_page(request: Request, runtime: Running, caller: Asking, state: State = "open") -> Response:
    """What is due first stands on top."""
    rows = await measures_of(runtime, caller, state, SHOWN)
    return page(request, "measures.html.j2", caller=caller, measures=rows, state=state, now=runtime.world.now())
