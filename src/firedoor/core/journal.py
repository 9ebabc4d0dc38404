"""The journal: an incident is an append-only, hash-chained list of entries.

Decides what an entry is, how entries are chained and how a chain is verified.
Leaves storing them to `store.journal`, and every meaning to the folds
(`progress`, `clock`, `custody`, `report`).

The hash of an entry is SHA-256 over the line `firedoor.entry.v1`, a newline and
the canonical JSON of {actor, at, body, incident, kind, prev, seq}. The first
entry's `prev` is SHA-256 of `firedoor.genesis.v1`, a newline and the incident's id.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Protocol

from firedoor.core.canonical import canonical
from firedoor.core.person import BY_ID, Actor

Body = dict[str, Any]
# What stands in an entry. Of which form it is, its kind alone says (`core.entries.registry`), and no type can: whoever
# reads entries hands each to a function of its kind, which is typed by that form.
Content = Mapping[str, Any]


class Kind(StrEnum):
    """The closed set of things that can be written down about an incident."""

    OPENED = "incident.opened"  # id, type, title, severity, why, playbook
    ALERT = "alert.attached"  # the alert as normalised; raw bytes only by digest
    PLANNED = "plan.pinned"  # playbook, version, digest
    FACTS = "facts.set"  # values, previous, why
    STATE = "incident.state"  # state, event, outcome
    STARTED = "operation.started"  # op, attempt, key
    FINISHED = "operation.finished"  # op, outcome, result
    FAILED = "operation.failed"  # op, attempt, problem, final, retry_at
    SKIPPED = "operation.skipped"  # op, why
    TASK_OPENED = "task.opened"  # task, op, role, question, choices, due_at
    TASK_ANSWERED = "task.answered"  # task, choice, why, by, role, seen
    TASK_ESCALATED = "task.escalated"  # task, role, why
    TASK_REASSIGNED = "task.reassigned"  # task, role, before, why, by
    TASK_CLAIMED = "task.claimed"  # task, by, why
    GLASS_BROKEN = "glass.broken"  # task, by, roles (what they have), asked (whom it was for), why
    LINK_MADE = "link.made"  # link, task, person, role, choice, expires_at, by
    RUN_PAUSED = "run.paused"  # by, why
    RUN_UNPAUSED = "run.unpaused"  # by, why
    RUN_ABORTED = "run.aborted"  # by, why, withdraws (ids of tasks)
    REDONE = "operation.redone"  # op, lineage, by, why; it becomes ready again, with another idempotency key
    REMINDED = "reminder.fired"  # about (task or clock), point, due_at, late_seconds
    CLOCK_STARTED = "clock.started"
    CLOCK_CHANGED = "clock.changed"  # re-anchored, extended, paused, became certain, superseded
    CLOCK_SUBMITTED = "clock.submitted"  # reference, receipt digest, as-sent digest
    CLOCK_WAIVED = "clock.waived"  # by a named person, with the reason
    CLOCK_MISSED = "clock.missed"
    EVIDENCE = "evidence.kept"  # name, sha256, size, source, mode
    CUSTODY = "evidence.touched"  # read, exported, held, released
    MESSAGE = "message.sent"  # to, subject, key
    HELD = "hold.seen"  # target, op, seen, before, since: a held target was looked at and is closed (not every look)
    DRIFTED = "hold.drifted"  # target, op, number, seen, last_seen, who, on_drift
    UNSEEN = "hold.unseen"  # target, op, seen, last_seen, told: nothing shows whether it is still closed
    HOLD_ENDED = "hold.ended"  # target, op, why, by
    READERS = "incident.readers"  # roles, people, why; or everyone: who may read it from now on
    FAULT_MENDED = "fault.mended"  # task, op, why: what was set aside can be worked out again
    REQUEST_RECEIVED = "request.received"  # request, v, kind, received_at, elements, requester (sealed), by, why
    REQUEST_COMPLETED = "request.completed"  # request, v, elements, at, by, why: what it contains, as seen now
    REQUEST_WRITTEN = "request.written"  # request, v, letter, at, reference, by: a letter to the person was sent
    REQUEST_WITHDRAWN = "request.withdrawn"  # request, v, why, by, request_locators (none: all of it), clocks, ends
    REQUEST_ANSWERED = "request.answered"  # request, v, outcome, why, by, reference, clocks
    COPIES = "copies.noted"  # store, v, copies (copy, state, copy_locator (sealed), how, distance), op, by
    BANK_FEEDBACK = "bank.feedback"  # bank, entry (its digest), verdict, by, why
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Draft:
    """What someone wants written; the store gives it its number, time and hash.

    Where a person acts, the body holds who they are beside the name: here, so that no place can forget it.
    """

    kind: Kind
    actor: str
    body: Content = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Take the id of the person out of the actor."""
        if isinstance(self.actor, Actor):
            if self.actor.person:
                object.__setattr__(self, "body", {BY_ID: self.actor.person, **self.body})
            object.__setattr__(self, "actor", str(self.actor))


class Written(Protocol):
    """What can be chained: a draft of an incident's journal, or an event of the security journal."""

    @property
    def kind(self) -> StrEnum:
        """What it is, of a closed set."""

    @property
    def actor(self) -> str:
        """Who did it."""

    @property
    def body(self) -> Content:
        """What there is to say about it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal. `at` is UTC; `seq` counts from 1."""

    incident: str
    seq: int
    at: str
    kind: str
    actor: str
    body: Content
    prev: str
    hash: str

    @property
    def instant(self) -> datetime:
        """`at` as an aware instant."""
        return datetime.fromisoformat(self.at)

    def as_json(self) -> Body:
        """The entry as it is exported."""
        return {
            name: getattr(self, name) for name in ("incident", "seq", "at", "kind", "actor", "body", "prev", "hash")
        }


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain stands."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class Fault:
    """Where a chain is broken, and how."""

    incident: str
    seq: int
    what: str


def genesis(incident: str) -> Head:
    """The head of an empty chain."""
    return Head(0, hashlib.sha256(b"firedoor.genesis.v1\n" + incident.encode()).hexdigest())


def hash_of(incident: str, seq: int, at: str, kind: str, actor: str, body: Content, prev: str) -> str:
    """The hash that an entry with this content must carry."""
    content = {"incident": incident, "seq": seq, "at": at, "kind": kind, "actor": actor, "body": body, "prev": prev}
    return hashlib.sha256(b"firedoor.entry.v1\n" + canonical(content)).hexdigest()


def chain(incident: str, head: Head, drafts: Iterable[Written], now: datetime) -> tuple[Entry, ...]:
    """Number, date and chain drafts onto a head."""
    at = now.astimezone(UTC).isoformat(timespec="microseconds")
    entries: list[Entry] = []
    seq, prev = head.seq, head.hash
    for draft in drafts:
        seq += 1
        kind = str(draft.kind)
        own = hash_of(incident, seq, at, kind, draft.actor, draft.body, prev)
        entries.append(Entry(incident, seq, at, kind, draft.actor, draft.body, prev, own))
        prev = own
    return tuple(entries)


def _fits(incident: str, entry: Entry) -> bool:
    try:
        expected = hash_of(incident, entry.seq, entry.at, entry.kind, entry.actor, entry.body, entry.prev)
    except TypeError:  # a value that has no canonical form cannot have been written by us
        return False
    return entry.incident == incident and entry.hash == expected


def verify(
    incident: str, entries: Sequence[Entry], head: Head | None = None, *, start: Head | None = None
) -> Fault | None:
    """Return the first fault of a chain, or None. With `head`, a cut-off end is a fault too.

    `start` is where the entries begin, for a chain that was verified up to there.
    """
    expected = start or genesis(incident)
    for entry in entries:
        if entry.seq != expected.seq + 1:
            return Fault(incident, entry.seq, f"follows entry {expected.seq}: an entry is missing or out of order")
        if entry.prev != expected.hash:
            return Fault(incident, entry.seq, "does not follow from the entry before it")
        if not _fits(incident, entry):
            return Fault(incident, entry.seq, "was altered: its hash does not fit its content")
        expected = Head(entry.seq, entry.hash)
    if head is not None and (head.seq, head.hash) != (expected.seq, expected.hash):
        return Fault(incident, expected.seq, f"is the last entry, but the head recorded elsewhere is entry {head.seq}")
    return None
