"""Steering an incident from its page: pause, skip, redo, by hand, abort; readers, a legal hold, opening a target.

Decides that the consequences stand on the page before anything can be pressed, and that every form asks for a reason.
Leaves what may be done and what follows to the core, by the same calls that the API makes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from firedoor.core.entries.run import ReadersSet
from firedoor.core.execution.run_control import OF_AN_OPERATION, Action
from firedoor.core.problems import FiredoorError, InvalidInput, NotFound, Problem
from firedoor.interfaces.web.console import forms
from firedoor.interfaces.web.http.pages import page
from firedoor.interfaces.web.reading.cache import glance
from firedoor.interfaces.web.security.auth import Asking, Caller, Running
from firedoor.runtime.process.application import Runtime
from firedoor.store.database.sql import table
from firedoor.store.database.tables import HoldRow

router = APIRouter(tags=["console"], include_in_schema=False)

VERBS = {
    Action.PAUSE: "Pause the run", Action.UNPAUSE: "Resume the run", Action.SKIP: "Skip the operation",
    Action.REDO: "Run the operation again", Action.BY_HAND: "Mark as done by hand", Action.ABORT: "Abort the run",
}  # fmt: skip
GRAVE = frozenset((Action.ABORT, Action.REDO))
HOLD_SAYS = [
    "While the hold is in place, nothing that this incident closed can be reopened, whoever agrees.",
    "Placing and releasing it is recorded in the journal with your name and reason.",
]
OPEN_SAYS = [
    "Your agreement counts as the first. The others are asked, and it is reopened when enough have agreed.",
    "Firedoor then verifies from outside that it answers as before, and records that in the journal.",
]
OTHERS_SAY = "Another incident also keeps it closed: it stays closed until the last one releases it."
READERS_SAYS = [
    "Everyone else can see only that the incident exists, including in lists, searches, events and messages.",
    "You keep access. The change is recorded in the journal with your name.",
]


@router.get("/incidents/{incident}/steer", summary="What steering would lead to")
async def foresee(
    request: Request, incident: str, runtime: Running, caller: Asking, action: str = "", operation: str = ""
) -> Response:
    """The consequences, worked out from the very entries that the action would write, and a form for the reason."""
    return await _steering(request, runtime, caller, incident, {"action": action, "operation": operation})


@router.post("/incidents/{incident}/steer", summary="Steer the run")
async def steer(request: Request, incident: str, runtime: Running, caller: Asking) -> Response:
    """Do it, and go back to the incident."""
    given = await forms.form_of(request)
    try:
        action, operation = _action(given), str(given.get("operation", ""))
        await runtime.service.steer(action, incident, operation, str(given.get("why", "")), caller.person)
    except FiredoorError as error:
        return await _steering(request, runtime, caller, incident, given, error)
    return RedirectResponse(f"/incidents/{incident}", 303)


@router.get("/incidents/{incident}/readers", summary="Who may read it")
async def show_readers(request: Request, incident: str, runtime: Running, caller: Asking) -> Response:
    """Who may read now, and a form."""
    return await _readers_page(request, runtime, caller, incident, {})


@router.post("/incidents/{incident}/readers", summary="Say who may read it")
async def set_readers(request: Request, incident: str, runtime: Running, caller: Asking) -> Response:
    """Name roles and people, or open it to every reader."""
    given = await forms.form_of(request)
    chosen = given.get("roles", [])
    roles = list(map(str, chosen if isinstance(chosen, list) else [chosen]))
    people = [name.strip() for name in str(given.get("people", "")).replace("\n", ",").split(",") if name.strip()]
    everyone = given.get("who") == "everyone"
    return await _do(
        request, incident,
        lambda: runtime.service.set_readers(
            incident, None if everyone else roles, people, str(given.get("why", "")), caller.person),
        lambda error: _readers_page(request, runtime, caller, incident, given, error),
    )  # fmt: skip


@router.get("/incidents/{incident}/legal-hold", summary="The legal hold")
async def show_legal_hold(request: Request, incident: str, runtime: Running, caller: Asking) -> Response:
    """What it forbids, and a form to place or release it."""
    return await _hold_page(request, runtime, caller, incident, {})


@router.post("/incidents/{incident}/legal-hold", summary="Place or release the legal hold")
async def set_legal_hold(request: Request, incident: str, runtime: Running, caller: Asking) -> Response:
    """By name, with a reason."""
    given = await forms.form_of(request)
    why, release = str(given.get("why", "")), given.get("release") == "yes"
    return await _do(
        request, incident, lambda: runtime.service.legal_hold(incident, why, caller.person, release=release),
        lambda error: _hold_page(request, runtime, caller, incident, given, error),
    )  # fmt: skip


@router.get("/incidents/{incident}/targets/{target}/open", summary="What opening a target takes")
async def show_open(request: Request, incident: str, target: str, runtime: Running, caller: Asking) -> Response:
    """What agreeing means, and a form."""
    return await _open_page(request, runtime, caller, incident, target, {})


@router.post("/incidents/{incident}/targets/{target}/open", summary="Agree to open a target")
async def open_again(request: Request, incident: str, target: str, runtime: Running, caller: Asking) -> Response:
    """Agree by name."""
    given = await forms.form_of(request)
    return await _do(
        request, incident,
        lambda: runtime.service.open_again(incident, target, str(given.get("why", "")), caller.person),
        lambda error: _open_page(request, runtime, caller, incident, target, given, error),
    )  # fmt: skip


async def _do(
    request: Request,  # noqa: ARG001 - alike for every form
    incident: str, act: Callable[[], Awaitable[object]], again: Callable[[FiredoorError], Awaitable[Response]],
) -> Response:  # fmt: skip
    try:
        await act()
    except FiredoorError as error:
        return await again(error)
    return RedirectResponse(f"/incidents/{incident}", 303)


def _action(given: Mapping[str, object]) -> Action:
    try:
        return Action(str(given.get("action", "")))
    except ValueError:
        do = "pause, unpause, skip, redo, by-hand or abort"
        raise InvalidInput(Problem(code="W142", message="there is no such action", do=do)) from None


async def _steering(
    request: Request, runtime: Runtime, caller: Caller, incident: str, given: Mapping[str, object],
    error: FiredoorError | None = None,
) -> Response:  # fmt: skip
    found = await glance(runtime, incident, caller)
    action, operation = _action(given), str(given.get("operation", ""))
    if action in OF_AN_OPERATION and found.names.operation(operation) is None:
        raise NotFound(Problem(code="O120", message="no operation is called so", do="choose it on the incident's page"))
    problems = list(error.problems) if error else []
    says: Sequence[str] = []
    try:
        says = found.show(await runtime.service.foresee(action, incident, operation, caller.person))
    except FiredoorError as refused:
        problems = problems or list(refused.problems)
    about = found.show(found.names.title(operation, found.view)) if operation else ""
    context = {
        "heading": VERBS[action], "about": about, "says": says, "action": f"/incidents/{incident}/steer",
        "hidden": {"action": str(action), "operation": operation}, "grave": action in GRAVE, "can": bool(says),
    }  # fmt: skip
    return _reason_page(request, caller, found.view, given, problems, error, context)


async def _hold_page(
    request: Request, runtime: Runtime, caller: Caller, incident: str, given: Mapping[str, object],
    error: FiredoorError | None = None,
) -> Response:  # fmt: skip
    found = await glance(runtime, incident, caller)
    held = found.view.legal_hold is not None
    says = ["What this incident closed can be opened again by those who may."] if held else HOLD_SAYS
    context = {
        "heading": "Release the legal hold" if held else "Place a legal hold", "about": "", "says": says,
        "action": f"/incidents/{incident}/legal-hold", "hidden": {"release": "yes" if held else "no"},
        "grave": held, "can": True,
    }  # fmt: skip
    return _reason_page(request, caller, found.view, given, error.problems if error else (), error, context)


async def _open_page(
    request: Request, runtime: Runtime, caller: Caller, incident: str, target: str, given: Mapping[str, object],
    error: FiredoorError | None = None,
) -> Response:  # fmt: skip
    found = await glance(runtime, incident, caller)
    running = [] if error or found.view.closed_at else [_still_running(found.view.id, target)]
    others = await asyncio.to_thread(_others, runtime, incident, target)
    context = {
        "heading": f"Agree to open {target}", "about": "", "says": [] if running else [*OPEN_SAYS, *others],
        "hidden": {}, "grave": True, "can": not running, "action": f"/incidents/{incident}/targets/{target}/open",
    }  # fmt: skip
    return _reason_page(request, caller, found.view, given, error.problems if error else running, error, context)


def _still_running(incident: str, target: str) -> Problem:
    """Said before anybody writes a reason; the core says the same to whoever asks all the same."""
    message = f"{incident} is still going on and holds {target} closed"
    return Problem(code="K511", message=message, do="it opens with that incident's own task for resuming")


def _others(runtime: Runtime, incident: str, target: str) -> list[str]:
    columns = table(HoldRow).c
    rows = runtime.world.store.rows(HoldRow, (columns.target == target) & (columns.incident != incident))
    return [OTHERS_SAY] if rows else []


def _reason_page(
    request: Request, caller: Caller, view: object, given: Mapping[str, object], problems: object,
    error: FiredoorError | None, context: Mapping[str, object],
) -> Response:  # fmt: skip
    status = error.http_status if error else 200
    why = given.get("why", "")
    return page(request, "steer.html.j2", status, caller=caller, view=view, problems=problems, why=why, **context)


async def _readers_page(
    request: Request, runtime: Runtime, caller: Caller, incident: str, given: Mapping[str, object],
    error: FiredoorError | None = None,
) -> Response:  # fmt: skip
    found = await glance(runtime, incident, caller)
    now = found.view.readers or ReadersSet(why="")
    chosen = given.get("roles", now.get("roles", []))
    context = {
        "says": READERS_SAYS, "roles": list(found.plan.roles), "restricted": found.view.readers is not None,
        "chosen": chosen if isinstance(chosen, list) else [chosen],
        "people": given.get("people", ", ".join(now.get("people", []))),
        "who": given.get("who", "some" if found.view.readers else "everyone"), "why": given.get("why", ""),
        "problems": error.problems if error else (),
    }  # fmt: skip
    return page(
        request, "readers.html.j2", error.http_status if error else 200, caller=caller, view=found.view, **context
    )
