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

from firedoor.core.alerts.alert import Alert
from firedoor.core.alerts.evidence_strength import read_given
from firedoor.core.facts import write
from firedoor.core.history.operation_titles import Names
from firedoor.core.incident.scope import scope_of, typed_facts
from firedoor.core.incident.view import IncidentView
from firedoor.core.language.expression import Expression
from firedoor.core.playbook.plan import SETTLED, Ask, Call, Choose, Keep, Operation, Plan, Tell
from firedoor.core.ports import CallPlan
from firedoor.core.problems import FiredoorError, Problem, Unanswered
from firedoor.core.targets import Door, Target
from firedoor.core.ternary import UNKNOWN, Ternary
from firedoor.runtime.config.container import World
from firedoor.runtime.rehearsal.dry_run_preview import Unasked, asked, kept_from, not_known, target_shown
from firedoor.runtime.service.facade import Service
from firedoor.runtime.service.run_requests import facts_from
from firedoor.runtime.service.start_checks import target_meant

Body = dict[str, Any]
PATIENCE = 10.0  # seconds for one connector to say what it would do
AT_ONCE, PERSON, OPEN, NOT_TAKEN = "at once", "after a person", "depends", "left out"
_ORDER = (AT_ONCE, OPEN, PERSON, NOT_TAKEN)


async def what_would_be_done(
    service: Service, playbook: str | Path, facts: Mapping[str, object], alert: Alert | None = None
) -> Body:
    """Return the plan as it would go with these facts, and with those that the playbook takes from an alert.

    Raises NotFound or InvalidInput, as starting it would.
    """
    plan = await asyncio.to_thread(service.shelf.plan, playbook)
    told = facts_from(alert, plan.playbook, service.here())[0] if alert is not None else {}
    world = service.world
    definitions = await asyncio.to_thread(world.definitions, plan)
    view = IncidentView("INC-DRY-RUN", type=plan.incident, title=plan.title, playbook=plan.playbook)
    given = {name: write(value) for name, value in read_given(definitions, facts, world.now()).items()}
    view.facts = {**told, **given}
    missing = [fact.name for fact in plan.facts if fact.required and view.facts.get(fact.name) is None]
    rehearsal = _Rehearsal(world, plan, view, Names(plan, definitions, world.organisation.words))
    operations = [await rehearsal.describe(operation) for operation in plan.operations]
    return {
        "dry_run": True, "playbook": plan.playbook, "version": plan.version, "plan": plan.digest, "facts": view.facts,
        "missing": missing, "start": service.checked(plan, view.facts).as_json(), "operations": operations,
        "approvals": [one for one in operations if one["do"] == "ask"],
        "targets": list(rehearsal.targets.values()), "unasked": rehearsal.unasked(),
        "limits": plan.limits.model_dump() if plan.limits else None,
        "not_known": not_known(operations, missing),
    }  # fmt: skip


class _Rehearsal:
    def __init__(self, world: World, plan: Plan, view: IncidentView, names: Names) -> None:
        self.world = world
        self.plan = plan
        self.view = view
        self.names = names
        self.operations = {operation.id: operation for operation in plan.operations}
        facts = typed_facts(view.facts, plan.definitions())
        self.scope = scope_of(view, facts, world.organisation.words)
        self.targets: dict[str, Body] = {}  # those that the plan touches, in its order
        self._when: dict[str, str] = {}
        self._plans: dict[tuple[str, str], CallPlan | FiredoorError] = {}

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
            shown |= {"question": question, **asked(operation, self.names, self.view)}
        if isinstance(operation, Call):
            shown |= {"verb": operation.verb, "reflex": operation.reflex, "means": operation.target}
            shown |= await self._call(operation)
        if isinstance(operation, Keep) and operation.target:
            shown |= self._kept(operation)
        if isinstance(operation, Choose) and (operation.condition or operation.listing):
            shown |= {"condition": operation.condition, "listing": operation.listing, "holds": self._holds(operation)}
        if isinstance(operation, Tell):
            shown |= {"to": list(operation.to)}
        return shown

    def unasked(self) -> list[Body]:
        """What would be closed without asking, in order; each counts for those after it."""
        rules = Unasked(self.world, self.plan, self.view, self.names, self.scope)
        told: list[Body] = []
        for operation in self.operations.values():
            if isinstance(operation, Choose) and operation.automatic:
                before = {str(one["target"]) for one in told if one["unasked"]}
                told.append(rules.told(operation, self.when(operation.id), before))
        return told

    def _kept(self, keep: Keep) -> Body:
        target = self._target(keep.id)
        if isinstance(target, str):
            return {"target": None, "problem": target}
        return {"target": target.id, "problem": None, **kept_from(target, keep)}

    def _target(self, operation: str) -> Target | str:
        """The target that an operation means, or why that cannot be said."""
        try:
            return target_meant(self.world, self.operations[operation], self.names, self.view)
        except FiredoorError as error:
            return str(error.problems[0])

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

    def _holds(self, choose: Choose) -> str | None:
        """What a condition comes to with these facts: yes, no or unknown; None for a list."""
        return str(Expression.parse(choose.condition).decide(self.scope)) if choose.condition else None

    async def _call(self, call: Call) -> Body:
        target = self._target(call.id)
        if isinstance(target, str):
            name = self.names.target(call.id, self.view).strip()
            known = call.each is None and name and "[unknown" not in name
            return {"target": name if known else None, "doors": [], "problem": target}
        self.targets.setdefault(target.id, target_shown(target))
        problem = None
        if target.never_suspend and call.verb in ("capture", "suspend"):
            problem = f"{target.id} is never suspended: {target.because}"
        by_name = {door.name: door for door in target.doors}
        doors = [by_name[name] for name in call.doors if name in by_name] or list(target.doors)
        shown = [await self._door(target, door, call) for door in doors]
        return {"target": target.id, "doors": shown, "problem": problem, "every_door": call.every_door}

    async def _door(self, target: Target, door: Door, call: Call) -> Body:
        base = {"door": door.name, "connector": door.connector, "calls": [], "problems": []}
        try:
            planned = await self._planned(target, door)
        except FiredoorError as error:
            return {**base, "problems": [problem.model_dump(mode="json") for problem in error.problems]}
        full = planned.model_dump(mode="json", exclude={"target"})
        calls = [one for one in full["calls"] if one["verb"] in (call.verb, "verify")]
        alone = call.verb == "suspend" and planned.reversible == "no" and not call.allow_irreversible
        left_alone = "it could not be opened again: left alone, the playbook does not opt in" if alone else ""
        return {**base, **full, "calls": calls, "left_alone": left_alone}

    async def _planned(self, target: Target, door: Door) -> CallPlan:
        """What the connector would do; asked once for each door. Raises what it raises, and Unanswered."""
        place = (target.id, door.name)
        if place not in self._plans:
            try:
                async with asyncio.timeout(PATIENCE):
                    self._plans[place] = await self.world.connectors[door.connector].plan(target, door)
            except TimeoutError:
                message = f"{door.name} did not say within {PATIENCE:.0f} s what it would do"
                self._plans[place] = Unanswered(Problem(code="R101", message=message))
            except FiredoorError as error:
                self._plans[place] = error
        planned = self._plans[place]
        if isinstance(planned, FiredoorError):
            raise planned
        return planned
