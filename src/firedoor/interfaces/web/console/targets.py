"""Targets door by door: what each is, how it is closed, who holds it closed; closing, looking and opening by hand.

Decides that the plan of a door is shown before the button, and that what is done by hand is on record like any other:
closing opens an incident of two steps, opening answers its second. Leaves what may be opened to the core.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter, Request
from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from firedoor.core.access.need_to_know import may_read
from firedoor.core.inventory import drawing
from firedoor.core.inventory.answer import answer
from firedoor.core.json_types import Json
from firedoor.core.ports import Verdict
from firedoor.core.problems import FiredoorError, NotPermitted, Problem, Refused
from firedoor.core.targets import Door, Inventory, Target
from firedoor.core.tasks.answers import Answer, need_why
from firedoor.interfaces.web.api.holds import held
from firedoor.interfaces.web.console import forms
from firedoor.interfaces.web.http.pages import page
from firedoor.interfaces.web.security.auth import Asking, Caller, Running
from firedoor.interfaces.web.security.route_table import Access
from firedoor.runtime.execution.evidence_gaps import gaps_in
from firedoor.runtime.process.application import Runtime
from firedoor.runtime.rehearsal.dry_run import PATIENCE
from firedoor.runtime.service.start_keys import MAXIMUM_KEY
from firedoor.store.database.sql import Record, table
from firedoor.store.database.tables import HoldRow

router = APIRouter(tags=["console"], include_in_schema=False)

BY_HAND = "close-a-door"
RESUME = "remediation.resume.approve"


@dataclass(frozen=True, slots=True)
class Reach:
    """What a target reaches: the answer of the inventory, the other targets with the way to each, a drawing."""

    body: Mapping[str, Json]
    others: Mapping[str, str]
    svg: Markup


HOLDS = {
    "held": "closed", "drifted": "answering again", "unseen": "not confirmed closed", "closing": "being closed",
    "opening": "being opened",
}  # fmt: skip
SEEN = {"yes": "answers", "no": "refuses", "unknown": "unknown"}


@router.get("/targets", summary="Targets")
async def list_targets(request: Request, runtime: Running, caller: Asking) -> Response:
    """Everything that can be suspended, and what is held closed."""
    kept = await asyncio.to_thread(_held, runtime, caller)
    shown = [{"target": target, "held": kept.get(target.id, [])} for target in runtime.world.inventory.targets.values()]
    return page(request, "targets.html.j2", caller=caller, targets=shown, holds=HOLDS, now=runtime.world.now())


@router.get("/targets/{target}", summary="A target")
async def show(request: Request, target: str, runtime: Running, caller: Asking) -> Response:
    """Its doors with the calls that would be made, its neighbours, its probe, and the forms for doing it by hand."""
    return await _page(request, runtime, caller, target)


@router.post("/targets/{target}/verify", summary="Look at a target")
async def verify(request: Request, target: str, runtime: Running, caller: Asking) -> Response:
    """Look, as a caller does, whether it answers, and its neighbours too. Changes nothing."""
    found = runtime.world.target(target)
    try:
        connector = runtime.world.connectors[found.doors[0].connector]
        verdict = await connector.verify(found, found.doors[0], "refused")
    except FiredoorError as error:
        return await _page(request, runtime, caller, target, error)
    return await _page(request, runtime, caller, target, verdict=verdict)


@router.post("/targets/{target}/suspend", summary="Close a target by hand")
async def suspend(request: Request, target: str, runtime: Running, caller: Asking) -> Response:
    """Open an incident that closes it at once, proves it, and keeps the way back."""
    given = await forms.form_of(request)
    why, practice = str(given.get("why", "")), bool(given.get("practice"))
    try:
        found = runtime.world.target(target)
        need_why(why)
        if found.never_suspend:
            message = f"{target} is never suspended by Firedoor: {found.because}"
            raise Refused(Problem(code="K502", message=message, do="close what misuses it instead"))
        facts, title, once = {"endpoint": target}, f"Close {target} by hand", str(given.get("once", ""))

        async def opened(mark: str) -> str:
            return await runtime.service.open(
                _two_steps(), facts, title, why, caller.person, practice=practice, mark=mark
            )

        said = {"playbook": BY_HAND, "facts": facts, "why": why, **({"practice": True} if practice else {})}
        incident, _ = await runtime.service.start_keys.once(once[:MAXIMUM_KEY], said, caller.person, opened)
    except FiredoorError as error:
        return await _page(request, runtime, caller, target, error, typed=given)
    return RedirectResponse(f"/incidents/{incident}", 303)


@router.post("/targets/{target}/resume", summary="Open a target by hand")
async def resume(request: Request, target: str, runtime: Running, caller: Asking) -> Response:
    """Open what was closed by hand, or agree to open what an ended incident keeps closed."""
    given = await forms.form_of(request)
    why = str(given.get("why", ""))
    try:
        need_why(why)
        incident = await _opened(runtime, caller, runtime.world.target(target).id, why)
    except FiredoorError as error:
        return await _page(request, runtime, caller, target, error, typed=given)
    return RedirectResponse(f"/incidents/{incident}", 303)


def _two_steps() -> Path:
    """The playbook of a door that is closed by hand, the same as on the command line."""
    return Path(str(files("firedoor.interfaces.cli.playbooks") / f"{BY_HAND}.yaml"))


async def _opened(runtime: Runtime, caller: Caller, target: str, why: str) -> str:
    """Open it by way of whoever holds it; return the incident. Raises Refused, NotPermitted or NotFound."""
    rows = await asyncio.to_thread(runtime.world.store.rows, HoldRow, table(HoldRow).c.target == target)
    holders = [await asyncio.to_thread(runtime.world.store.incident, str(row["incident"])) for row in rows]
    ended = [row for row in holders if row["closed_at"]]
    ours = [row for row in holders if row["playbook"] == BY_HAND and not row["closed_at"]]
    if not caller.local and not all(may_read(row["readers"], caller.person) for row in holders):
        raise _closed_to(target)
    if ours:
        view = await runtime.service.view(ours[0]["id"])
        await runtime.service.answer(view.id, RESUME, Answer("approve", why), caller.within(view))
        return view.id
    if holders and len(ended) == len(holders):
        await runtime.service.open_again(ended[0]["id"], target, why, caller.person)
        return str(ended[0]["id"])
    raise _not_ours(target, holders)


def _closed_to(target: str) -> NotPermitted:
    message = f"{target} is held closed by an incident that is open only to those who need to know"
    return NotPermitted(Problem(code="W106", message=message, do="ask whoever commands your incidents"))


def _not_ours(target: str, holders: list[Record]) -> Refused:
    if not holders:
        message, do = f"nothing here holds {target} closed", "use “Check now” to see whether it is closed"
    else:
        running = next(row["id"] for row in holders if not row["closed_at"])
        message = f"{target} is held closed by {running}, which is still going on"
        do = "it opens with that incident's own task for resuming, when its people have agreed"
    return Refused(Problem(code="U130", message=message, do=do))


async def _page(
    request: Request, runtime: Runtime, caller: Caller, name: str, error: FiredoorError | None = None,
    verdict: Verdict | None = None, typed: Record | None = None,
) -> Response:  # fmt: skip
    target = runtime.world.target(name)
    doors = await asyncio.gather(*(_door(runtime, target, door) for door in target.doors))
    kept = (await asyncio.to_thread(_held, runtime, caller)).get(target.id, [])
    may = {"close": caller.may(Access.RESPOND), "work": caller.may(Access.WORK)}
    gaps = list(gaps_in(runtime.shelf.plans.values(), Inventory(targets={name: target})))
    return page(
        request, "target.html.j2", error.http_status if error else 200, caller=caller, target=target, doors=doors,
        held=kept, holds=HOLDS, may=may, problems=error.problems if error else (), verdict=verdict, seen=SEEN,
        typed=typed or {}, once=secrets.token_urlsafe(12), gaps=gaps, now=runtime.world.now(),
        reach=await asyncio.to_thread(_reach, runtime, name),
    )  # fmt: skip


def _reach(runtime: Runtime, name: str) -> Reach | None:
    """What else is affected when something is wrong with this target; None where the inventory describes no model."""
    lineage = runtime.world.lineage
    if lineage is None:
        return None
    found = lineage.of(name)
    body = answer(lineage.inventory, found, runtime.world.catalogue.facts)
    return Reach(body, lineage.others(name), Markup(drawing.svg(found)))  # noqa: S704 - every name in it is escaped


async def _door(runtime: Runtime, target: Target, door: Door) -> dict[str, object]:
    """One door with what closing it would call; a system that does not say is a problem of this door only."""
    try:
        async with asyncio.timeout(PATIENCE):
            plan = await runtime.world.connectors[door.connector].plan(target, door)
    except FiredoorError as error:
        return {"door": door, "plan": None, "problems": error.problems}
    except TimeoutError:
        problem = Problem(code="R101", message=f"no answer within {PATIENCE:.0f} s about what it would do")
        return {"door": door, "plan": None, "problems": (problem,)}
    return {"door": door, "plan": plan, "problems": ()}


def _held(runtime: Runtime, caller: Caller) -> dict[str, list[Record]]:
    """What is held, by target; of an incident that is closed to the caller not even its number."""
    found: dict[str, list[Record]] = {}
    for row in held(runtime, caller):
        found.setdefault(str(row["target"]), []).append(row)
    return found
