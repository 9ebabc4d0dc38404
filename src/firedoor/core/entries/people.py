"""Bodies of entries about people: tasks, links, reminders, messages."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from firedoor.core.entries.base import EntryBody, Instant, Json, Words


class TaskOpened(EntryBody):
    """A question to a role, with every answer that it may have."""

    task: str
    op: str
    kind: str
    role: str
    escalate_to: str
    question: str
    choices: tuple[Json, ...]
    due_at: Instant
    asks: Words = ()
    guidance: str = ""
    clock: str = ""
    payload: Json = Field(default_factory=dict)
    not_by: tuple[Any, ...] = ()
    not_by_ids: Json = Field(default_factory=dict)
    approvals: int = 1
    chain: tuple[Any, ...] = ()
    four_eyes_with: str | None = None


class TaskAnswered(EntryBody):
    """`seen` is the digest of what was shown to whoever answered; `decides` is false for the first of two approvals."""

    task: str
    choice: str
    why: str
    by: str
    role: str
    fields: Json = Field(default_factory=dict)
    seen: str = ""
    decides: bool = True
    late: bool = False
    via: str = ""
    link_made_by: str = ""


class TaskEscalated(EntryBody):
    """It is asked of another role as well."""

    task: str
    role: str
    why: str


class TaskReassigned(EntryBody):
    """It is asked of another role instead."""

    task: str
    role: str
    before: str
    by: str
    why: str
    not_by: str | None = None


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


class LinkMade(EntryBody):
    """A link with which one person answers one task once. Its secret is not in it."""

    link: str
    task: str
    person: str
    role: str
    by: str
    expires_at: Instant
    person_id: str = ""
    messenger: str = ""
    choice: str | None = None


class ReminderFired(EntryBody):
    """`about` is a task or a clock; `point` is which of its reminders."""

    about: str
    point: str
    due_at: Instant
    late_seconds: int


class MessageSent(EntryBody):
    """A message of the playbook to roles."""

    to: Words
    subject: str
    text: str
    op: str | None = None
