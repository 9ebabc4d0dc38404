"""What can be known beforehand about a start: one set of checks for the dry run and for every door of the deed.

Decides which target each operation means, as far as the facts tell, and what about it would go wrong: a target that the
inventory does not have refuses a start by a person (`anyway` with a reason starts all the same), and never an alert,
whose incident is opened and says it in a task; facts that a person corrects later are looked at the same way. That the
inventory is empty and that a target is never closed are said and refuse nothing. Leaves asking the connectors to
`dry_run`, and what cannot be kept as evidence to `evidence_gaps`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from firedoor.core.execution.questions import opened
from firedoor.core.facts import FactDefinition
from firedoor.core.history.operation_titles import Names
from firedoor.core.incident.faults import BY_HAND
from firedoor.core.incident.view import FAULT, START_TASK, IncidentView
from firedoor.core.journal import Draft, Kind
from firedoor.core.json_types import JsonObject
from firedoor.core.playbook.plan import Call, Choose, Keep, Operation, Plan
from firedoor.core.ports import Connector
from firedoor.core.problems import FiredoorError, InvalidInput, Problem, faulty
from firedoor.core.targets import Target
from firedoor.core.tasks.answers import need_why
from firedoor.runtime.config.container import World

log = logging.getLogger(__name__)
NOT_YET = "which target is meant shows when its facts are known"
ANYWAY = (
    "correct it, or start all the same and say why: `--anyway REASON` (`anyway` in the API and the console, "
    "`anyway: REASON` at the end in Slack)"
)
HOURS = 1  # until somebody must have looked at a target that an alert names and nobody knows


@dataclass(frozen=True, slots=True)
class StartChecks:
    """What was found. `problems` refuse a start by a person; `notices` are sentences that refuse nothing."""

    problems: tuple[Problem, ...] = ()
    notices: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """As the dry run and the answer to a start show it."""
        return {"refused": [one.model_dump(mode="json") for one in self.problems], "notices": list(self.notices)}


def target_meant(world: World, operation: Operation, names: Names, view: IncidentView) -> Target | str:
    """The target that an operation means, or a sentence while its facts are not known. Raises NotFound."""
    name = name_meant(operation, names, view)
    return world.target(name) if name else NOT_YET


def name_meant(operation: Operation, names: Names, view: IncidentView) -> str:
    """The name of the target that an operation means; empty while that cannot be said."""
    automatic = operation.automatic if isinstance(operation, Choose) else None
    name = names.fill(automatic, operation.id, view) if automatic else names.target(operation.id, view)
    known = bool(name.strip()) and "[" not in name and operation.each is None
    return name.strip() if known else ""


def start_checks(
    world: World, plan: Plan, view: IncidentView, definitions: Mapping[str, FactDefinition]
) -> StartChecks:
    """Look at every operation of a plan that touches a target, with the facts of the view. No effect."""
    names = Names(plan, definitions, world.organisation.words)
    touching = [one for one in plan.operations if isinstance(one, (Call, Keep, Choose)) and _touches(one)]
    if touching and not world.inventory.targets:
        return StartChecks(notices=(EMPTY,))
    unknown: dict[str, Problem] = {}
    notices: dict[str, None] = {}
    described: dict[str, dict[str, None]] = {}  # a fault of the inventory, and the targets of which no door can work
    for operation in touching:
        name = name_meant(operation, names, view)
        if not name or name in unknown:
            continue
        try:
            target = world.target(name)
        except FiredoorError as error:
            unknown[name] = error.problems[0].model_copy(update={"field": _fact_of(name, view)})
            continue
        notices.update(dict.fromkeys(_said(target, operation)))
        if fault := cannot_work(world.connectors, target):
            described.setdefault(fault, {})[target.id] = None
    faults = (f"{CANNOT} {', '.join(names)}: {fault}. {CORRECT}" for fault, names in described.items())
    return StartChecks(tuple(unknown.values()), (*notices, *faults))


def cannot_work(connectors: Mapping[str, Connector], target: Target) -> str:
    """What is wrong with how a target's doors are described, where none of them can work; else nothing."""
    found = ""
    for door in target.doors:
        try:
            connectors[door.connector].check(target, door)
        except FiredoorError as error:
            found = found or faulty(error)
        else:
            return ""
    return found


CANNOT = "Nothing can be closed at"
CORRECT = "Correct targets.yaml (`firedoor check` names every place); until then close by hand."
REMEDY = (
    "The alert may mean another target: correct the fact (`firedoor facts INCIDENT set`). If the name is right, close "
    "it by hand now, and describe it in targets.yaml."
)
EMPTY = (
    "The inventory is empty: Firedoor can close nothing and collect nothing here. Close by hand, and describe the "
    "targets in targets.yaml (FIREDOOR_TARGETS)."
)


def _touches(operation: Call | Keep | Choose) -> bool:
    if isinstance(operation, Choose):
        return bool(operation.automatic)
    return bool(operation.target)


def _said(target: Target, operation: Operation) -> Iterator[str]:
    if target.never_suspend and isinstance(operation, Call) and operation.verb == "suspend":
        yield f"{target.id} is never suspended: {target.because}."


def _fact_of(name: str, view: IncidentView) -> str | None:
    """The fact whose value the target's name is; None where the playbook names it itself."""
    return next((fact for fact, value in view.facts.items() if value == name), None)


def allowed(found: StartChecks, anyway: str) -> tuple[str, ...]:
    """The sentences that the journal keeps of what a person was told and starts in spite of.

    Raises InvalidInput with every problem, unless `anyway` says why it starts all the same.
    """
    if found.problems and not anyway.strip():
        raise InvalidInput([one.model_copy(update={"do": f"{one.do}\n{ANYWAY}"}) for one in found.problems])
    if anyway.strip():
        need_why(anyway)
    told = (f"Started all the same although {one.message}: {anyway.strip()}" for one in found.problems)
    return (*told, *found.notices)


def of_opening(world: World, plan: Plan, view: IncidentView) -> StartChecks:
    """The same for an incident that opens whatever is found; it never raises, since no detection is lost over it.

    A rehearsal has the targets that its drill names, made when they are asked for.
    """
    if world.rehearsal:
        return StartChecks()
    try:
        return start_checks(world, plan, view, plan.definitions())
    except Exception:
        log.exception("the checks of a start of %s", plan.playbook)
        return StartChecks()


def told(world: World, plan: Plan, facts: JsonObject) -> tuple[str, ...]:
    """The same in sentences, for whoever is asked whether a run that somebody started in Prefect may begin."""
    found = of_opening(world, plan, IncidentView("INC", type=plan.incident, playbook=plan.playbook, facts=dict(facts)))
    return (*(f"{one.message}. {one.do}" for one in found.problems), *found.notices)


def asked(plan: Plan, found: StartChecks, view: IncidentView, now: datetime) -> list[Draft]:
    """The task about targets that are named and that the inventory does not have."""
    if not found.problems:
        return []
    lead, other = plan.roles[0], next(iter(plan.roles[1:]), plan.roles[0])
    question = f"{'; '.join(one.message for one in found.problems)}: nothing is closed there"
    guidance = "\n".join((*(one.do for one in found.problems if one.do), REMEDY))
    due = now + timedelta(hours=HOURS)
    wrong = {one.field: view.facts[one.field] for one in found.problems if one.field}
    task = opened(START_TASK, FAULT, lead, other, question, guidance, BY_HAND, due)
    payload = {"part": "start", "fault": question, "facts": wrong}
    return [Draft(task.kind, task.actor, {**task.body, "op": "", "payload": payload})]


def of_change(world: World, view: IncidentView, drafts: Sequence[Draft]) -> list[Draft]:
    """The same task about what changed facts name; it never raises, and refuses nobody's correction."""
    values = {name: v for one in drafts if one.kind == Kind.FACTS for name, v in one.body["values"].items()}
    if not values or world.rehearsal:
        return []
    after = replace(view, facts={**view.facts, **values})
    try:
        plan = world.store.plan(view.plan_digest)
        found = start_checks(world, plan, after, world.definitions(plan))
    except Exception:
        log.exception("the checks of changed facts of %s", view.id)
        return []
    named = tuple(one for one in found.problems if one.field in values)
    return asked(plan, StartChecks(named), after, world.now())
