"""The page of one clock, and the forms that record a submission, ask for more time or a pause, and end a pause.

Decides that every form leads back to the clock and that what was typed is kept when it is refused. Leaves what stands
on the page to `clock_page`, and acting to the same calls that the API makes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from firedoor.core.clocks.extensions import MoreTime, missing_words
from firedoor.core.problems import FiredoorError, InvalidInput
from firedoor.core.tasks.answers import Person
from firedoor.interfaces.web.console import forms
from firedoor.interfaces.web.console.incident import clock_page, sending_inputs
from firedoor.interfaces.web.http.pages import page
from firedoor.interfaces.web.reading.cache import glance
from firedoor.interfaces.web.security.auth import Asking, Caller, Running
from firedoor.runtime.process.application import Runtime

router = APIRouter(tags=["console"], include_in_schema=False)

CLOCK = "/incidents/{incident}/clocks/{clock:path}"
WORDS = ("form", "why", "until", "until.zone", "document", "sent_at", "sent_at.zone")
FIELDS = ("reference", "reasons_for_delay", "version", "channel")  # words of a submission
Given = Mapping[str, object]
Act = Callable[[Given, Person], Awaitable[object]]


@router.get(CLOCK, summary="One clock")
async def show(request: Request, incident: str, clock: str, runtime: Running, caller: Asking) -> Response:
    """What the law says, until when, why, what happened to it, and what can be done."""
    return await _page(request, runtime, caller, (incident, clock), {})


@router.post(f"{CLOCK}/submit", summary="Record that it was sent")
async def submit(request: Request, incident: str, clock: str, runtime: Running, caller: Asking) -> Response:
    """With the reference that proves it; after the limit with the reasons for the delay."""

    async def act(given: Given, person: Person) -> object:
        fields = {name: word for name in FIELDS if (word := str(given.get(name, "")).strip())}
        if str(given.get("sent_at", "")).strip():
            fields |= sending_inputs.read(given, "", {"sent_at": "given"})
        return await runtime.service.submit(incident, clock, fields, str(given.get("why", "")), person)

    return await _do(request, runtime, caller, (incident, clock, clock_page.SUBMIT), act)


@router.post(f"{CLOCK}/extend", summary="Ask for more time")
async def extend(request: Request, incident: str, clock: str, runtime: Running, caller: Asking) -> Response:
    """It takes effect when somebody else agrees."""
    return await _ask(request, runtime, caller, (incident, clock, clock_page.EXTEND))


@router.post(f"{CLOCK}/pause", summary="Ask for a pause")
async def pause(request: Request, incident: str, clock: str, runtime: Running, caller: Asking) -> Response:
    """It takes effect when somebody else agrees; at its end the clock runs on by itself."""
    return await _ask(request, runtime, caller, (incident, clock, clock_page.PAUSE))


@router.post(f"{CLOCK}/resume", summary="End a pause")
async def resume(request: Request, incident: str, clock: str, runtime: Running, caller: Asking) -> Response:
    """At once."""

    async def act(given: Given, person: Person) -> object:
        return await runtime.service.resume(incident, clock, str(given.get("why", "")), person)

    return await _do(request, runtime, caller, (incident, clock, clock_page.RESUME), act)


async def _ask(request: Request, runtime: Runtime, caller: Caller, about: tuple[str, str, str]) -> Response:
    incident, clock, name = about

    async def act(given: Given, person: Person) -> object:
        asked = _more_time(given)
        return await runtime.service.ask_for_time(incident, clock, asked, person, pause=name == clock_page.PAUSE)

    return await _do(request, runtime, caller, about, act)


def _more_time(given: Given) -> MoreTime:
    """What is asked for. Raises InvalidInput with everything that is missing of it."""
    document, why = str(given.get("document", "")), str(given.get("why", ""))
    try:
        return MoreTime(forms.read_instant("until", given), document, why)
    except InvalidInput as error:
        raise InvalidInput([*error.problems, *missing_words(document, why)]) from None


async def _do(
    request: Request, runtime: Runtime, caller: Caller, about: tuple[str, str, str], act: Act
) -> Response:  # fmt: skip
    incident, clock, name = about
    given = {**(await forms.form_of(request)), "form": name}
    person = caller.within((await glance(runtime, incident, caller)).view)
    try:
        await act(given, person)
    except FiredoorError as error:
        return await _page(request, runtime, caller, (incident, clock), given, error)
    return RedirectResponse(f"/incidents/{incident}/clocks/{quote(clock)}?done={name}", 303)


async def _page(
    request: Request, runtime: Runtime, caller: Caller, about: tuple[str, str], given: Given,
    error: FiredoorError | None = None,
) -> Response:  # fmt: skip
    found = await glance(runtime, about[0], caller)
    typed = {name: str(given.get(name, "")) for name in (*WORDS, *FIELDS)}
    shown = await asyncio.to_thread(clock_page.shown, runtime, caller, found, about[1], typed)
    done = request.query_params.get("done", "") if request.method == "GET" else ""
    context = {"problems": error.problems if error else (), "now": runtime.world.now(), "done": done}
    return page(
        request, "clock.html.j2", error.http_status if error else 200, caller=caller, view=found.view,
        here=f"/incidents/{about[0]}/clocks/{quote(about[1])}", **shown, **context,
    )  # fmt: skip
