"""Requests of people on pages: all of an incident, one with its forms, and the form that registers one.

Decides that what was typed is kept when it is refused, and that each form leads back to the request. Leaves what is
told of a request to the function that the API calls, and acting to the same calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from firedoor.core.labels import label
from firedoor.core.problems import FiredoorError
from firedoor.core.reporting.requests import GROUNDS, KINDS
from firedoor.core.requests.request import LetterKind, RequestKind
from firedoor.core.requests.validity import ELEMENTS
from firedoor.core.tasks.answers import Person
from firedoor.core.tasks.request_actions import ANSWERERS, Given, Told, the_request
from firedoor.core.tasks.sending import CHANNELS
from firedoor.interfaces.web.console import forms
from firedoor.interfaces.web.http.pages import page
from firedoor.interfaces.web.reading.cache import Glance, glance
from firedoor.interfaces.web.security.auth import Asking, Caller, Running
from firedoor.interfaces.web.security.route_table import Access
from firedoor.runtime.process.application import Runtime
from firedoor.runtime.service.requests import requests_told
from firedoor.runtime.service.reviewer_care import care_of

router = APIRouter(tags=["console"], include_in_schema=False)

REQUESTS = "/incidents/{incident}/requests"
Form = Mapping[str, object]
Act = Callable[[Form, Person], Awaitable[str]]


@router.get(REQUESTS, summary="Requests of people")
async def show_all(request: Request, incident: str, runtime: Running, caller: Asking) -> Response:
    """Every request of an incident, and the form that registers one."""
    return await _page(request, runtime, caller, (incident, ""), {})


@router.post(REQUESTS, summary="Register a request")
async def receive(request: Request, incident: str, runtime: Running, caller: Asking) -> Response:
    """One that came by no alert."""

    async def act(given: Form, person: Person) -> str:
        at = forms.read_instant("received_at", given) if _word(given, "received_at") else None
        kind, why = _word(given, "kind"), _word(given, "why")
        _, name = await runtime.service.receive_request(incident, kind, at, _told(given), why, person)
        return name

    return await _do(request, runtime, caller, (incident, "", "receive"), act)


@router.get(f"{REQUESTS}/{{request}}", summary="One request")
async def show_one(incoming: Request, incident: str, request: str, runtime: Running, caller: Asking) -> Response:
    """What it contains, what each law says of it, its clocks and letters, and the forms."""
    return await _page(incoming, runtime, caller, (incident, request), {})


@router.post(f"{REQUESTS}/{{request}}/complete", summary="Say what it contains")
async def complete(incoming: Request, incident: str, request: str, runtime: Running, caller: Asking) -> Response:
    """Or what came later."""

    async def act(given: Form, person: Person) -> str:
        why = _word(given, "why")
        await runtime.service.complete_request(incident, request, None, _told(given), why, person)
        return request

    return await _do(incoming, runtime, caller, (incident, request, "complete"), act)


@router.post(f"{REQUESTS}/{{request}}/letter", summary="Note a letter that was sent")
async def note_letter(incoming: Request, incident: str, request: str, runtime: Running, caller: Asking) -> Response:
    """It ends nothing."""

    async def act(given: Form, person: Person) -> str:
        letter, reference = _word(given, "letter"), _word(given, "reference")
        await runtime.service.note_letter(incident, request, letter, None, reference, person)
        return request

    return await _do(incoming, runtime, caller, (incident, request, "letter"), act)


@router.post(f"{REQUESTS}/{{request}}/answer", summary="Answer a request")
async def answer(incoming: Request, incident: str, request: str, runtime: Running, caller: Asking) -> Response:
    """Its own clocks and tasks end with it."""

    async def act(given: Form, person: Person) -> str:
        sending = {name: _word(given, name) for name in ("channel", "sent_at", "version", "reasons_for_delay")}
        words = {name: _word(given, name) for name in ("outcome", "why", "reference", "ground", "alone")}
        reply = Given(**words, sending=sending)
        await runtime.service.answer_request(incident, request, reply, person)
        return request

    return await _do(incoming, runtime, caller, (incident, request, "answer"), act)


async def _do(
    request: Request, runtime: Runtime, caller: Caller, about: tuple[str, str, str], act: Act
) -> Response:  # fmt: skip
    incident, name, form = about
    given = {**(await forms.form_of(request)), "form": form}
    person = caller.within((await glance(runtime, incident, caller)).view)
    try:
        name = await act(given, person)
    except FiredoorError as error:
        return await _page(request, runtime, caller, (incident, name), given, error)
    return RedirectResponse(f"/incidents/{incident}/requests/{quote(name, safe='')}?done={form}", 303)


async def _page(
    request: Request, runtime: Runtime, caller: Caller, about: tuple[str, str], given: Form,
    error: FiredoorError | None = None,
) -> Response:  # fmt: skip
    found = await glance(runtime, about[0], caller)
    shown = await asyncio.to_thread(_shown, runtime, found, about[1])
    person = caller.within(found.view)
    care = await asyncio.to_thread(care_of, runtime.world, found.view, person)
    rights = {"corrects": caller.may(Access.CORRECT), "answers": bool(person.roles & ANSWERERS), "over": care.over}
    words = {"elements": {name: label(name).removeprefix("request ").capitalize() for name in ELEMENTS},
             "kinds": KINDS, "letters": tuple(LetterKind), "channels": CHANNELS, "grounds": GROUNDS}  # fmt: skip
    typed = {name: value for name, value in given.items() if isinstance(value, str)}
    done = request.query_params.get("done", "") if request.method == "GET" else ""
    return page(
        request, "requests.html.j2", error.http_status if error else 200, caller=caller, view=found.view,
        now=runtime.world.now(), problems=error.problems if error else (), given=typed, done=done,
        zones=forms.zones(runtime.world), first=RequestKind.REMOVAL, **shown, **rights, **words,
    )  # fmt: skip


def _shown(runtime: Runtime, found: Glance, name: str) -> dict[str, object]:
    """The requests as this reader may see them, or the one that is asked for. Raises NotFound."""
    wanted = the_request(found.view, name).id if name else ""
    told = requests_told(runtime.world, found.plan, found.view)
    return {"one": bool(name), "requests": [found.show(one) for one in told if wanted in ("", one["id"])]}


def _told(given: Form) -> Told:
    elements = {name: _word(given, f"element.{name}") for name in ELEMENTS if _word(given, f"element.{name}")}
    places = tuple(place.strip() for place in _word(given, "locators").split() if place.strip())
    return Told(
        elements, _word(given, "requester"), _word(given, "requester_contact"), _word(given, "reference"), places
    )


def _word(given: Form, name: str) -> str:
    return str(given.get(name, "")).strip()
