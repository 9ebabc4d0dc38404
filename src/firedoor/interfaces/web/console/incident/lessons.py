"""The lessons of an incident: what to talk about, what was promised, and which policies and steps change.

Decides the order and which tasks count as governance. Leaves the agenda, the measures and the proposals to the core,
through the same function as the API; nothing here changes a file or settles a task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from itertools import groupby

from fastapi import APIRouter, Request
from starlette.responses import Response

from firedoor.core.execution.progress import Progress
from firedoor.core.incident.view import TaskView
from firedoor.core.journal import Body
from firedoor.core.playbook.plan import Ask
from firedoor.core.tasks.answers import why_not
from firedoor.interfaces.web.api.measures import lessons_of
from firedoor.interfaces.web.console.plan_map import current, plan_map
from firedoor.interfaces.web.http.pages import page
from firedoor.interfaces.web.reading.cache import Glance, glance
from firedoor.interfaces.web.security.auth import Asking, Caller, Running
from firedoor.interfaces.web.security.route_table import Access
from firedoor.runtime.process.application import Runtime

router = APIRouter(tags=["console"], include_in_schema=False)

# The steps of the part `governance`, and what each is called for on this page.
POLICIES = ("update-assessment", "update-policies")
GOVERNANCE = ("governance-review", "governance-record")
MARKS = {"+": "add", "-": "del", "@": "at", "#": "note"}


@router.get("/incidents/{incident}/lessons", summary="The lessons of an incident")
async def show(request: Request, incident: str, runtime: Running, caller: Asking) -> Response:
    """The agenda of the session, measures, policies, governance, and the proposed change of the playbook."""
    found = await glance(runtime, incident, caller)
    shown = await asyncio.to_thread(_shown, runtime, found, caller)
    return page(
        request, "lessons.html.j2", caller=caller, view=found.view, title=found.show(found.view.title),
        now=runtime.world.now(), **shown,
    )  # fmt: skip


def _shown(runtime: Runtime, found: Glance, caller: Caller) -> dict[str, object]:
    made = lessons_of(runtime, found)
    phases = [] if found.view.closed_at else found.once("phases", lambda: plan_map(found))
    steps = {name: _governing(found, caller, name) for name in (*POLICIES, *GOVERNANCE)}
    governing = {step["id"] for found_steps in steps.values() for step in found_steps}
    return {
        "agenda": [(heading, list(points)) for heading, points in _by_heading(made["agenda"])],
        "measures": [one for one in made["measures"] if one["id"] not in governing], "promised": made["promised"],
        "reviews": made["reviews"], "proposals": made["proposals"], "diff": _lines(made["diff"]),
        "policies": [step for name in POLICIES for step in steps[name]],
        "governance": [step for name in GOVERNANCE for step in steps[name]],
        "phase": next((one["title"] for one in phases if one["phase"] == current(phases)), ""),
    }  # fmt: skip


def _by_heading(points: Iterable[Body]) -> Iterable[tuple[str, Iterable[Body]]]:
    return groupby(points, key=lambda point: str(point["heading"]))


def _governing(found: Glance, caller: Caller, step: str) -> list[Body]:
    """Where a step of the governance stands: not asked yet, left out, open, or answered by whom and how."""
    view, progress = found.view, Progress(found.plan, found.view)
    made = []
    for name, instance in progress.instances.items():
        operation = instance.operation
        if not isinstance(operation, Ask) or operation.step.rpartition(".")[2] != step:
            continue
        task = next((task for task in reversed(view.tasks.values()) if task.op == name), None)
        given = task.answers[-1] if task and task.answers else None
        choice = next((one for one in task.choices if given and one["id"] == given["choice"]), None) if task else None
        made.append({
            "id": task.id if task else name, "title": found.names.title(name, view), "role": operation.role,
            "task": f"T{task.number}" if task else "", "due_at": task.due_at if task else None,
            "open": bool(task and task.open), "status": str(progress.status(name)), "given": given,
            "label": choice["label"] if choice else "", "claimed_by": task.claimed_by if task else "",
            "mine": task is not None and task.open and _mine(found, caller, task),
        })  # fmt: skip
    covered: list[Body] = found.show(made)
    return covered


def _mine(found: Glance, caller: Caller, task: TaskView) -> bool:
    works = caller.may(Access.WORK)
    return works and why_not(found.view, task, caller.within(found.view)) is None


def _lines(text: str) -> list[tuple[str, str]]:
    """Each line of the diff with what it is, so that the page can say it by more than its first character."""
    lines = text.splitlines()
    return [("file" if line.startswith(("+++", "---")) else MARKS.get(line[:1], "same"), line) for line in lines]
