"""How a dry run looks as JSON: the targets and their doors, what happens unasked, who is asked, what nobody can know.

Decides the names and the types that the command line reads of it; `runtime.rehearsal.dry_run` makes it. Where a field
may be left out, it says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict


class Said(TypedDict):
    """A problem in words."""

    message: str
    do: NotRequired[str]


class Start(TypedDict):
    """What would keep it from starting, and what a person should know before."""

    refused: Sequence[Said]
    notices: Sequence[str]


class PlannedTarget(TypedDict):
    """A target that would be closed. `never_suspend` says why it never is, where that is so."""

    target: str
    kind: str
    title: str
    neighbours: Sequence[str]
    never_suspend: str
    proved_by: str


class PlannedCall(TypedDict):
    """A call that would be made."""

    verb: str
    summary: str


class PlannedDoor(TypedDict):
    """A door of a target, with the calls that would be made at it."""

    door: str
    connector: str
    calls: Sequence[PlannedCall]
    problems: Sequence[Said]
    reversible: NotRequired[str | None]
    left_alone: NotRequired[str]
    blast_radius: NotRequired[Sequence[str]]
    permissions: NotRequired[Sequence[str]]


class PlannedOperation(TypedDict):
    """An operation of the plan, and when it would come."""

    do: str
    title: str
    when: str
    each: str | None
    target: NotRequired[str | None]
    role: NotRequired[str]
    problem: NotRequired[str]
    doors: NotRequired[Sequence[PlannedDoor]]
    reads: NotRequired[Mapping[str, str]]
    hash_only: NotRequired[Sequence[str]]
    not_in_inventory: NotRequired[Sequence[str]]


class Unasked(TypedDict):
    """Whether a target would be closed without asking a person, and why."""

    target: str | None
    unasked: bool
    why: str
    from_an_alert: str


class Approval(TypedDict):
    """A question that people would be asked."""

    kind: str
    role: str
    question: str
    approvals: int
    within_seconds: int
    escalate_to: str
    not_answered_by: str
    when: str


class DryRun(TypedDict):
    """The whole of it."""

    playbook: str
    version: str
    plan: str
    missing: Sequence[str]
    start: Start
    targets: Sequence[PlannedTarget]
    operations: Sequence[PlannedOperation]
    unasked: Sequence[Unasked]
    approvals: Sequence[Approval]
    not_known: Sequence[str]
