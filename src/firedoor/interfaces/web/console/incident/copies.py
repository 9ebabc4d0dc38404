"""Copies of content on a page: every place that was found, how it stands, and the form that says what one is.

Decides that a place is shown as words and never as a link or a picture: nobody opens it by mistake. Leaves what a copy
is to the function that the API calls.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from firedoor.core.problems import FiredoorError
from firedoor.core.reporting.copies import told
from firedoor.core.tasks.copy_actions import DECIDERS, Said
from firedoor.interfaces.web.console import forms
from firedoor.interfaces.web.http.pages import page
from firedoor.interfaces.web.reading.cache import glance
from firedoor.interfaces.web.security.auth import Asking, Caller, Running
from firedoor.interfaces.web.security.route_table import Access
from firedoor.runtime.process.application import Runtime

router = APIRouter(tags=["console"], include_in_schema=False)

COPIES = "/incidents/{incident}/copies"
RESTORE = "restore"


@router.get(COPIES, summary="Copies of content")
async def show_copies(request: Request, incident: str, runtime: Running, caller: Asking) -> Response:
    """Every copy of an incident."""
    return await _page(request, runtime, caller, incident)


@router.post(f"{COPIES}/{{copy}}", summary="Say what a copy is")
async def decide(request: Request, incident: str, copy: str, runtime: Running, caller: Asking) -> Response:
    """The same, not the same, gone, or to be put back."""
    given = await forms.form_of(request)
    person = caller.within((await glance(runtime, incident, caller)).view)
    said, why = (str(given.get(name, "")).strip() for name in ("is", "why"))
    try:
        if said == RESTORE:
            await runtime.service.restore_copy(incident, copy, why, person)
        else:
            await runtime.service.decide_copy(incident, copy, said, why, person)
    except FiredoorError as error:
        return await _page(request, runtime, caller, incident, error, {"copy": copy, "is": said, "why": why})
    return RedirectResponse(f"/incidents/{incident}/copies?done=1", 303)


async def _page(
    request: Request, runtime: Runtime, caller: Caller, incident: str, error: FiredoorError | None = None,
    given: dict[str, str] | None = None,
) -> Response:  # fmt: skip
    found = await glance(runtime, incident, caller)
    decides = caller.may(Access.CORRECT) and bool(caller.within(found.view).roles & DECIDERS)
    return page(
        request, "copies.html.j2", error.http_status if error else 200, caller=caller, view=found.view,
        now=runtime.world.now(), problems=error.problems if error else (), given=given or {}, decides=decides,
        copies=[found.show(one) for one in told(found.view)], words=tuple(Said),
        done=request.method == "GET" and bool(request.query_params.get("done")),
    )  # fmt: skip
