"""The page of one incident, its timeline, and the facts that people correct there.

Decides which parts are read from the journal, which move by themselves, and that a correction asks for its reason and
leads back to the page. Leaves what stands in each part to `incident_page`, and steering to `steer`.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from firedoor.core.alerts.evidence_strength import EVIDENCE
from firedoor.core.facts import FactDefinition
from firedoor.core.history.timeline import is_key, timeline
from firedoor.core.problems import FiredoorError, NotFound, Problem, nearest
from firedoor.interfaces.web.console import forms
from firedoor.interfaces.web.console.incident import incident_page
from firedoor.interfaces.web.http.pages import page
from firedoor.interfaces.web.http.words import STATES
from firedoor.interfaces.web.reading.cache import Glance, glance
from firedoor.interfaces.web.security.auth import Asking, Caller, Running
from firedoor.interfaces.web.security.route_table import ROUTES
from firedoor.runtime.process.application import Runtime
from firedoor.store.incidents import leases

router = APIRouter(tags=["console"], include_in_schema=False)

LINES = 200  # of the timeline at once
INCIDENT = "/api/v1/incidents/{incident}"
MAY = {
    "facts": ("POST", f"{INCIDENT}/facts"), "steer": ("POST", f"{INCIDENT}/control"),
    "readers": ("POST", f"{INCIDENT}/readers"), "work": ("POST", f"{INCIDENT}/legal-hold"),
    "evidence": ("GET", f"{INCIDENT}/evidence/{{sha256}}"),
}  # fmt: skip


def may(caller: Caller) -> dict[str, bool]:
    """What this caller's roles let them try, so that the page offers nothing in vain."""
    return {name: caller.may(ROUTES[route]) for name, route in MAY.items()}


@router.get("/incidents/{incident}", summary="The page of an incident")
async def show(
    request: Request, incident: str, runtime: Running, caller: Asking, all: bool = False,  # noqa: A002, FBT001, FBT002 - the parameter's name
) -> Response:  # fmt: skip
    """What is known, what was done and is proved, what is due, who is asked, and what can be done now."""
    found = await glance(runtime, incident, caller)
    shown = await asyncio.to_thread(incident_page.whole, runtime.world, found)
    now = runtime.world.now()
    context: dict[str, object] = {
        "view": found.view, "plan": found.plan, "tasks": incident_page.open_tasks(found, caller.person.roles, now),
        "now": now, "run": await _flow_run(runtime, incident), "may": may(caller), "states": STATES,
        "limit": 100_000 if all else incident_page.SHOWN, "everything": all, "prefect": _prefect(runtime),
    }  # fmt: skip
    return await asyncio.to_thread(lambda: page(request, "incident.html.j2", caller=caller, **shown, **context))


@router.get("/incidents/{incident}/timeline", summary="The timeline of an incident")
async def show_timeline(
    request: Request, incident: str, runtime: Running, caller: Asking,
    page_number: Annotated[int, Query(alias="page", ge=1, le=100_000)] = 1, key: bool = False,  # noqa: FBT001, FBT002 - on the wire
) -> Response:  # fmt: skip
    """Every line, the newest first, so many at once; `key` leaves out what a hurried reader does not need."""
    found = await glance(runtime, incident, caller)
    made = await asyncio.to_thread(_lines, found, page_number, key=key)
    return page(request, "timeline.html.j2", caller=caller, view=found.view, title=found.show(found.view.title), **made)


def _lines(found: Glance, number: int, *, key: bool) -> dict[str, object]:
    numbers = [entry.seq for entry in found.told if not key or is_key(entry, found.names)]
    pages = max(1, -(-len(numbers) // LINES))
    number = min(number, pages)
    until = len(numbers) - (number - 1) * LINES
    wanted = set(numbers[max(0, until - LINES) : until])
    made = timeline(found.told, found.names, found.definitions, found.seal, wanted)
    return {"lines": made[::-1], "number": number, "pages": pages, "of": len(numbers), "key": key}


@router.get("/incidents/{incident}/facts", summary="Correct a fact")
async def show_fact(request: Request, incident: str, runtime: Running, caller: Asking, name: str = "") -> Response:
    """What one fact is now, every value that it had, and a form; without a name all facts to choose from."""
    return await _fact_page(request, runtime, caller, incident, name)


@router.post("/incidents/{incident}/facts", summary="Correct a fact")
async def correct_fact(request: Request, incident: str, runtime: Running, caller: Asking) -> Response:
    """Set it, with the reason, and go back to the incident."""
    given = await forms.form_of(request)
    name = str(given.get("name", ""))
    found = await glance(runtime, incident, caller)
    try:
        value = forms.read_fact(_definition(found, name), "", given)
        if value is None:
            message = f"no value was given for {name}"
            raise NotFound(Problem(code="W141", message=message, do="fill it in, or say that it is unknown"))
        await runtime.service.set_facts(incident, {name: value}, str(given.get("why", "")), caller.person)
    except FiredoorError as error:
        return await _fact_page(request, runtime, caller, incident, name, given, error)
    return RedirectResponse(f"/incidents/{incident}#facts", 303)


async def _fact_page(
    request: Request, runtime: Runtime, caller: Caller, incident: str, name: str,
    given: dict[str, object] | None = None, error: FiredoorError | None = None,
) -> Response:  # fmt: skip
    found, typed = await glance(runtime, incident, caller), given or {}
    settable = {fact: one for fact, one in found.definitions.items() if fact != EVIDENCE}
    known = {fact["name"]: fact for fact in found.once("facts", lambda: incident_page.facts(found))}
    field = history = None
    if name:
        definition = _definition(found, name)
        field = forms.fact_input(runtime.world, definition, "", typed, known.get(name, {}).get("shown", "unknown"))
        history = incident_page.history_of(found, name)
    context = {
        "name": name, "field": field, "history": history or [], "known": known, "why": typed.get("why", ""),
        "problems": error.problems if error else (), "may": may(caller), "definitions": settable,
    }  # fmt: skip
    status = error.http_status if error else 200
    return page(request, "facts.html.j2", status, caller=caller, view=found.view, **context)


def _definition(found: Glance, name: str) -> FactDefinition:
    if name not in found.definitions:
        problem = Problem(code="F100", message="no fact has this name", do=nearest(name[:80], found.definitions))
        raise NotFound(problem)
    return found.definitions[name]


async def _flow_run(runtime: Runtime, incident: str) -> str:
    """The address of its run in Prefect; empty where there is none yet."""
    if runtime.bridge is not None:
        return str(await runtime.bridge.flow_run_url(incident) or "")
    flow_run_id = await asyncio.to_thread(leases.flow_run, runtime.world.store, incident)
    server = runtime.settings.prefect_api_url.rstrip("/").removesuffix("/api")
    return f"{server}/runs/flow-run/{flow_run_id}" if server and flow_run_id else ""


def _prefect(runtime: Runtime) -> str:
    """What is said about Prefect where there is no address of a run."""
    if not runtime.settings.prefect:
        return "not used here"
    return "starting" if runtime.bridge is None else "has no run of it yet"
