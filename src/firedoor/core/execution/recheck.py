"""The second look at whether something is suspended without asking: when another alert came in meanwhile.

A condition is settled once. One for acting unasked is settled again after every further alert of the
incident, as long as nothing of its step was begun and nobody has answered: two detectors may agree only
later. What was answered, skipped or done by hand stands. Leaves what is enough to `brake`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from firedoor.core.alerts.evidence_strength import EVIDENCE, STRONG
from firedoor.core.entries.run import FactsSet, OperationSkipped
from firedoor.core.execution.automatic_limits import enough
from firedoor.core.execution.progress import Instance
from firedoor.core.facts import FactDefinition
from firedoor.core.incident.view import IncidentView
from firedoor.core.journal import Body, Draft, Kind
from firedoor.core.playbook.plan import Ask, Choose, Plan

ACTOR = "firedoor"


def is_due(plan: Plan, view: IncidentView, instance: Instance) -> bool:
    """Whether a settled condition is asked again."""
    choose, record = instance.operation, view.operations.get(instance.id)
    if not isinstance(choose, Choose) or not choose.automatic or record is None or record.outcome != "no":
        return False
    newer = record.status == "finished" and view.alerted_seq > record.finished_seq
    return newer and not view.halted and not any(_begun(view, name) for name, _ in _step(plan, instance))


def learned(view: IncidentView, definitions: Mapping[str, FactDefinition]) -> list[Draft]:
    """What the alerts together prove, where a playbook asks for it."""
    definition = definitions.get(EVIDENCE)
    asked = definition is not None and STRONG in definition.choices
    if not asked or view.facts.get(EVIDENCE) == STRONG or not enough(view.alerts):
        return []
    why = f"the {len(view.alerts)} alerts of this incident together are enough to act without a person"
    return [Draft(Kind.FACTS, ACTOR, FactsSet(values={EVIDENCE: STRONG}, why=why))]


def answered_yes(plan: Plan, view: IncidentView, instance: Instance, drafts: list[Draft]) -> list[Draft]:
    """The new answer, and the end of the question that was asked instead; nothing when the answer is still no."""
    if drafts[0].body["outcome"] != "yes":
        return []
    result: Body = {**drafts[0].body["result"], "again": "another alert came in before anybody had answered"}
    settled = Draft(Kind.FINISHED, ACTOR, {**drafts[0].body, "result": result})
    why = "it is suspended without asking: another alert came in"
    asked = [name for name, operation in _step(plan, instance) if isinstance(operation, Ask)]
    return [settled, *(_left_out(name, why) for name in asked if name in view.operations)]


def _left_out(name: str, why: str) -> Draft:
    return Draft(Kind.SKIPPED, ACTOR, OperationSkipped(op=name, why=why))


def _begun(view: IncidentView, name: str) -> bool:
    """Whether anything was done about an operation, or answered; a question that still waits is nothing yet."""
    record = view.operations.get(name)
    answers = [answer for task in view.tasks.values() if task.op == name for answer in task.answers]
    return bool(answers) or (record is not None and record.status != "waiting")


def _step(plan: Plan, instance: Instance) -> Iterator[tuple[str, object]]:
    """The other operations of the same step, under the names that they have for the same item."""
    choose = instance.operation
    suffix, here = instance.id.removeprefix(choose.id), (choose.phase, choose.step, choose.each)
    for operation in plan.operations:
        if (operation.phase, operation.step, operation.each) == here and operation.id != choose.id:
            yield f"{operation.id}{suffix}", operation
