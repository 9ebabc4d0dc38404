"""What the journal says about an incident: the first fold, which the others look at.

Decides what each kind of entry means for state, facts, operations, tasks and
evidence. Entries only add; nothing is read from anywhere else. Leaves clocks to
`view_clocks`, what is next to `progress` and `turn`, and what people may answer to `answers`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from firedoor.core import holds
from firedoor.core.incident import IncidentType, State
from firedoor.core.journal import Body, Draft, Entry, Head, Kind
from firedoor.core.severity import Severity
from firedoor.core.view_clocks import CLOCK_HANDLERS, ENDED, SETTLED_CLOCKS

__all__ = [
    "ABORT_REVIEW", "BESIDE_THE_PLAN", "ENDED", "GLASS_REVIEW", "RESCUE", "REVIEWS", "SETTLED_CLOCKS", "IncidentView",
    "Meta", "OperationRecord", "TaskView", "fold", "suppose", "suspended_targets", "take",
]  # fmt: skip

RESCUE = "rescue:"
GLASS_REVIEW, ABORT_REVIEW = "review-break-glass", "review-abort"
REVIEWS = frozenset((GLASS_REVIEW, ABORT_REVIEW))  # of what people did outside the plan
BESIDE_THE_PLAN = frozenset(
    ("rescue", "clock", holds.DRIFT_TASK, holds.OPEN_TASK, *REVIEWS)
)  # tasks whose answer is not the outcome of an operation


@dataclass(slots=True)
class OperationRecord:
    """What the journal holds about one operation (or one instance of a repeated one)."""

    status: str = ""  # started, waiting, finished, failed, skipped; empty: tried before, to be tried again
    outcome: str = ""
    result: Body = field(default_factory=dict)
    attempts: int = 0
    problem: str = ""
    retry_at: str | None = None
    until: str | None = None
    started_seq: int = 0
    finished_seq: int = 0
    by_hand: bool = False
    ahead: bool = False  # settled by a person, perhaps before its turn: it counts only when its turn comes
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
    choices: list[Body]
    asks: list[str]
    due_at: str
    escalate_to: str
    approvals: int
    opened_at: str
    clock: str | None = None
    four_eyes_with: str | None = None
    answers: list[Body] = field(default_factory=list)
    escalations: list[Body] = field(default_factory=list)
    decided: str | None = None  # the id of the choice
    withdrawn: bool = False
    payload: Body = field(default_factory=dict)
    not_by: list[str] = field(default_factory=list)  # people who may not answer: they asked for what it grants
    opened_seq: int = 0
    claimed_by: str = ""  # the person who took it over; nobody else answers it meanwhile

    @property
    def open(self) -> bool:
        """Whether an answer is still awaited."""
        return self.decided is None and not self.withdrawn

    @property
    def roles(self) -> set[str]:
        """The roles that may answer: the one asked, and those it was escalated to."""
        return {self.role, *(str(escalation["role"]) for escalation in self.escalations)}


@dataclass(slots=True)
class IncidentView:
    """The incident as its journal tells it."""

    id: str
    type: IncidentType = IncidentType.DATA_LEAKAGE
    title: str = ""
    severity: Severity = Severity.MEDIUM
    why: str = ""
    opened_at: str = ""
    opened_by: str = ""
    closed_at: str | None = None
    outcome: str = ""
    state: State = State.OPEN
    playbook: str = ""
    version: str = ""
    plan_digest: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    alerts: list[Body] = field(default_factory=list)
    alerted_seq: int = 0  # the entry of the last alert
    operations: dict[str, OperationRecord] = field(default_factory=dict)
    tasks: dict[str, TaskView] = field(default_factory=dict)
    clocks: dict[str, Body] = field(default_factory=dict)
    evidence: list[Body] = field(default_factory=list)
    reminders: list[Body] = field(default_factory=list)
    fact_sources: dict[str, tuple[str, int]] = field(default_factory=dict)  # who set a fact last, and in which entry
    clock_seqs: dict[str, int] = field(default_factory=dict)  # the entry in which a clock last changed
    readers: Body | None = None  # who needs to know, as the last entry about it says; None: every reader may
    legal_hold: Body | None = None  # since when nothing may be opened again, by whom, why
    holds: dict[str, Body] = field(default_factory=dict)  # what it keeps closed, by target; see `core.holds`
    hold_story: list[Body] = field(default_factory=list)  # every look at them that was written down
    paused: Body | None = None  # by whom, why, since when nothing new is started
    aborted: Body | None = None
    law_settled: Any = None  # what the law was last asked about in vain; a note of `turn`, not of the journal
    head: Head = field(default_factory=lambda: Head(0, ""))

    @property
    def halted(self) -> bool:
        """Whether a person has stopped the run: nothing new is started, except what a clock asks for."""
        return self.paused is not None or self.aborted is not None

    def task(self, name: str) -> TaskView | None:
        """Find a task by its id, or by its number written as `3` or `T3`."""
        digits = name[1:] if name[:1] in "Tt" else name
        if digits.isascii() and digits.isdigit():
            return next((task for task in self.tasks.values() if task.number == int(digits)), None)
        return self.tasks.get(name)

    def open_tasks(self) -> list[TaskView]:
        """The tasks that wait for someone."""
        return [task for task in self.tasks.values() if task.open]

    def open_clocks(self) -> list[Body]:
        """The clocks that are neither met nor waived."""
        return [clock for clock in self.clocks.values() if clock["state"] not in SETTLED_CLOCKS]

    def apply(self, kind: str, actor: str, body: Body, at: str, seq: int) -> None:
        """Take in one entry."""
        handler = _HANDLERS.get(kind)
        if handler:
            handler(self, body, Meta(actor, at, seq))


@dataclass(frozen=True, slots=True)
class Meta:
    """Who wrote an entry, when, and which number it has."""

    actor: str
    at: str
    seq: int


def fold(incident: str, entries: Iterable[Entry]) -> IncidentView:
    """Read the journal."""
    view = IncidentView(incident)
    for entry in entries:
        take(view, entry)
    return view


def take(view: IncidentView, entry: Entry) -> None:
    """Add one entry to a view that already holds all before it."""
    view.apply(entry.kind, entry.actor, entry.body, entry.at, entry.seq)
    view.head = Head(entry.seq, entry.hash)


def suppose(view: IncidentView, drafts: Iterable[Draft], now: datetime) -> None:
    """Add drafts to a view as if they were written; the view must be thrown away if they are not."""
    at = now.astimezone(UTC).isoformat(timespec="microseconds")
    for draft in drafts:
        view.head = Head(view.head.seq + 1, "")
        view.apply(str(draft.kind), draft.actor, draft.body, at, view.head.seq)


def suspended_targets(view: IncidentView) -> set[str]:
    """The targets that this incident closed, with proof, and has not opened again."""
    suspended: set[str] = set()
    for record in sorted(view.operations.values(), key=lambda record: record.finished_seq):
        target = record.result.get("target")
        if record.status == "finished" and target and record.result.get("doors"):
            suspended.add(target)
        elif record.status == "finished" and target and record.result.get("receipts"):
            suspended.discard(target)
    return suspended


def _opened(view: IncidentView, body: Body, meta: Meta) -> None:
    view.type, view.title = IncidentType(body["type"]), body["title"]
    view.severity, view.why = Severity(body["severity"]), body.get("why", "")
    view.opened_at, view.opened_by = meta.at, meta.actor


def _planned(view: IncidentView, body: Body, _: Meta) -> None:
    view.playbook, view.version, view.plan_digest = body["playbook"], body["version"], body["digest"]


def _facts(view: IncidentView, body: Body, meta: Meta) -> None:
    view.facts.update(body["values"])
    view.fact_sources.update(dict.fromkeys(body["values"], (meta.actor, meta.seq)))
    if "severity" in body["values"] and body["values"]["severity"]:
        view.severity = Severity(body["values"]["severity"])


def _state(view: IncidentView, body: Body, meta: Meta) -> None:
    view.state = State(body["state"])
    view.closed_at, view.outcome = None, ""  # unless it ends (again)
    if view.state in (State.CLOSED, State.DISMISSED):
        view.closed_at, view.outcome = meta.at, body.get("outcome", str(view.state))
        for task in view.open_tasks():
            task.withdrawn = True


def _record(view: IncidentView, op: str) -> OperationRecord:
    return view.operations.setdefault(op, OperationRecord())


def _started(view: IncidentView, body: Body, meta: Meta) -> None:
    record = _record(view, body["op"])
    record.status, record.until = ("waiting", body["until"]) if "until" in body else ("started", None)
    record.attempts, record.started_seq = body.get("attempt", 1), meta.seq
    holds.started(view, body, meta)


def _finished(view: IncidentView, body: Body, meta: Meta) -> None:
    record = _record(view, body["op"])
    record.status, record.outcome, record.result = "finished", body["outcome"], body.get("result", {})
    record.finished_seq, record.by_hand = meta.seq, bool(record.result.get("by_hand"))
    record.ahead = record.by_hand
    if record.by_hand:
        _withdraw_of(view, body["op"])
    holds.finished(view, body, meta)


def _failed(view: IncidentView, body: Body, meta: Meta) -> None:
    record = _record(view, body["op"])
    record.attempts, record.problem = body["attempt"], body["problem"]
    record.status, record.retry_at = ("failed", None) if body["final"] else ("", body.get("retry_at"))
    record.finished_seq = meta.seq
    holds.failed(view, body, meta)


def _skipped(view: IncidentView, body: Body, meta: Meta) -> None:
    record = _record(view, body["op"])
    record.status, record.finished_seq, record.ahead = "skipped", meta.seq, "by" in body
    _withdraw_of(view, body["op"])


def _withdraw_of(view: IncidentView, op: str) -> None:
    """Nobody is asked any longer about an operation that was settled otherwise; what was done about it is reviewed."""
    for task in view.open_tasks():
        if task.op == op and task.kind not in REVIEWS:
            task.withdrawn = True


def _redone(view: IncidentView, body: Body, _: Meta) -> None:
    record = _record(view, body["op"])
    record.status, record.retry_at, record.until, record.problem = "", None, None, ""
    record.attempts, record.lineage, record.by_hand, record.ahead = 0, body["lineage"], False, False
    _withdraw_of(view, body["op"])


def _paused(view: IncidentView, body: Body, meta: Meta) -> None:
    view.paused = {**body, "at": meta.at}


def _unpaused(view: IncidentView, _: Body, __: Meta) -> None:
    view.paused = None


def _aborted(view: IncidentView, body: Body, meta: Meta) -> None:
    view.aborted = {**body, "at": meta.at}
    for task in body["withdraws"]:
        view.tasks[task].withdrawn = True


def _task_opened(view: IncidentView, body: Body, meta: Meta) -> None:
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
        opened_seq=meta.seq,
    )
    if body["kind"] not in BESIDE_THE_PLAN:
        record = _record(view, body["op"])
        record.status, record.started_seq = "waiting", meta.seq


def _task_answered(view: IncidentView, body: Body, meta: Meta) -> None:
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
    record = _record(view, task.op)
    record.status, record.outcome, record.finished_seq = "finished", body["choice"], meta.seq
    record.result = {"by": body["by"], "role": body["role"], "why": body["why"], "fields": body.get("fields", {})}


def _rescued(view: IncidentView, task: TaskView, body: Body, meta: Meta) -> None:
    """A person decided what happens to an operation that failed for good."""
    record = _record(view, task.op)
    if body["choice"] == "retry":
        record.status, record.retry_at = "", None
    elif body["choice"] == "by_hand":
        record.status, record.outcome, record.by_hand = "finished", body.get("outcome", "done"), True
        record.result = {"by_hand": True, "by": body["by"], "why": body["why"]}
        record.finished_seq = meta.seq
    else:
        record.status, record.finished_seq = "skipped", meta.seq


def _task_escalated(view: IncidentView, body: Body, meta: Meta) -> None:
    task = view.tasks[body["task"]]
    task.escalations.append({**body, "at": meta.at})
    task.claimed_by = ""  # whoever had taken it over did not answer either


def _task_reassigned(view: IncidentView, body: Body, _: Meta) -> None:
    task = view.tasks[body["task"]]
    task.role, task.claimed_by = body["role"], ""
    if body.get("not_by"):
        task.not_by = [*task.not_by, body["not_by"]]


def _task_claimed(view: IncidentView, body: Body, _: Meta) -> None:
    view.tasks[body["task"]].claimed_by = body["by"]


def _evidence(view: IncidentView, body: Body, meta: Meta) -> None:
    view.evidence.append({**body, "kept_at": meta.at, "kept_by": meta.actor, "seq": meta.seq})


def _custody(view: IncidentView, body: Body, meta: Meta) -> None:
    """A legal hold is on the whole incident, not on one piece: then nothing is opened again until it is released."""
    if not body.get("sha256") and body.get("action") in ("held", "released"):
        view.legal_hold = {**body, "at": meta.at} if body["action"] == "held" else None


def _alert(view: IncidentView, body: Body, meta: Meta) -> None:
    view.alerts.append({**body, "at": meta.at, "seq": meta.seq})
    view.alerted_seq = meta.seq


def _reminded(view: IncidentView, body: Body, meta: Meta) -> None:
    view.reminders.append({**body, "at": meta.at})


def _readers(view: IncidentView, body: Body, _: Meta) -> None:
    view.readers = None if body.get("everyone") else body


_HANDLERS: Mapping[str, Callable[[IncidentView, Body, Meta], None]] = {
    Kind.OPENED: _opened, Kind.PLANNED: _planned, Kind.FACTS: _facts, Kind.STATE: _state, Kind.ALERT: _alert,
    Kind.STARTED: _started, Kind.FINISHED: _finished, Kind.FAILED: _failed, Kind.SKIPPED: _skipped,
    Kind.TASK_OPENED: _task_opened, Kind.TASK_ANSWERED: _task_answered, Kind.TASK_ESCALATED: _task_escalated,
    Kind.EVIDENCE: _evidence, Kind.CUSTODY: _custody, Kind.REMINDED: _reminded, Kind.TASK_REASSIGNED: _task_reassigned,
    Kind.TASK_CLAIMED: _task_claimed, Kind.RUN_PAUSED: _paused, Kind.RUN_UNPAUSED: _unpaused,
    Kind.RUN_ABORTED: _aborted, Kind.REDONE: _redone, Kind.READERS: _readers, **CLOCK_HANDLERS, **holds.HOLD_HANDLERS,
}  # fmt: skip
