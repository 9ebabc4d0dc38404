"""The page of one task: the question, what is known, what each choice leads to, and the answer.

Decides that nobody answers a record that has changed in what matters since they looked without being shown it, that
what a choice requires is asked for in the right kind of input, and that the decision stands on the page afterwards.
Leaves who may answer and what an answer becomes to `core.people`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from firedoor.core.history.timeline import timeline
from firedoor.core.incident.view import TaskView
from firedoor.core.journal import Body, Kind
from firedoor.core.problems import FiredoorError, InvalidInput, Problem, Refused
from firedoor.core.tasks.answers import Answer, need_open, the_task
from firedoor.core.tasks.sending import requires
from firedoor.interfaces.web.console import forms
from firedoor.interfaces.web.console.incident import sending_inputs, task_page
from firedoor.interfaces.web.http.pages import page
from firedoor.interfaces.web.reading.cache import Glance, glance
from firedoor.interfaces.web.security.auth import Asking, Caller, Running
from firedoor.runtime.process.application import Runtime
from firedoor.runtime.service.answer_links import Asked, Sent

router = APIRouter(tags=["console"], include_in_schema=False)

TASK = "/incidents/{incident}/tasks/{task}"
# What may turn a decision: facts, clocks, other people's answers, where the incident stands, what stands open again.
TURNS = frozenset((
    Kind.FACTS, Kind.CLOCK_STARTED, Kind.CLOCK_CHANGED, Kind.CLOCK_MISSED, Kind.TASK_ANSWERED, Kind.STATE,
    Kind.DRIFTED, Kind.RUN_ABORTED, Kind.ALERT,
))  # fmt: skip
Given = Mapping[str, object]


@router.get(TASK, summary="One task")
async def show(request: Request, incident: str, task: str, runtime: Running, caller: Asking) -> Response:
    """What is asked, of whom, until when, knowing what, and what each answer leads to."""
    return await _page(request, runtime, caller, incident, task)


@router.post(TASK, summary="Answer a task")
async def answer(request: Request, incident: str, task: str, runtime: Running, caller: Asking) -> Response:
    """Decide. The journal keeps who, when, why, and the head of the record that was seen."""
    given = await forms.form_of(request)
    found = await glance(runtime, incident, caller)
    one = the_task(found.view, task)

    async def act() -> object:
        need_open(one)  # before the news: there is nothing to answer again where somebody else has decided
        _need_seen(found, given)
        chosen = _answer(found, one, given)
        return await runtime.service.answer(incident, one.id, chosen, caller.within(found.view))

    return await _do(request, runtime, caller, incident, task, given, act)


@router.post(f"{TASK}/claim", summary="Take a task over")
async def claim(request: Request, incident: str, task: str, runtime: Running, caller: Asking) -> Response:
    """Nobody else answers it meanwhile."""
    given = await forms.form_of(request)
    person = caller.within((await glance(runtime, incident, caller)).view)
    act = runtime.service.claim(incident, task, str(given.get("why", "")), person)
    return await _do(request, runtime, caller, incident, task, given, lambda: act)


@router.post(f"{TASK}/reassign", summary="Give a task to another role")
async def reassign(request: Request, incident: str, task: str, runtime: Running, caller: Asking) -> Response:
    """Whoever passes a decision on may not take it."""
    given = await forms.form_of(request)
    act = runtime.service.reassign(incident, task, str(given.get("role", "")), str(given.get("why", "")), caller.person)
    return await _do(request, runtime, caller, incident, task, given, lambda: act)


@router.post(f"{TASK}/break-glass", summary="Answer a task without its role")
async def break_glass(request: Request, incident: str, task: str, runtime: Running, caller: Asking) -> Response:
    """Told to everybody, and reviewed by somebody else before the incident ends."""
    given = await forms.form_of(request)
    found = await glance(runtime, incident, caller)
    one = the_task(found.view, task)

    async def act() -> object:
        _need_seen(found, given)
        return await runtime.service.break_glass(incident, one.id, _answer(found, one, given), caller.person)

    return await _do(request, runtime, caller, incident, task, given, act)


@router.post(f"{TASK}/link", summary="Send a link that answers a task once")
async def make_link(request: Request, incident: str, task: str, runtime: Running, caller: Asking) -> Response:
    """To an account that has the role. The page says where it went, and never shows it."""
    given = await forms.form_of(request)
    choice, role, to = str(given.get("only", "")) or None, str(given.get("role", "")), str(given.get("to", ""))
    try:
        hours = float(str(given.get("hours", "2")))
        house = runtime.settings.address(request.app.state.url)
        asked = Asked(task, role, to, hours, house, choice)
        made = await runtime.service.answer_link(incident, asked, caller.person)
    except ValueError:
        problem = Problem(code="W144", message="hours are a number", do="for example 2")
        return await _page(request, runtime, caller, incident, task, given, InvalidInput(problem))
    except FiredoorError as error:
        return await _page(request, runtime, caller, incident, task, given, error)
    return await _page(request, runtime, caller, incident, task, {}, made=made)


async def _do(
    request: Request, runtime: Runtime, caller: Caller, incident: str, task: str, given: Given,
    act: Callable[[], Awaitable[object]],
) -> Response:  # fmt: skip
    try:
        await act()
    except FiredoorError as error:
        return await _page(request, runtime, caller, incident, task, given, error)
    return RedirectResponse(f"/incidents/{incident}/tasks/{task}", 303)


def _need_seen(found: Glance, given: Given) -> None:
    """Raises Refused where something that may turn the decision was written after the page was made."""
    seen = str(given.get("head", ""))
    if seen.isdecimal() and _news(found, int(seen)):
        message = "the record has changed since you opened this page"
        raise Refused(Problem(code="W143", message=message, do="read what is new, above the choices, and answer again"))


def _news(found: Glance, seen: int) -> list[Body]:
    wanted = {entry.seq for entry in found.told[seen:] if entry.kind in TURNS}
    return timeline(found.told, found.names, found.definitions, found.seal, wanted) if wanted else []


def _answer(found: Glance, task: TaskView, given: Given) -> Answer:
    """The answer as the form holds it: the facts and fields of the chosen choice, and the facts that the task asks."""
    choice = str(given.get("choice", ""))
    required = next((requires(found.view, task, one) for one in task.choices if one["id"] == choice), [])
    prefix, known = f"{choice}.", found.definitions
    facts = forms.read_facts([known[name] for name in task.asks if name in known], "", given)
    facts |= forms.read_facts(
        [known[name] for name in required if name in known and name not in task.asks], prefix, given
    )
    wanted = [task_page.DELAY, *(name for name in required if name not in known)]
    words = {name: str(given.get(f"{prefix}{forms.FIELD}{name}", "")).strip() for name in wanted}
    words |= sending_inputs.read(given, f"{prefix}{forms.FIELD}", words)
    role = str(given.get("role", "")) or None
    fields = {name: word for name, word in words.items() if word}
    return Answer(choice, str(given.get("why", "")), facts, fields, role)


async def _page(  # noqa: PLR0913, PLR0917 - what the form shows again
    request: Request, runtime: Runtime, caller: Caller, incident: str, name: str, given: Given | None = None,
    error: FiredoorError | None = None, made: Sent | None = None,
) -> Response:  # fmt: skip
    found, typed = await glance(runtime, incident, caller), given or {}
    one = the_task(found.view, name)
    shown = await asyncio.to_thread(task_page.shown, runtime, caller, found, one, typed)
    seen = str(typed.get("head", ""))
    news = _news(found, int(seen)) if seen.isdecimal() else []
    context = {"news": news, "typed": typed, "problems": error.problems if error else (), "now": runtime.world.now()}
    context["link"] = made
    return page(
        request, "task.html.j2", error.http_status if error else 200, caller=caller, view=found.view, **shown, **context
    )
