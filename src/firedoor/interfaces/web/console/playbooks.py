"""The library: playbooks, each with its plan as a picture and as a list, its drills, and the form that starts it.

Decides what is shown of a plan, and that starting shows on request what would be done before anything is. Leaves the
geometry to `core.plan_chart`, the plan's soundness to the compiler and starting to the service.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from firedoor.core.alerts.evidence_strength import EVIDENCE
from firedoor.core.journal import Body
from firedoor.core.law.assessment import assess
from firedoor.core.law.territories import enrich
from firedoor.core.playbook.plan import SETTLED, Ask, Choose, Edge, Operation, Plan, Wait
from firedoor.core.playbook.plan_chart import plain_title, plan_chart, step_title, who
from firedoor.core.playbook.playbook import Playbook
from firedoor.core.problems import FiredoorError, NotFound, Problem, nearest
from firedoor.core.tasks.answers import need_why
from firedoor.core.ternary import NO
from firedoor.interfaces.web.console import forms
from firedoor.interfaces.web.console.drill_runs import results_of, runs_of
from firedoor.interfaces.web.http.pages import page
from firedoor.interfaces.web.http.words import span
from firedoor.interfaces.web.security.auth import Asking, Caller, Running
from firedoor.interfaces.web.security.route_table import Access
from firedoor.runtime.config import playbooks
from firedoor.runtime.process.application import Runtime
from firedoor.runtime.rehearsal.dry_run import AT_ONCE, NOT_TAKEN, OPEN, PERSON, what_would_be_done
from firedoor.runtime.service.start_keys import MAXIMUM_KEY
from firedoor.store.incidents.drill_results import DrillRun

router = APIRouter(tags=["console"], include_in_schema=False)

PHASES = {
    "identification": "Identification", "containment": "Containment", "remediation": "Remediation",
    "post_incident": "Post-incident",
}  # fmt: skip
DOES = {
    "call": "changes a target", "keep": "keeps evidence", "ask": "asks a person", "tell": "tells people",
    "mark": "updates the incident's state", "wait": "waits", "choose": "checks the facts",
}  # fmt: skip
WHEN = {
    AT_ONCE: "At once", OPEN: "Depends on what is found", PERSON: "After a person decides",
    NOT_TAKEN: "Skipped with these facts",
}  # fmt: skip
PROVED = (
    "All references and names resolve.", "Evidence is preserved before anything that could change it.",
    "The incident cannot be closed while a duty is neither met nor waived by a named person.",
    "Every approval has an end; no answer never counts as a yes.", "Irreversible actions are opted in and approved.",
    "All drills compile.",
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
        title, anyway = str(given.get("title", "")).strip(), str(given.get("anyway", ""))

        async def opened(mark: str) -> str:
            practice = bool(given.get("practice"))
            return await runtime.service.open(
                name, facts, title, why, caller.person, anyway=anyway, practice=practice, mark=mark
            )

        said, once = (
            {"playbook": name, "facts": facts, "title": title, "why": why, "anyway": anyway},
            str(given.get("once", "")),
        )
        incident, _ = await runtime.service.start_keys.once(once[:MAXIMUM_KEY], said, caller.person, opened)
    except FiredoorError as error:
        return _start_page(request, runtime, caller, plan, given, error)
    return RedirectResponse(f"/incidents/{incident}", 303)


def _may(caller: Caller) -> dict[str, bool]:
    return {"start": caller.may(Access.RESPOND), "drill": caller.may(Access.WORK)}


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
    said = f"{wrong} of {len(found)} failed" if wrong else f"{len(found)} passed" if found else "not run yet"
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
        playbooks.compiled(book.source.file)
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
    request: Request, runtime: Runtime, caller: Caller, plan: Plan, given: Mapping[str, object],
    error: FiredoorError | None = None, dry: Body | None = None,
) -> Response:  # fmt: skip
    inputs = [
        (fact, forms.fact_input(runtime.world, fact, "", given, "unknown"))
        for fact in plan.facts
        if fact.name != EVIDENCE
    ]  # fmt: skip
    first = [shown for fact, shown in inputs if fact.required or str(fact.type) in ("severity", "target")]
    more = [shown for _, shown in inputs if shown not in first]
    typed = any(shown["value"] or shown.get("low") or shown.get("high") for shown in more)
    return page(
        request, "playbook_start.html.j2", error.http_status if error else 200, caller=caller, plan=plan, dry=dry,
        first=first, more=more, wide=bool(typed or error),
        problems=error.problems if error else (), why=str(given.get("why", "")), title=str(given.get("title", "")),
        practice=bool(given.get("practice")), anyway=str(given.get("anyway", "")),
        once=str(given.get("once", "")) or secrets.token_urlsafe(12),
        doubted=bool(given.get("anyway")) or _doubted(error, dry),
    )  # fmt: skip


def _gaps(told: list[Body]) -> dict[str, list[str]]:
    """What could not be kept of each target, because the inventory does not describe it."""
    found: dict[str, list[str]] = {}
    for one in told:
        for name in one.get("not_in_inventory", ()):
            names = found.setdefault(str(one["target"]), [])
            names += [name] if name not in names else []
    return found


def _doubted(error: FiredoorError | None, dry: Body | None) -> bool:
    """Whether the checks of a start refuse it, so that the page offers to start all the same."""
    refused = dry["start"]["refused"] if dry else ()
    return bool(refused) or any(problem.code == "N104" for problem in (error.problems if error else ()))


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
        "missing": found["missing"], "start": found["start"],
        "groups": [group for group in groups if group["operations"]], "does": DOES,
        "calls": [one for one in told if one["do"] == "call" and one["when"] != NOT_TAKEN and one["verb"] != "capture"],
        "asks": [one for one in told if one["do"] == "ask" and one["when"] != NOT_TAKEN], "words": WHEN,
        "gaps": _gaps(told),
    }  # fmt: skip
