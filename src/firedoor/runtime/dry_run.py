"""What starting a playbook would do, said before it is done: no effect, nothing stored.

Decides for every operation whether it would be performed at once, waits for a person
or for something before it, or is left out, as far as the given facts tell. Each call to
a target is planned by its connector: the calls, the permissions, what else is behind
that door. Leaves rehearsing a whole incident to the drills.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from firedoor.core.expression import Expression
from firedoor.core.facts import read_all, write
from firedoor.core.naming import Names
from firedoor.core.operations import SETTLED, Ask, Call, Choose, Operation, Plan
from firedoor.core.problems import FiredoorError, Problem
from firedoor.core.scope import scope_of, typed_facts
from firedoor.core.ternary import UNKNOWN, Ternary
from firedoor.core.view import IncidentView
from firedoor.runtime.service import Service
from firedoor.runtime.world import World

Body = dict[str, Any]
PATIENCE = 10.0  # seconds for one connector to say what it would do
AT_ONCE, PERSON, OPEN, NOT_TAKEN = "at once", "after a person", "depends", "left out"
_ORDER = (AT_ONCE, OPEN, PERSON, NOT_TAKEN)


async def what_would_be_done(service: Service, playbook: str | Path, facts: Mapping[str, Any]) -> Body:
    """Return the plan as it would go with these facts. Raises NotFound or InvalidInput, as starting it would."""
    plan = await asyncio.to_thread(service.shelf.plan, playbook)
    world = service.world
    definitions = await asyncio.to_thread(world.definitions, plan)
    view = IncidentView("INC-DRY-RUN", type=plan.incident, title=plan.title, playbook=plan.playbook)
    view.facts = {name: write(value) for name, value in read_all(definitions, facts).items()}
    missing = [fact.name for fact in plan.facts if fact.required and view.facts.get(fact.name) is None]
    rehearsal = _Rehearsal(world, plan, view, Names(plan, definitions, world.organisation.words))
    operations = [await rehearsal.describe(operation) for operation in plan.operations]
    return {
        "dry_run": True, "playbook": plan.playbook, "version": plan.version, "plan": plan.digest, "facts": view.facts,
        "missing": missing, "operations": operations, "approvals": [one for one in operations if one["do"] == "ask"],
    }  # fmt: skip


class _Rehearsal:
    def __init__(self, world: World, plan: Plan, view: IncidentView, names: Names) -> None:
        self.world = world
        self.view = view
        self.names = names
        self.operations = {operation.id: operation for operation in plan.operations}
        facts = typed_facts(view.facts, plan.definitions())
        self.scope = scope_of(view, facts, world.organisation.words)
        self._when: dict[str, str] = {}

    async def describe(self, operation: Operation) -> Body:
        """One operation: when it would come, and what it would do."""
        shown: Body = {
            "id": operation.id, "title": self.names.title(operation.id, self.view), "phase": str(operation.phase),
            "do": operation.do,
            "when": self.when(operation.id), "after": [edge.model_dump() for edge in operation.after],
            "each": operation.each,
        }  # fmt: skip
        if isinstance(operation, Ask):
            question = self.names.fill(operation.question, operation.id, self.view)
            kept = operation.model_dump(
                mode="json", include={"role", "approvals", "within_seconds", "escalate_to", "choices"}
            )
            shown |= {"question": question, **kept}
        if isinstance(operation, Call):
            shown |= {"verb": operation.verb, "reflex": operation.reflex, **await self._call(operation)}
        return shown

    def when(self, identifier: str) -> str:
        """When an operation would come, from what it waits for."""
        if identifier not in self._when:
            self._when[identifier] = OPEN  # a circle, which the compiler refuses, would stay open
            edges = self.operations[identifier].after
            answers = [self._edge(edge.after, edge.on) for edge in edges]
            self._when[identifier] = max(answers, key=_ORDER.index, default=AT_ONCE)
        return self._when[identifier]

    def _edge(self, before: str, on: str) -> str:
        operation, when = self.operations[before], self.when(before)
        if on == SETTLED:
            settled = AT_ONCE if when == NOT_TAKEN else when
            return PERSON if isinstance(operation, Ask) and when != NOT_TAKEN else settled
        if when == NOT_TAKEN:
            return NOT_TAKEN
        if isinstance(operation, Ask):
            return PERSON
        if isinstance(operation, Choose):
            decided = self._decided(operation)
            return when if decided == on else (PERSON if decided == "ask" else OPEN if not decided else NOT_TAKEN)
        return when

    def _decided(self, choose: Choose) -> str:
        """What a condition would come to with these facts; empty where that shows later."""
        if choose.failed_of or choose.listing:
            return "no" if choose.failed_of else ""
        answer = Expression.parse(choose.condition or "yes").decide(self.scope)
        return str(choose.if_unknown) if answer is UNKNOWN else str(Ternary(answer))

    async def _call(self, call: Call) -> Body:
        name = self.names.target(call.id, self.view).strip()
        if not name or "[unknown" in name or call.each is not None:
            return {"target": None, "doors": [], "problem": "which target is meant shows when its facts are known"}
        try:
            target = self.world.target(name)
        except FiredoorError as error:
            return {"target": name, "doors": [], "problem": str(error.problems[0])}
        doors = [door for door in target.doors if not call.doors or door.name in call.doors] or list(target.doors)
        return {"target": name, "doors": [await self._door(target, door, call.verb) for door in doors], "problem": None}

    async def _door(self, target: Any, door: Any, verb: str) -> Body:  # noqa: ANN401 - a Target and its Door
        try:
            async with asyncio.timeout(PATIENCE):
                planned = await self.world.connectors[door.connector].plan(target, door)
        except FiredoorError as error:
            return {"door": door.name, "problems": [problem.model_dump(mode="json") for problem in error.problems]}
        except TimeoutError:
            problem = Problem(code="R101", message=f"{door.name} did not say within {PATIENCE:.0f} s what it would do")
            return {"door": door.name, "problems": [problem.model_dump(mode="json")]}
        full = planned.model_dump(mode="json", exclude={"target"})
        calls = [call for call in full["calls"] if call["verb"] in (verb, "verify")]
        return {**full, "calls": calls, "problems": []}
