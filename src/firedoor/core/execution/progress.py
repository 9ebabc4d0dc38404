"""What is done and what is next: the fold of a plan and its incident's journal.

Decides, for every operation, whether it is pending, ready, running, waiting for
a person or for time, stuck, finished, failed or skipped; and that what could not be
kept as evidence holds up what cannot be undone, and nothing else. The same journal gives
the same answer on any machine, which is why a crash loses nothing. Leaves doing
anything about it to `turn` and the conductor.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from firedoor.core.incident.clock_record import ClockRecord
from firedoor.core.incident.view import IncidentView, OperationRecord
from firedoor.core.lifecycle import Event, ended
from firedoor.core.playbook.plan import SETTLED, Ask, Call, Choose, Edge, Keep, Mark, Operation, Plan

CLOCKS = "clocks:"
PEOPLE = "people"


class Status(StrEnum):
    """Where one operation stands."""

    PENDING = "pending"  # something before it is not settled
    READY = "ready"
    RUNNING = "running"  # started, no outcome: ours, or in doubt after a crash
    WAITING = "waiting"  # for a person or for time
    STUCK = "stuck"  # failed for good; a person is asked what to do
    FINISHED = "finished"
    FAILED = "failed"  # failed for good, and `on_failure` steps take care of it
    SKIPPED = "skipped"


DONE = frozenset((Status.FINISHED, Status.FAILED, Status.SKIPPED))


@dataclass(frozen=True, slots=True)
class Instance:
    """One operation to perform: the definition, its own id, and what it is repeated for."""

    id: str
    operation: Operation
    item: object = None
    clock: str | None = None


def irreversible(operation: Operation) -> bool:
    """Whether it waits until every gap in the evidence is answered: what alters or destroys, opens again, or ends."""
    match operation:
        case Ask():
            return operation.alters
        case Call():
            return operation.allow_irreversible or operation.verb in ("resume", "remove")
        case Mark():
            return operation.event in (Event.CLOSE, Event.DISMISS)
        case _:
            return False


def audience(clock: ClockRecord) -> str:
    """Who looks after a clock: the steps for people, or those for authorities and everyone else."""
    return PEOPLE if clock.addressee in ("individuals", "people") else "authorities"


class Progress:
    """The state of every operation, worked out on demand."""

    def __init__(self, plan: Plan, view: IncidentView) -> None:
        self._view = view
        self._statuses: dict[str, Status] = {}
        self._templates: dict[str, Operation] = {operation.id: operation for operation in plan.operations}
        self._groups: dict[str, list[Instance]] = {op.id: list(self._expand(op)) for op in plan.operations}
        self.instances: dict[str, Instance] = {i.id: i for group in self._groups.values() for i in group}

    def status(self, identifier: str) -> Status:
        """The status of one instance."""
        known = self._statuses.get(identifier)
        if known is None:
            known = self._statuses[identifier] = self._work_out(self.instances[identifier])
        return known

    def outcome(self, identifier: str) -> str:
        """The outcome of a finished instance; empty otherwise."""
        record = self._view.operations.get(identifier)
        return record.outcome if record else ""

    def having(self, *statuses: Status) -> list[Instance]:
        """The instances with one of these statuses, in the order of the plan."""
        return [instance for instance in self.instances.values() if self.status(instance.id) in statuses]

    @property
    def over(self) -> bool:
        """Whether the incident has ended."""
        return ended(self._view.state)

    def _expand(self, operation: Operation) -> Iterator[Instance]:
        """An operation, or its instances: one for each listed item or each clock."""
        if operation.each is None:
            yield Instance(operation.id, operation)
        elif operation.each.startswith(CLOCKS):
            for clock in self._clocks(operation.each):
                yield Instance(f"{operation.id}[{clock.id}]", operation, clock=clock.id)
        else:
            record = self._view.operations.get(operation.each)
            for index, item in enumerate(record.result.get("items", []) if record else []):
                yield Instance(f"{operation.id}[{index}]", operation, item=item)

    def _clocks(self, each: str) -> list[ClockRecord]:
        wanted = each.removeprefix(CLOCKS)
        return [clock for clock in self._view.clocks.values() if audience(clock) == wanted]

    def _work_out(self, instance: Instance) -> Status:
        record = self._view.operations.get(instance.id)
        status = _recorded(record, instance.operation) if record else None
        if status is not None and not (record and record.ahead):
            return status
        self._statuses[instance.id] = Status.PENDING  # a circle would stay pending; the compiler refuses circles
        met = [self._edge(edge, instance) for edge in instance.operation.after]
        if None in met:
            return Status.PENDING
        if status is not None:
            return status
        if irreversible(instance.operation) and all(met) and self._keeping_is_stuck():
            return Status.PENDING
        return Status.READY if all(met) else Status.SKIPPED

    def _edge(self, edge: Edge, instance: Instance) -> bool | None:
        """Whether an edge is satisfied; None while that is open."""
        target = self._templates[edge.after]
        if target.each is not None and target.each == instance.operation.each:
            suffix = instance.id.removeprefix(instance.operation.id)
            return self._one(f"{edge.after}{suffix}", edge.on, instance.operation)
        if target.each is not None:
            return self._group(target, instance.operation)
        return self._one(edge.after, edge.on, instance.operation)

    def _one(self, identifier: str, on: str, dependent: Operation) -> bool | None:
        status = self.status(identifier)
        if on == SETTLED and status is Status.STUCK and self._goes_on(identifier, dependent):
            return True
        if status not in DONE:
            return None
        if on == SETTLED:
            return True
        return self.outcome(identifier) == on if status is Status.FINISHED else False

    def _goes_on(self, identifier: str, dependent: Operation) -> bool:
        """Whether something goes on though this could not be kept: whatever can be undone does, closing above all."""
        kept = self._templates.get(identifier.partition("[")[0])
        return isinstance(kept, Keep) and kept.source != "draft" and not irreversible(dependent)

    def _keeping_is_stuck(self) -> bool:
        """Whether anything that was to be kept failed for good, and nobody has said what becomes of it."""
        return any(
            isinstance(one.operation, Keep) and self.status(one.id) is Status.STUCK for one in self.instances.values()
        )

    def _group(self, template: Operation, dependent: Operation) -> bool | None:
        """A repeated operation is settled when its list is known and every instance is."""
        each = template.each or ""
        if each.startswith(CLOCKS):
            if any(not clock.settled for clock in self._clocks(each)):
                return None
        elif self.status(each) not in DONE:
            return None
        settled = all(self._one(instance.id, SETTLED, dependent) for instance in self._groups[template.id])
        return True if settled else None

    def failed(self, choose: Choose, instance: Instance) -> bool:
        """Whether one of the operations that a `Choose` watches failed for good."""
        suffix = instance.id.removeprefix(choose.id)
        return any(self.status(f"{identifier}{suffix}") is Status.FAILED for identifier in choose.failed_of)


def _recorded(record: OperationRecord, operation: Operation) -> Status | None:
    """What the journal already settles; None when the edges decide."""
    match record.status:
        case "finished":
            return Status.FINISHED
        case "skipped":
            return Status.SKIPPED
        case "failed":
            return Status.FAILED if operation.handled else Status.STUCK
        case "started":
            return Status.RUNNING
        case "waiting":
            return Status.WAITING
        case _:
            return Status.WAITING if record.retry_at else None
