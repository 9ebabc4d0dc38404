"""How an incident, its tasks, its clocks and its targets look as JSON.

Decides the names and the types that `web.reading.serializers` writes and the command line reads; docs/reference/api.md
describes them. Instants are ISO 8601 with their offset. Where a field may be left out, it says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NotRequired, TypedDict

if TYPE_CHECKING:
    from firedoor.core.entries.law import ClockEvent, ClockSettled
    from firedoor.core.history.containment import ContainedTarget
    from firedoor.core.json_types import Json, JsonObject


class Choice(TypedDict):
    """One answer that a task takes; `requires` names the fields that it needs."""

    id: str
    label: NotRequired[str]
    consequence: NotRequired[str]
    requires: NotRequired[Sequence[str]]
    sets: NotRequired[JsonObject]


class Task(TypedDict):
    """A task of one incident."""

    incident: str
    number: int
    name: str
    id: str
    kind: str
    op: str
    role: str
    roles: Sequence[str]
    question: str
    guidance: str
    choices: Sequence[Choice]
    asks: Sequence[str]
    due_at: str
    overdue: bool
    opened_at: str
    escalate_to: str
    escalations: Sequence[Mapping[str, object]]
    approvals: int
    not_by: Sequence[str]
    claimed_by: str
    state: str
    choice: str | None
    answers: Sequence[Mapping[str, object]]
    clock: str | None


class TaskLine(TypedDict):
    """A task in the list over all incidents."""

    incident: str
    number: int
    role: str
    question: str
    due_at: str
    roles: NotRequired[Sequence[str]]


class IncidentTasks(TypedDict):
    """The tasks of one incident."""

    tasks: Sequence[Task]


class Tasks(TypedDict):
    """The open tasks of all incidents."""

    tasks: Sequence[TaskLine]
    next: NotRequired[str | None]


class Clock(TypedDict):
    """A clock. The list over all incidents says `due_at` and `incident`; an incident's own clocks say `due`."""

    id: str
    state: str
    title: str
    incident: NotRequired[str | None]
    due: NotRequired[str | None]
    due_at: NotRequired[str | None]
    citation: NotRequired[str]
    provisional: NotRequired[bool]
    zone_guessed: NotRequired[bool]
    seconds_left: NotRequired[int | None]
    settlement: NotRequired[ClockSettled | None]


class IncidentClock(Clock):
    """A clock of one incident: what it is about, where it stands, what happened to it.

    `seconds_left` is null where no outer limit runs, and negative when it has passed.
    """

    duty: str
    version: str
    jurisdiction: str
    authority: str
    addressee: str
    channel: str
    why: Sequence[str]
    confidence: str
    penalty: str
    trigger_event: str
    trigger_at: str
    started_at: str
    kind: str
    latest_arguable: str | None
    latest_basis: str
    internal_target: str | None
    assumption: str
    paused_until: str | None
    settled_at: str | None
    missed_at: str | None
    content: Sequence[JsonObject]
    history: Sequence[ClockEvent]
    zone: str
    open: bool
    overdue: bool


class Clocks(TypedDict):
    """The clocks of one incident, or of all."""

    clocks: Sequence[Clock]


class ChangedClock(TypedDict):
    """The clock that a command has changed, or asked to change."""

    clock: Clock


class Operation(TypedDict):
    """One operation of the plan, with where it stands."""

    id: str
    title: str
    phase: str
    step: str
    do: str
    status: str
    outcome: str
    attempts: int
    problem: str
    by_hand: bool
    started_seq: int
    finished_seq: int
    role: NotRequired[str]


class Book(TypedDict):
    """The playbook that an incident is pinned to."""

    name: str
    title: str
    version: str
    plan: str


class Head(TypedDict):
    """The last entry of a journal."""

    seq: int
    hash: str


class Stop(TypedDict):
    """By whom and why a run was paused or aborted."""

    by: str
    why: str


class SetAside(TypedDict):
    """What could not be worked out, with the task about it."""

    task: str
    part: str
    what: str


class Incident(TypedDict):
    """Everything about an incident that is not long."""

    id: str
    type: str
    title: str
    severity: str
    state: str
    phase: str
    outcome: str | None
    why: str
    opened_at: str
    opened_by: str
    closed_at: str | None
    in_spite: Sequence[str]
    playbook: Book
    roles: Sequence[str]
    facts: Sequence[Fact]
    progress: Sequence[Operation]
    targets: Sequence[ContainedTarget]
    tasks: Sequence[Task]
    clocks: Sequence[IncidentClock]
    alerts: Sequence[Mapping[str, object]]
    evidence: int
    paused: Stop | None
    aborted: Stop | None
    set_aside: Sequence[SetAside]
    head: Head


class IncidentLine(TypedDict):
    """One line of the list of incidents. `next_due` is added by whoever knows the clocks."""

    id: str
    title: str
    severity: str
    state: str
    opened_at: str
    set_aside: NotRequired[bool]
    next_due: NotRequired[str | None]


class Incidents(TypedDict):
    """A page of the list of incidents."""

    incidents: Sequence[IncidentLine]
    next: NotRequired[str | None]


class Opened(TypedDict):
    """What came of starting an incident."""

    incident: str
    in_spite: Sequence[str]


class Fact(TypedDict):
    """One fact; an unknown one is null beside `known: false`."""

    name: str
    value: Json
    known: bool
    shown: str
    type: str
    ask: str
    choices: Sequence[str]
    sealed: bool


class Facts(TypedDict):
    """The facts of an incident."""

    facts: Sequence[Fact]


class TimelineEntry(TypedDict):
    """One line of the timeline; `key` marks what a hurried reader needs."""

    at: str
    what: str
    actor: NotRequired[str]
    why: NotRequired[str]
    key: NotRequired[bool]


class Timeline(TypedDict):
    """The timeline of an incident."""

    timeline: Sequence[TimelineEntry]


class AskedToOpen(TypedDict):
    """Whether a target of an ended incident may be opened now, or how many more people have to agree."""

    agreed: bool
    people_missing: int


class Foreseen(TypedDict):
    """What a change of a run would do, in sentences."""

    consequences: Sequence[str]


class Named(TypedDict):
    """Those who may see an incident, where that is not everybody."""

    roles: Sequence[str]
    people: Sequence[str]


class Readers(TypedDict):
    """Who may see an incident."""

    readers: Named | Literal["everyone"]


class SentLink(TypedDict):
    """A link that was sent to somebody, once, to answer a task."""

    sent_by: str
    to: str
    expires_at: str
