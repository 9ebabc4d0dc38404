"""What the journal says about operations and tasks: how each entry about a task changes what is known of it.

Decides what of a task's past is kept, which tasks stand beside the plan, and what an answer means for the operation
that it is about. Part of the fold in `view`, which offers the names here as its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from firedoor.core.entries.outcomes import Absent, Gap, Result
from firedoor.core.entries.people import (
    AnswerGiven,
    Choice,
    Escalation,
    TaskAnswered,
    TaskClaimed,
    TaskEscalated,
    TaskOpened,
    TaskPayload,
    TaskReassigned,
)
from firedoor.core.entries.run import FaultMended
from firedoor.core.incident import holds
from firedoor.core.journal import Kind
from firedoor.core.person import Identity, identity_of

if TYPE_CHECKING:
    from firedoor.core.incident.view import IncidentView, Meta

NOBODY = Identity("")
RESCUE = "rescue:"
START_TASK = "fault:start"  # about a target that an alert names and nobody knows
GLASS_REVIEW, ABORT_REVIEW = "review-break-glass", "review-abort"
REVIEWS = frozenset((GLASS_REVIEW, ABORT_REVIEW))  # of what people did outside the plan
FAULT = "fault"  # about something that is set aside, see `faults`
LIST = "list"  # which things a step is done for, where nobody has said it
LISTED = "items"  # in the result of a list that is settled
BESIDE_THE_PLAN = frozenset(
    ("rescue", "clock", FAULT, LIST, holds.DRIFT_TASK, holds.OPEN_TASK, *REVIEWS)
)  # tasks whose answer is not the outcome of an operation


@dataclass(slots=True)
class OperationRecord:
    """What the journal holds about one operation (or one instance of a repeated one)."""

    status: str = ""  # started, waiting, finished, failed, skipped; empty: tried before, to be tried again
    outcome: str = ""
    result: Result = field(default_factory=Result)
    attempts: int = 0
    problem: str = ""
    retry_at: str | None = None
    until: str | None = None
    started_seq: int = 0
    finished_seq: int = 0
    by_hand: bool = False
    ahead: bool = False  # settled by a person, perhaps before its turn: it counts only when its turn comes
    fault: bool = False  # failed because it could not be worked out: it is tried again by itself
    gap: Gap | None = None  # what the inventory does not describe, see `evidence_gaps`
    absent: Absent | None = None  # the target that is missing, see `missing_targets`
    lineage: int = 0  # how often a person had it done again; part of its idempotency key


@dataclass(slots=True)
class TaskView:
    """Work for a person. `number` is its short name within the incident, counted from 1."""

    number: int
    id: str
    op: str
    kind: str
    role: str
    question: str
    guidance: str
    choices: Sequence[Choice]
    asks: Sequence[str]
    due_at: str
    escalate_to: str
    approvals: int
    opened_at: str
    clock: str | None = None
    four_eyes_with: str | None = None
    answers: list[AnswerGiven] = field(default_factory=list)
    escalations: list[Escalation] = field(default_factory=list)
    decided: str | None = None  # the id of the choice
    withdrawn: bool = False
    payload: TaskPayload = field(default_factory=TaskPayload)
    not_by: Sequence[str] = field(default_factory=list)  # people who may not answer: they asked for what it grants
    barred: list[Identity] = field(default_factory=list)  # the same people, as who they are
    opened_seq: int = 0
    chain: Sequence[str] = field(default_factory=list)  # whom the step names after `escalate_to`
    claimed_by: str = ""  # the person who took it over; nobody else answers it meanwhile
    claimer: Identity = NOBODY

    @property
    def open(self) -> bool:
        """Whether an answer is still awaited."""
        return self.decided is None and not self.withdrawn

    @property
    def roles(self) -> set[str]:
        """The roles that may answer: the one asked, and those it was escalated to."""
        return {self.role, *(str(escalation["role"]) for escalation in self.escalations)}


def record_of(view: IncidentView, op: str) -> OperationRecord:
    """What is recorded of an operation so far."""
    return view.operations.setdefault(op, OperationRecord())


def withdraw_of(view: IncidentView, op: str) -> None:
    """Nobody is asked any longer about an operation that was settled otherwise; what was done about it is reviewed."""
    for task in view.open_tasks():
        if task.op == op and task.kind not in REVIEWS:
            task.withdrawn = True


def _task_opened(view: IncidentView, body: TaskOpened, meta: Meta) -> None:
    before = view.tasks.get(body["task"])  # asked again after its clock had ended
    view.tasks[body["task"]] = TaskView(
        number=before.number if before else len(view.tasks) + 1,
        id=body["task"],
        op=body["op"],
        kind=body["kind"],
        role=body["role"],
        question=body["question"],
        guidance=body.get("guidance", ""),
        choices=body["choices"],
        asks=body.get("asks", []),
        due_at=body["due_at"],
        escalate_to=body["escalate_to"],
        approvals=body.get("approvals", 1),
        opened_at=meta.at,
        clock=body.get("clock"),
        four_eyes_with=body.get("four_eyes_with"),
        payload=body.get("payload", {}),
        not_by=body.get("not_by", []),
        chain=body.get("chain", []),
        barred=_barred(body),
        opened_seq=meta.seq,
    )
    if body["kind"] not in BESIDE_THE_PLAN:
        record = record_of(view, body["op"])
        record.status, record.started_seq = "waiting", meta.seq


def _barred(body: TaskOpened) -> list[Identity]:
    """Who may not answer, with the ids that were written beside the names since there are any."""
    ids = body.get("not_by_ids", {})
    return [Identity(name, ids.get(name, "")) for name in body.get("not_by", [])]


def _task_answered(view: IncidentView, body: TaskAnswered, meta: Meta) -> None:
    task = view.tasks[body["task"]]
    task.answers.append({**body, "at": meta.at})
    if not body.get("decides", True):
        return
    task.decided = body["choice"]
    if task.id.startswith(RESCUE):
        _rescued(view, task, body, meta)
        return
    if task.kind in holds.TASKS:
        holds.ordered(view, task, body, meta)
    if task.kind in BESIDE_THE_PLAN:  # what follows from it is an entry of its own
        return
    record = record_of(view, task.op)
    record.status, record.outcome, record.finished_seq = "finished", body["choice"], meta.seq
    record.result = {"by": body["by"], "role": body["role"], "why": body["why"], "fields": body.get("fields", {})}


def _rescued(view: IncidentView, task: TaskView, body: TaskAnswered, meta: Meta) -> None:
    """A person decided what happens to an operation that failed for good."""
    for op in about(view, task):
        _settled_by_a_person(record_of(view, op), body, meta)


def about(view: IncidentView, task: TaskView) -> list[str]:
    """The operations that an answer to a task is about: its own, or those of several that failed and still wait."""
    if "ops" not in task.payload and "absent" not in task.payload:
        return [task.op]
    failed = [op for op, record in view.operations.items() if record.status == "failed"]
    if "ops" in task.payload:
        return [op for op in task.payload["ops"] if op in failed]
    return [op for op in failed if _missing(view.operations[op]) == task.payload["absent"]]


def _missing(record: OperationRecord) -> str | None:
    return record.absent["target"] if record.absent else None


def _settled_by_a_person(record: OperationRecord, body: TaskAnswered, meta: Meta) -> None:
    if body["choice"] == "retry":
        record.status, record.retry_at = "", None
    elif body["choice"] == "by_hand":
        record.status, record.outcome, record.by_hand = "finished", body.get("outcome", "done"), True
        record.result = {"by_hand": True, "by": body["by"], "why": body["why"]}
        record.finished_seq = meta.seq
    else:
        record.status, record.finished_seq = "skipped", meta.seq


def _task_escalated(view: IncidentView, body: TaskEscalated, meta: Meta) -> None:
    task = view.tasks[body["task"]]
    task.escalations.append({**body, "at": meta.at})
    task.claimed_by, task.claimer = "", NOBODY  # whoever had taken it over did not answer either


def _task_reassigned(view: IncidentView, body: TaskReassigned, _: Meta) -> None:
    task = view.tasks[body["task"]]
    task.role, task.claimed_by, task.claimer = body["role"], "", NOBODY
    barred = body.get("not_by")
    if barred:
        task.not_by = [*task.not_by, barred]
        task.barred = [*task.barred, identity_of(body)]


def _task_claimed(view: IncidentView, body: TaskClaimed, _: Meta) -> None:
    task = view.tasks[body["task"]]
    task.claimed_by, task.claimer = body["by"], identity_of(body)


def _mended(view: IncidentView, body: FaultMended, _: Meta) -> None:
    """What was set aside can be worked out again: nobody is asked about it any longer."""
    task = view.tasks.get(body.get("task", ""))
    if task is not None:
        task.withdrawn, task.payload = task.withdrawn or task.open, {**task.payload, "mended": True}
    op = body.get("op")
    if op:
        record = record_of(view, op)
        record.status, record.problem, record.fault = "", "", False
        withdraw_of(view, op)


TASK_HANDLERS: Mapping[str, Callable[[IncidentView, Any, Meta], None]] = {
    Kind.TASK_OPENED: _task_opened, Kind.TASK_ANSWERED: _task_answered, Kind.TASK_ESCALATED: _task_escalated,
    Kind.TASK_REASSIGNED: _task_reassigned, Kind.TASK_CLAIMED: _task_claimed, Kind.FAULT_MENDED: _mended,
}  # fmt: skip
