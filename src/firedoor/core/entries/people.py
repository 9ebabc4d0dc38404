"""Bodies of entries about people: tasks, links, reminders, messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NotRequired

from typing_extensions import TypedDict

from firedoor.core.entries.base import EntryBody, Instant, Words
from firedoor.core.json_types import JsonObject


class Choice(TypedDict):
    """An answer that a task may have: what follows from it, what it asks for besides, and the facts that it sets."""

    id: str
    label: str
    consequence: str
    requires: NotRequired[Words]
    sets: NotRequired[JsonObject]


class Proposal(TypedDict):
    """The answer that a reviewer gives by agreeing."""

    task: str
    choice: str
    fields: Mapping[str, str]
    facts: JsonObject


class TaskPayload(TypedDict, total=False):
    """What a task is about, besides its operation: each kind of task beside the plan has keys of its own."""

    target: str  # drift, open: the target that is held
    ops: Words  # gaps: the operations that are asked about at once
    absent: str  # the target that is missing
    # what is set aside (`core.isolated.Fault`), and whether it can be worked out again
    part: str
    kind: str
    said: str
    where: str
    do: str
    fault: str
    facts: JsonObject
    mended: bool
    proposed: Proposal
    # a change of a clock: the whole of its entry, of which these are shown
    id: str
    what: str
    because: str
    asked_by: str
    document: str
    due: Instant | None
    paused_until: Instant | None


class TaskOpened(EntryBody):
    """A question to a role, with every answer that it may have."""

    task: str
    op: str
    kind: str
    role: str
    escalate_to: str
    question: str
    choices: Sequence[Choice]
    due_at: Instant
    asks: NotRequired[Words]
    guidance: NotRequired[str]
    clock: NotRequired[str]
    payload: NotRequired[TaskPayload]
    not_by: NotRequired[Words]
    not_by_ids: NotRequired[Mapping[str, str]]
    approvals: NotRequired[int]
    chain: NotRequired[Words]
    four_eyes_with: NotRequired[str | None]


class TaskAnswered(EntryBody):
    """`seen` is the digest of what was shown to whoever answered; `decides` is false for the first of two approvals."""

    task: str
    choice: str
    why: str
    by: str
    role: str
    fields: NotRequired[JsonObject]
    outcome: NotRequired[str]
    seen: NotRequired[str]
    decides: NotRequired[bool]
    late: NotRequired[bool]
    via: NotRequired[str]
    link_made_by: NotRequired[str]


class AnswerGiven(TaskAnswered):
    """An answer as the incident has it."""

    at: Instant


class TaskEscalated(EntryBody):
    """It is asked of another role as well."""

    task: str
    role: str
    why: str


class Escalation(TaskEscalated):
    """An escalation as the incident has it."""

    at: Instant


class TaskReassigned(EntryBody):
    """It is asked of another role instead."""

    task: str
    role: str
    before: str
    by: str
    why: str
    not_by: NotRequired[str | None]


class TaskClaimed(EntryBody):
    """Somebody has taken it."""

    task: str
    by: str
    before: str
    why: str


class GlassBroken(EntryBody):
    """Somebody answered without the role; `roles` are those that they have, `asked` those that were asked."""

    task: str
    by: str
    roles: Words
    asked: Words
    why: str
    proposes: NotRequired[str]  # the choice that somebody with the right has to agree to


class LinkMade(EntryBody):
    """A link with which one person answers one task once. Its secret is not in it."""

    link: str
    task: str
    person: str
    role: str
    by: str
    expires_at: Instant
    person_id: NotRequired[str]
    messenger: NotRequired[str]
    choice: NotRequired[str | None]


class ReminderFired(EntryBody):
    """`about` is a task or a clock; `point` is which of its reminders."""

    about: str
    point: str
    due_at: Instant
    late_seconds: int


class Reminder(ReminderFired):
    """A reminder as the incident has it."""

    at: Instant


class MessageSent(EntryBody):
    """A message of the playbook to roles."""

    to: Words
    subject: str
    text: str
    op: NotRequired[str | None]
