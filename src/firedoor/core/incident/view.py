"""What the journal says about an incident: the first fold, which the others look at.

Decides what each kind of entry means for state, facts, operations and
evidence. Entries only add; nothing is read from anywhere else. An entry that cannot
be read is kept apart (`unread`), and the rest is read all the same. Leaves tasks to
`view_tasks`, clocks to `view_clocks`, requests to `view_requests`, what is next to `progress` and `turn`, and what
people may answer to `answers`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from firedoor.core.alerts.evidence_strength import EVIDENCE, is_claim
from firedoor.core.entries.copies import BankFeedback
from firedoor.core.entries.custody import EvidenceKept, EvidenceTouched, LegalHold, PieceKept
from firedoor.core.entries.people import Reminder, ReminderFired
from firedoor.core.entries.run import (
    AlertAttached,
    AttachedAlert,
    FactsSet,
    Opened,
    OperationFailed,
    OperationFinished,
    OperationRedone,
    OperationSkipped,
    OperationStarted,
    PlanPinned,
    ReadersSet,
    RunAborted,
    RunAbortedAt,
    RunPaused,
    RunPausedAt,
    RunUnpaused,
    StateChanged,
)
from firedoor.core.incident import holds, view_requests
from firedoor.core.incident.clock_record import ClockRecord
from firedoor.core.incident.hold_record import HoldEvent, HoldRecord
from firedoor.core.incident.view_clocks import CLOCK_HANDLERS, ENDED, SETTLED_CLOCKS
from firedoor.core.incident.view_copies import COPY_HANDLERS
from firedoor.core.incident.view_tasks import (
    ABORT_REVIEW,
    BESIDE_THE_PLAN,
    FAULT,
    GLASS_REVIEW,
    LIST,
    LISTED,
    NOBODY,
    RESCUE,
    REVIEWS,
    START_TASK,
    TASK_HANDLERS,
    OperationRecord,
    TaskView,
    record_of,
    withdraw_of,
)  # fmt: skip
from firedoor.core.isolated import Fault, fault_of
from firedoor.core.journal import Content, Draft, Entry, Head, Kind
from firedoor.core.json_types import Json
from firedoor.core.lifecycle import IncidentType, State
from firedoor.core.person import Identity, person_of
from firedoor.core.removal.copy import Copy
from firedoor.core.requests.request import RemovalRequest
from firedoor.core.severity import UNSAID, Severity

__all__ = [
    "ABORT_REVIEW", "BESIDE_THE_PLAN", "ENDED", "FAULT", "GLASS_REVIEW", "LIST", "LISTED", "RESCUE", "REVIEWS",
    "SETTLED_CLOCKS", "START_TASK", "IncidentView", "Meta", "OperationRecord", "TaskView", "fold", "readable",
    "suppose", "suspended_targets", "take",
]  # fmt: skip

KINDS = frozenset(Kind)
STOPS = frozenset((Kind.RUN_PAUSED, Kind.RUN_ABORTED))


@dataclass(slots=True)
class IncidentView:
    """The incident as its journal tells it."""

    id: str
    type: IncidentType = IncidentType.DATA_LEAKAGE
    title: str = ""
    severity: Severity = Severity.MEDIUM
    severity_known: bool = True  # whether anybody has said it; until then `severity` means nothing
    why: str = ""
    opened_at: str = ""
    opened_by: str = ""
    opener: Identity = NOBODY
    practice: bool = False  # labelled wherever it is shown, and in no figure
    in_spite: tuple[str, ...] = ()  # what was known to go wrong at the start, in sentences
    closed_at: str | None = None
    outcome: str = ""
    state: State = State.OPEN
    playbook: str = ""
    version: str = ""
    plan_digest: str = ""
    keep_bytes: bool | None = None  # what its playbook says about bytes from outside; None: by its type
    facts: dict[str, Json] = field(default_factory=dict)
    alerts: list[AttachedAlert] = field(default_factory=list)
    alerted_seq: int = 0  # the entry of the last alert
    operations: dict[str, OperationRecord] = field(default_factory=dict)
    tasks: dict[str, TaskView] = field(default_factory=dict)
    clocks: dict[str, ClockRecord] = field(default_factory=dict)
    requests: dict[str, RemovalRequest] = field(default_factory=dict)  # in the order in which they came
    copies: dict[str, Copy] = field(default_factory=dict)  # of content, in the order in which they were found
    bank_feedback: list[BankFeedback] = field(default_factory=list)  # what hash banks are to be told
    evidence: list[PieceKept] = field(default_factory=list)
    reminders: list[Reminder] = field(default_factory=list)
    fact_sources: dict[str, tuple[str, int]] = field(default_factory=dict)  # who set a fact last, and in which entry
    fact_setters: dict[str, Identity] = field(default_factory=dict)  # the person among them, who may come by a link
    clock_seqs: dict[str, int] = field(default_factory=dict)  # the entry in which a clock last changed
    readers: ReadersSet | None = None  # who needs to know, as the last entry about it says; None: every reader may
    legal_hold: LegalHold | None = None  # since when nothing may be opened again, by whom, why
    holds: dict[str, HoldRecord] = field(default_factory=dict)  # what it keeps closed, by target; see `holds`
    hold_story: list[HoldEvent] = field(default_factory=list)  # every look at them that was written down
    paused: RunPausedAt | None = None  # by whom, why, since when nothing new is started
    aborted: RunAbortedAt | None = None
    learned_seq: int = 0  # the alert up to which `severity_updates` has looked; a note of `turn`, not of the journal
    unread: dict[int, tuple[str, Fault]] = field(default_factory=dict)  # entries that could not be: kind, and why
    law_settled: object = None  # what the law was last asked about in vain; a note of `turn`, not of the journal
    head: Head = field(default_factory=lambda: Head(0, ""))

    @property
    def shown_severity(self) -> str:
        """The severity as people see it: unknown where nobody has said it."""
        return str(self.severity) if self.severity_known else UNSAID

    @property
    def halted(self) -> bool:
        """Whether a person has stopped the run: nothing new is started, except what a clock asks for.

        An entry that cannot be read and is about stopping counts as a stop.
        """
        stopped = self.paused is not None or self.aborted is not None
        return stopped or any(kind in STOPS for kind, _ in self.unread.values())

    def task(self, name: str) -> TaskView | None:
        """Find a task by its id, or by its number written as `3` or `T3`."""
        digits = name[1:] if name[:1] in "Tt" else name
        if digits.isascii() and digits.isdigit():
            return next((task for task in self.tasks.values() if task.number == int(digits)), None)
        return self.tasks.get(name)

    def open_tasks(self) -> list[TaskView]:
        """The tasks that wait for someone."""
        return [task for task in self.tasks.values() if task.open]

    def open_clocks(self) -> list[ClockRecord]:
        """The clocks that are neither met nor waived."""
        return [clock for clock in self.clocks.values() if not clock.settled]

    def apply(self, kind: str, actor: str, body: Content, at: str, seq: int) -> None:
        """Take in one entry. Raises ValueError for a kind that this version does not know; it is never passed over."""
        handler = HANDLERS.get(kind)
        if handler:
            handler(self, body, Meta(actor, at, seq))
        elif kind not in KINDS:
            raise ValueError(f"this version does not know entries of the kind {kind[:60]}")


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
    """Add one entry to a view that already holds all before it. Never raises: what cannot be read is kept apart."""
    try:
        view.apply(entry.kind, entry.actor, entry.body, entry.at, entry.seq)
    except Exception as error:  # noqa: BLE001 - one line of a journal must not hide the others
        view.unread[entry.seq] = (entry.kind, fault_of(error))
    view.head = Head(entry.seq, entry.hash)


def readable(view: IncidentView, entries: Sequence[Entry]) -> Sequence[Entry]:
    """The entries for whoever reads them one by one: of what the fold could not read only the kind is left."""
    if not view.unread:
        return entries
    return [replace(e, kind=f"unread: {e.kind}", body={}) if e.seq in view.unread else e for e in entries]


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


def _opened(view: IncidentView, body: Opened, meta: Meta) -> None:
    view.type, view.title = IncidentType(body["type"]), body["title"]
    view.severity, view.why = Severity(body["severity"]), body.get("why", "")
    view.severity_known = body.get("severity_known", True)
    view.opened_at, view.opened_by = meta.at, meta.actor
    view.opener = person_of(meta.actor, body) or NOBODY
    view.in_spite = tuple(body.get("in_spite", ()))
    view.practice = body.get("practice") is True


def _planned(view: IncidentView, body: PlanPinned, _: Meta) -> None:
    view.playbook, view.version, view.plan_digest = body["playbook"], body["version"], body["digest"]
    view.keep_bytes = body.get("keep_bytes")


def _facts(view: IncidentView, body: FactsSet, meta: Meta) -> None:
    # A journal of before may hold somebody's word on how strong the evidence is; nothing follows from it any more.
    told = {name: value for name, value in body["values"].items() if name != EVIDENCE or not is_claim(meta.actor)}
    view.facts.update(told)
    view.fact_sources.update(dict.fromkeys(told, (meta.actor, meta.seq)))
    setter = person_of(meta.actor, body)
    for name in told:
        if setter is None:
            view.fact_setters.pop(name, None)
        else:
            view.fact_setters[name] = setter
    if "severity" in body["values"]:
        said = body["values"]["severity"]
        view.severity, view.severity_known = Severity(str(said)) if said else view.severity, bool(said)
    view_requests.from_facts(view, told, meta)


def _state(view: IncidentView, body: StateChanged, meta: Meta) -> None:
    view.state = State(body["state"])
    view.closed_at, view.outcome = None, ""  # unless it ends (again)
    if view.state in (State.CLOSED, State.DISMISSED):
        view.closed_at, view.outcome = meta.at, body.get("outcome") or str(view.state)
        for task in view.open_tasks():
            task.withdrawn = True


def _started(view: IncidentView, body: OperationStarted, meta: Meta) -> None:
    record = record_of(view, body["op"])
    record.status, record.until = ("waiting", body["until"]) if "until" in body else ("started", None)
    record.attempts, record.started_seq = body.get("attempt", 1), meta.seq
    holds.started(view, body, meta)


def _finished(view: IncidentView, body: OperationFinished, meta: Meta) -> None:
    record = record_of(view, body["op"])
    record.status, record.outcome, record.result = "finished", body["outcome"], body.get("result", {})
    record.finished_seq, record.by_hand = meta.seq, bool(record.result.get("by_hand"))
    record.ahead = record.by_hand
    if record.by_hand or LISTED in record.result:
        withdraw_of(view, body["op"])
    holds.finished(view, body, meta)


def _failed(view: IncidentView, body: OperationFailed, meta: Meta) -> None:
    record = record_of(view, body["op"])
    record.attempts, record.problem = body["attempt"], body["problem"]
    record.status, record.retry_at = ("failed", None) if body["final"] else ("", body.get("retry_at"))
    record.finished_seq, record.fault, record.gap = meta.seq, "fault" in body, body.get("gap")
    record.absent = body.get("absent")
    holds.failed(view, body, meta)


def _skipped(view: IncidentView, body: OperationSkipped, meta: Meta) -> None:
    record = record_of(view, body["op"])
    record.status, record.finished_seq, record.ahead = "skipped", meta.seq, "by" in body
    withdraw_of(view, body["op"])


def _redone(view: IncidentView, body: OperationRedone, _: Meta) -> None:
    record = record_of(view, body["op"])
    record.status, record.retry_at, record.until, record.problem = "", None, None, ""
    record.attempts, record.lineage, record.by_hand, record.ahead = 0, body["lineage"], False, False
    withdraw_of(view, body["op"])


def _paused(view: IncidentView, body: RunPaused, meta: Meta) -> None:
    view.paused = {**body, "at": meta.at}


def _unpaused(view: IncidentView, _: RunUnpaused, __: Meta) -> None:
    view.paused = None


def _aborted(view: IncidentView, body: RunAborted, meta: Meta) -> None:
    view.aborted = {**body, "at": meta.at}
    for task in body["withdraws"]:
        view.tasks[task].withdrawn = True


def _evidence(view: IncidentView, body: EvidenceKept, meta: Meta) -> None:
    view.evidence.append({**body, "kept_at": meta.at, "kept_by": meta.actor, "seq": meta.seq})


def _custody(view: IncidentView, body: EvidenceTouched, meta: Meta) -> None:
    """A legal hold is on the whole incident, not on one piece: then nothing is opened again until it is released."""
    if not body.get("sha256") and body.get("action") in ("held", "released"):
        view.legal_hold = {**body, "at": meta.at} if body["action"] == "held" else None


def _alert(view: IncidentView, body: AlertAttached, meta: Meta) -> None:
    view.alerts.append({**body, "at": meta.at, "seq": meta.seq})
    view.alerted_seq = meta.seq
    view_requests.from_alert(view, body, meta)


def _reminded(view: IncidentView, body: ReminderFired, meta: Meta) -> None:
    view.reminders.append({**body, "at": meta.at})


def _readers(view: IncidentView, body: ReadersSet, _: Meta) -> None:
    view.readers = None if body.get("everyone") else body


# Each is typed by the form of its kind; that a body has the form, nothing but its kind says.
HANDLERS: Mapping[str, Callable[[IncidentView, Any, Meta], None]] = {
    Kind.OPENED: _opened, Kind.PLANNED: _planned, Kind.FACTS: _facts, Kind.STATE: _state, Kind.ALERT: _alert,
    Kind.STARTED: _started, Kind.FINISHED: _finished, Kind.FAILED: _failed, Kind.SKIPPED: _skipped,
    Kind.EVIDENCE: _evidence, Kind.CUSTODY: _custody, Kind.REMINDED: _reminded,
    Kind.RUN_PAUSED: _paused, Kind.RUN_UNPAUSED: _unpaused, Kind.RUN_ABORTED: _aborted, Kind.REDONE: _redone,
    Kind.READERS: _readers, **TASK_HANDLERS, **CLOCK_HANDLERS, **holds.HOLD_HANDLERS,
    **view_requests.REQUEST_HANDLERS, **COPY_HANDLERS,
}  # fmt: skip
