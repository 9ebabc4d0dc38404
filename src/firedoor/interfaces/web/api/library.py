"""What this installation knows: playbooks with their plans, targets, duties.

Decides what is shown of them; nothing secret stands in any (doors name their secrets by
reference, and their configuration is left out). Leaves reading them to the runtime.
"""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from starlette.responses import Response

from firedoor.core.law.duty import Duty
from firedoor.core.problems import NotFound, Problem, nearest
from firedoor.interfaces.web.http.filters import need_word
from firedoor.interfaces.web.http.responses import answer, problem_body
from firedoor.interfaces.web.security.auth import Asking, Running

router = APIRouter(prefix="/api/v1", tags=["library"])


@router.get("/playbooks", summary="List playbooks")
def list_playbooks(runtime: Running, _: Asking) -> Response:
    """Playbooks that alerts and people can start, and the files that cannot be read, with their problems."""
    shown = [
        {
            "name": plan.playbook,
            "version": plan.version,
            "title": plan.title,
            "incident": str(plan.incident),
            "roles": list(plan.roles),
            "plan": plan.digest,
            "operations": len(plan.operations),
            "facts": [fact.name for fact in plan.facts],
        }
        for plan in sorted(runtime.shelf.plans.values(), key=lambda plan: plan.playbook)
    ]
    broken = [{"file": file, **problem_body(problems)} for file, problems in runtime.shelf.problems.items()]
    return answer({"playbooks": shown, "broken": broken})


@router.get("/playbooks/{name}", summary="One playbook's plan")
def get_playbook(name: str, runtime: Running, _: Asking) -> Response:
    """The compiled plan: facts, roles, and every operation with what it waits for."""
    plan = runtime.shelf.plans.get(name)
    if plan is None:
        problem = Problem(code="P140", message="no playbook has this name", do=nearest(name[:80], runtime.shelf.plans))
        raise NotFound(problem)
    return answer({"digest": plan.digest, "plan": plan.model_dump(mode="json")})


@router.get("/targets", summary="List what can be suspended")
def list_targets(runtime: Running, _: Asking) -> Response:
    """The inventory: targets, their doors by name, neighbours, and which evidence can be read."""
    inventory = runtime.world.inventory
    shown = [
        {"id": t.id, "title": t.title, "kind": t.kind, "model": t.model, "owner": t.owner, "regions": list(t.regions),
         "doors": [{"name": door.name, "connector": door.connector} for door in t.doors], "probed": t.probe is not None,
         "neighbours": list(t.neighbours), "evidence": sorted(t.evidence), "never_suspend": t.never_suspend,
         "because": t.because}
        for t in inventory.targets.values()
    ]  # fmt: skip
    return answer({"targets": shown})


@router.get("/duties", summary="List the duties of the catalogue")
async def list_duties(runtime: Running, _: Asking, jurisdiction: str | None = None) -> Response:
    """Every duty with its law. What a duty asks of this organisation is for a person to judge."""
    catalogue = await asyncio.to_thread(lambda: runtime.world.catalogue)
    need_word("jurisdiction", jurisdiction, {duty.jurisdiction for duty in catalogue.values()})
    shown = [_duty(duty) for duty in catalogue.values() if jurisdiction is None or duty.jurisdiction == jurisdiction]
    return answer({"duties": shown})


@router.get("/duties/{duty:path}", summary="One duty in full")
async def get_duty(duty: str, runtime: Running, _: Asking) -> Response:
    """Conditions, dated versions, periods, content and sources."""
    catalogue = await asyncio.to_thread(lambda: runtime.world.catalogue)
    return answer(catalogue.find(duty).model_dump(mode="json"))


def _duty(duty: Duty) -> dict[str, object]:
    return {
        "id": duty.id, "title": duty.title, "jurisdiction": duty.jurisdiction, "citation": duty.citation,
        "owed_by": duty.owed_by,
        "addressee": str(duty.addressee), "authority": duty.authority, "trigger": str(duty.trigger.kind),
        "confidence": duty.confidence,
        "verified_on": duty.verified_on.isoformat(), "review_by": duty.review_by.isoformat(), "penalty": duty.penalty,
    }  # fmt: skip
