"""The library: playbooks, each with its plan as a picture and as a list, its drills, and the form that starts it.

Decides what is shown of a plan, and that starting shows on request what would be done before anything is. Leaves the
geometry to `core.plan_chart`, the plan's soundness to the compiler and starting to the service.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from firedoor.core.assessment import assess
from firedoor.core.journal import Body
from firedoor.core.operations import SETTLED, Ask, Choose, Edge, Operation, Plan, Wait
from firedoor.core.people import need_why
from firedoor.core.plan_chart import plain_title, plan_chart, step_title, who
from firedoor.core.playbook import Playbook
from firedoor.core.problems import FiredoorError, NotFound, Problem, nearest
from firedoor.core.ternary import NO
from firedoor.core.territories import enrich
from firedoor.interfaces.web.access import Access, allowed
from firedoor.interfaces.web.auth import Asking, Caller, Running
from firedoor.interfaces.web.console import forms
from firedoor.interfaces.web.console.drill_runs import results_of, runs_of
from firedoor.interfaces.web.console.words import span
from firedoor.interfaces.web.pages import page
from firedoor.runtime import library
from firedoor.runtime.dry_run import AT_ONCE, NOT_TAKEN, OPEN, PERSON, what_would_be_done
from firedoor.runtime.start import Runtime
from firedoor.store.drill_results import DrillRun

router = APIRouter(tags=["console"], include_in_schema=False)

PHASES = {
    "identification": "Identification", "containment": "Containment", "remediation": "Remediation",
    "post_incident": "After the incident",
}  # fmt: skip
DOES = {
    "call": "acts on a target", "keep": "keeps evidence", "ask": "asks a person", "tell": "tells people",
    "mark": "moves the incident", "wait": "lets time pass", "choose": "looks at the facts",
}  # fmt: skip
WHEN = {
    AT_ONCE: "At once", OPEN: "Depends on what is found", PERSON: "After a person decides",
    NOT_TAKEN: "Left out with these facts",
}  # fmt: skip
PROVED = (
    "Every reference and every name in it resolves.", "Evidence is kept before anything that could alter it.",
    "No path closes the incident while a duty is neither met nor waived by a named person.",
    "Every approval can end, and silence is never an answer.", "What cannot be undone is opted in and approved.",
    "Every drill compiles.",
)  # fmt: skip


@router.get("/playbooks", summary="The library of playbooks")
async def shelf(request: Request, runtime: Running, caller: Asking) -> Response:
    """Every playbook that can be started, and every file that cannot be read, with its problems."""
    runs = await results_of(runtime)
    shown = [
        _line(runtime, plan, runs) for plan in sorted(runtime.shelf.plans.values(), key=lambda plan: plan.playbook)
    ]
    return page(
        request, "playbooks.html.j2", caller=caller, books=shown, broken=runtime.shelf.problems, may=_may(caller)
    )


@router.get("/playbooks/{name}", summary="A playbook")
async def show(request: Request, name: str, runtime: Running, caller: Asking) -> Response:
    """Its plan, its checks, the duties that it may start, its drills."""
    return await _book(request, runtime, caller, name)


@router.post("/playbooks/{name}/drills", summary="Run drills")
async def drill(request: Request, name: str, runtime: Running, caller: Asking) -> Response:
    """Run one drill or all in the background. Nothing outside is called and nothing is stored."""
    _plan(runtime, name)
    given = await forms.form_of(request)
    try:
        runs_of(runtime).start(runtime, name, str(given.get("drill", "")), caller.person.name)
    except FiredoorError as error:
        return await _book(request, runtime, caller, name, error)
    return RedirectResponse(f"/playbooks/{name}#drills", 303)


@router.get("/playbooks/{name}/start", summary="The form that starts a playbook")
async def start_form(request: Request, name: str, runtime: Running, caller: Asking) -> Response:
    """One input for every fact. What is not known is left empty or said to be unknown."""
    return _start_page(request, runtime, caller, _plan(runtime, name), {})


@router.post("/playbooks/{name}/start", summary="Start a playbook, or see what that would do")
async def start(request: Request, name: str, runtime: Running, caller: Asking) -> Response:
    """With `dry_run` nothing is done: what would be called stands on the page, above what was typed."""
    plan, given = _plan(runtime, name), await forms.form_of(request)
    try:
        facts = forms.read_facts(plan.facts, "", given)
        if given.get("dry_run"):
            found = await what_would_be_done(runtime.service, name, facts)
            return _start_page(request, runtime, caller, plan, given, dry=_dry(plan, found))
        why = str(given.get("why", ""))
        need_why(why)
        incident = await runtime.service.open(name, facts, str(given.get("title", "")).strip(), why, caller.person)
    except FiredoorError as error:
        return _start_page(request, runtime, caller, plan, given, error)
    return RedirectResponse(f"/incidents/{incident}", 303)


def _may(caller: Caller) -> dict[str, bool]:
    roles = caller.person.roles
    return {"start": allowed(Access.RESPOND, roles), "drill": allowed(Access.WORK, roles)}


def _plan(runtime: Runtime, name: str) -> Plan:
    plan = runtime.shelf.plans.get(name)
    if plan is None:
        do = nearest(name[:80], runtime.shelf.plans)
        raise NotFound(Problem(code="P140", message="no playbook has this name", do=do))
    return plan


def _line(runtime: Runtime, plan: Plan, runs: Sequence[DrillRun]) -> Body:
    book = runtime.shelf.playbooks[plan.playbook]
    drills = book.header.drills
    names = {one.drill for one in drills}
    found = [run for run in runs if run.playbook == plan.playbook and run.drill in names]
    wrong = sum(not run.passed for run in found)
    said = f"{wrong} of {len(found)} went wrong" if wrong else f"{len(found)} as expected" if found else "not run yet"
    return {"plan": plan, "description": book.header.description, "drills": len(drills), "said": said, "wrong": wrong}


async def _book(
    request: Request, runtime: Runtime, caller: Caller, name: str, error: FiredoorError | None = None
) -> Response:
    plan, runs = _plan(runtime, name), runs_of(runtime)
    shown = await asyncio.to_thread(_whole, runtime, plan)
    drills = {
        "drills": runtime.shelf.playbooks[name].header.drills,
        "results": {run.drill: run for run in await results_of(runtime, name)},
    }
    problems = error.problems if error else ()
    made = page(
        request, "playbook.html.j2", error.http_status if error else 200, caller=caller, plan=plan, may=_may(caller),
        problems=problems, running=runs.running, fault=runs.fault, **drills, **shown,
    )  # fmt: skip
    if runs.running == name and not error:
        made.headers["Refresh"] = "3"  # until the drills are over; then the page stands still
    return made


def _whole(runtime: Runtime, plan: Plan) -> Body:
    book = runtime.shelf.playbooks[plan.playbook]
    return {
        "book": book.header, "broken": _problems(book), "proved": PROVED, "chart": plan_chart(plan.operations),
        "phases": list(_phases(plan)), "duties": _duties(runtime, plan), "words": PHASES,
    }  # fmt: skip


def _problems(book: Playbook) -> Sequence[Problem]:
    """What is wrong with the file as it stands now; an incident would still start by the last good plan."""
    try:
        library.compiled(book.source.file)
    except FiredoorError as error:
        return error.problems
    return ()


def _phases(plan: Plan) -> Iterator[Body]:
    for phase, title in PHASES.items():
        steps: dict[str, list[Operation]] = {}
        for operation in plan.operations:
            if operation.phase == phase:
                steps.setdefault(operation.step, []).append(operation)
        shown = [
            {"id": name, "title": step_title(found), "operations": [_operation(plan, one) for one in found]}
            for name, found in steps.items()
        ]
        if shown:
            yield {"phase": phase, "title": title, "steps": shown}


def _operation(plan: Plan, one: Operation) -> Body:
    return {"title": plain_title(one.title), "does": DOES[one.do], "who": who(one), "notes": list(_notes(plan, one))}


def _notes(plan: Plan, one: Operation) -> Iterator[str]:
    if isinstance(one, Ask):
        within, then = span(timedelta(seconds=one.within_seconds)), one.escalate_to.replace("_", " ")
        yield f"within {within}, then {then} is asked"
    if isinstance(one, Choose) and one.condition:
        yield (
            f"asks {one.role.replace('_', ' ')} when unknown"
            if one.if_unknown == "ask"
            else f"unknown counts as {one.if_unknown}"
        )
    if isinstance(one, Wait) and one.until_fact:
        yield f"until {one.until_fact.replace('_', ' ')}"
    if one.each:
        yield "for each clock" if one.each.startswith("clocks:") else "for each of them"
    titles = {operation.id: plain_title(operation.title) for operation in plan.operations}
    for edge in one.after:
        if edge.on != SETTLED:
            yield _condition(edge, titles)


def _condition(edge: Edge, titles: Mapping[str, str]) -> str:
    return f"only if it is “{edge.on.replace('_', ' ')}”: {titles[edge.after]}"


def _duties(runtime: Runtime, plan: Plan) -> list[Body]:
    """The duties that may start, by what is known of this organisation; of an incident nothing is known yet."""
    world = runtime.world
    catalogue = world.catalogue
    chosen = [duty for duty in catalogue.values() if plan.duties == "auto" or duty.id in plan.duties]
    found = assess(chosen, enrich(dict(world.organisation.facts)), world.now()).assessments
    return [
        {"duty": catalogue[one.duty], "reached": str(one.applies)}
        for one in found if one.applies is not NO and not catalogue[one.duty].stage_of
    ]  # fmt: skip


def _start_page(
    request: Request, runtime: Runtime, caller: Caller, plan: Plan, given: Mapping[str, Any],
    error: FiredoorError | None = None, dry: Body | None = None,
) -> Response:  # fmt: skip
    inputs = [
        (fact, forms.fact_input(runtime.world, fact, "", given, "unknown"))
        for fact in plan.facts
    ]  # fmt: skip
    first = [shown for fact, shown in inputs if fact.required or str(fact.type) in ("severity", "target")]
    more = [shown for _, shown in inputs if shown not in first]
    typed = any(shown["value"] or shown.get("low") or shown.get("high") for shown in more)
    return page(
        request, "playbook_start.html.j2", error.http_status if error else 200, caller=caller, plan=plan, dry=dry,
        first=first, more=more, wide=bool(typed or error),
        problems=error.problems if error else (), why=str(given.get("why", "")), title=str(given.get("title", "")),
    )  # fmt: skip


def _dry(plan: Plan, found: Body) -> Body:
    """The dry run in the order in which a person asks about it: what is called, when each thing comes, who is asked."""
    titles = {operation.id: plain_title(operation.title) for operation in plan.operations}
    told = [
        {**one, "when": OPEN if one["each"] and one["when"] != NOT_TAKEN else one["when"],
         "title": titles[one["id"]] if "[unknown" in one["title"] else one["title"],
         "question": titles[one["id"]] if "[unknown" in one.get("question", "") else one.get("question", "")}
        for one in found["operations"] if one["do"] != "choose"
    ]  # fmt: skip
    groups = [
        {"title": title, "operations": [one for one in told if one["when"] == when]}
        for when, title in WHEN.items()
    ]  # fmt: skip
    return {
        "missing": found["missing"], "groups": [group for group in groups if group["operations"]], "does": DOES,
        "calls": [one for one in told if one["do"] == "call" and one["when"] != NOT_TAKEN and one["verb"] != "capture"],
        "asks": [one for one in told if one["do"] == "ask" and one["when"] != NOT_TAKEN], "words": WHEN,
    }  # fmt: skip
