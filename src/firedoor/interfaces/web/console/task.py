"""The page of one task: the question, what is known, what each choice leads to, and the answer.

Decides that nobody answers a record that has changed in what matters since they looked without being shown it, that
what a choice requires is asked for in the right kind of input, and that the decision stands on the page afterwards.
Leaves who may answer and what an answer becomes to `core.people`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from firedoor.core.decisions import decisions
from firedoor.core.due import DueKind
from firedoor.core.journal import Body, Kind
from firedoor.core.operator import APPROVALS, OPERATORS
from firedoor.core.people import Answer, Person, the_task, why_not
from firedoor.core.problems import FiredoorError, Problem, Refused
from firedoor.core.timeline import timeline
from firedoor.core.view import TaskView
from firedoor.interfaces.web import shapes
from firedoor.interfaces.web.auth import Asking, Caller, Running
from firedoor.interfaces.web.console import forms, incident_page
from firedoor.interfaces.web.glance import Glance, glance
from firedoor.interfaces.web.pages import page
from firedoor.runtime.start import Runtime

router = APIRouter(tags=["console"], include_in_schema=False)

TASK = "/incidents/{incident}/tasks/{task}"
# What may turn a decision: facts, clocks, other people's answers, where the incident stands, what stands open again.
TURNS = frozenset((
    Kind.FACTS, Kind.CLOCK_STARTED, Kind.CLOCK_CHANGED, Kind.CLOCK_MISSED, Kind.TASK_ANSWERED, Kind.STATE,
    Kind.DRIFTED, Kind.RUN_ABORTED, Kind.ALERT,
))  # fmt: skip
Given = Mapping[str, Any]


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
    wanted = {entry.seq for entry in found.entries[seen:] if entry.kind in TURNS}
    return timeline(found.entries, found.names, found.definitions, found.seal, wanted) if wanted else []


def _answer(found: Glance, task: TaskView, given: Given) -> Answer:
    """The answer as the form holds it: the facts and fields of the chosen choice, and the facts that the task asks."""
    choice = str(given.get("choice", ""))
    required = next((list(one.get("requires", ())) for one in task.choices if one["id"] == choice), [])
    prefix, known = f"{choice}.", found.definitions
    facts = forms.read_facts([known[name] for name in task.asks if name in known], "", given)
    facts |= forms.read_facts(
        [known[name] for name in required if name in known and name not in task.asks], prefix, given
    )
    wanted = [name for name in (*required, "reasons_for_delay") if name not in known]
    words = {name: str(given.get(f"{prefix}{forms.FIELD}{name}", "")).strip() for name in wanted}
    role = str(given.get("role", "")) or None
    fields = {name: word for name, word in words.items() if word}
    return Answer(choice, str(given.get("why", "")), facts, fields, role)


async def _page(
    request: Request, runtime: Runtime, caller: Caller, incident: str, name: str, given: Given | None = None,
    error: FiredoorError | None = None,
) -> Response:  # fmt: skip
    found, typed = await glance(runtime, incident, caller), given or {}
    one = the_task(found.view, name)
    shown = await asyncio.to_thread(_shown, runtime, caller, found, one, typed)
    seen = str(typed.get("head", ""))
    news = _news(found, int(seen)) if seen.isdecimal() else []
    context = {"news": news, "typed": typed, "problems": error.problems if error else (), "now": runtime.world.now()}
    return page(
        request, "task.html.j2", error.http_status if error else 200, caller=caller, view=found.view, **shown, **context
    )


def _shown(runtime: Runtime, caller: Caller, found: Glance, one: TaskView, typed: Given) -> Body:
    view, world = found.view, runtime.world
    task = found.show(shapes.task(view, one, world.now()))
    person = caller.within(view)
    whole = incident_page.whole(world, found)
    clock = next((clock for clock in whole["clocks"] if clock["id"] == one.clock), None)
    facts = {fact["name"]: fact for fact in whole["facts"]}
    obstacle, late = why_not(view, one, person), _late(clock, world.now())
    return {
        "task": task, "clock": clock, "facts": whole["facts"], "targets": whole["targets"], "plan": found.plan,
        "asks": [_input(world, found, name, "", typed, facts) for name in one.asks if name in found.definitions],
        "choices": [_choice(world, found, one, choice, typed, facts, late=late) for choice in task["choices"]],
        "obstacle": obstacle, "mine": sorted(one.roles & person.roles), "given": _given(found, task),
        "eyes": _eyes(found, one), "can_claim": one.approvals == 1 and one.claimed_by != person.name and not obstacle,
        "glass": _glass(one, person), "draft": _draft(runtime, found, whole, one), "title": whole["title"],
        "can_reassign": one.open and bool(person.roles & OPERATORS), "head": view.head,
    }  # fmt: skip


def _choice(
    world: Any, found: Glance, task: TaskView, choice: Body, typed: Given, facts: Mapping[str, Body], *, late: bool,  # noqa: ANN401
) -> Body:  # fmt: skip
    """A choice with the inputs that it requires, and the facts that it sets by itself."""
    prefix = f"{choice['id']}."
    required = [name for name in choice.get("requires", ()) if name not in task.asks]
    if late and choice["id"] == "submitted":
        required.append("reasons_for_delay")
    return {
        **choice, "checked": typed.get("choice") == choice["id"],
        "sets": [{"name": name, "value": value} for name, value in choice.get("sets", {}).items()],
        "facts": [_input(world, found, name, prefix, typed, facts) for name in required if name in found.definitions],
        "fields": [forms.field_input(name, prefix, typed) for name in required if name not in found.definitions],
        "asked": [name for name in choice.get("requires", ()) if name in task.asks],
    }  # fmt: skip


def _input(
    world: Any, found: Glance, name: str, prefix: str, typed: Given, facts: Mapping[str, Body]  # noqa: ANN401
) -> Body:  # fmt: skip
    now = str(facts.get(name, {}).get("shown", "unknown"))
    return forms.fact_input(world, found.definitions[name], prefix, typed, now)


def _late(clock: Body | None, now: datetime) -> bool:
    due = clock and clock["kind"] != DueKind.HOLD_UNTIL and clock["due"]
    return bool(due) and now > datetime.fromisoformat(str(due))


def _given(found: Glance, task: Body) -> list[Body]:
    """The answers so far, with what was known at each."""
    wanted = [fact.name for fact in found.plan.facts]
    made = found.once("decisions", lambda: decisions(found.entries, found.definitions, wanted, found.seal))
    return [one for one in made if one["task"] == task["name"]]


def _eyes(found: Glance, task: TaskView) -> list[str]:
    """Why a second person is needed, and who cannot be that one, in words."""
    said = []
    if task.approvals > 1:
        said.append(f"{task.approvals} people must agree; whoever started the run is not one of them.")
    if task.not_by:
        said.append(f"Not by {', '.join(task.not_by)}: they asked for it, passed it on, or set the facts behind it.")
    other = found.view.tasks.get(task.four_eyes_with or "")
    if other:
        who = ", ".join(given["by"] for given in other.answers) or "nobody yet"
        said.append(f"Not by whoever answered T{other.number} ({found.show(other.question)}): {who}.")
    return said


def _glass(task: TaskView, person: Person) -> bool:
    """Whether the glass can be broken for it: no approval, and not by somebody who has the role."""
    approval = task.kind in APPROVALS or task.approvals > 1 or bool(task.four_eyes_with)
    return task.open and not approval and not task.roles & person.roles


def _draft(runtime: Runtime, found: Glance, whole: Body, task: TaskView) -> Body | None:
    """The newest draft for the clock that the task settles: its text, where the reader may see all of the incident."""
    notice = next((one for one in whole["notices"] if task.clock and one["clock"]["id"] == task.clock), None)
    if notice is None or notice["draft"] is None:
        return None
    piece = notice["draft"]
    text = "" if found.holds_sealed else _text(runtime, piece["sha256"])
    return {**piece, "text": text, "sealed": found.holds_sealed}


def _text(runtime: Runtime, sha256: str) -> str:
    try:
        return runtime.world.vault.get(sha256).decode("utf-8", "replace")
    except (FiredoorError, OSError):
        return ""
