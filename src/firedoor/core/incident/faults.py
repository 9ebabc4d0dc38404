"""What is set aside because something unforeseen was raised about it: an operation, a duty, an entry, a drive.

Decides what is written down then: a task for the first role of the playbook that names the part, the error and the
remedy. The same fault is told once, however often it is met; once the part can be worked out again the task is
withdrawn. Whatever else the incident has to do goes on, containment above all. Leaves catching it to `turn` (its
parts), to the driver (a whole drive) and to `isolated` (one of many).

An operation that failed so is failed as any other: its task offers to try again, to do it by hand, or to go on
without it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from firedoor.core.entries.people import Choice, TaskOpened
from firedoor.core.entries.run import FaultMended, OperationFailed
from firedoor.core.incident.view import FAULT, IncidentView, TaskView
from firedoor.core.isolated import Fault
from firedoor.core.journal import Body, Draft, Kind

ACTOR = "firedoor"
HOURS = 1  # until somebody must have looked
MOST = 5  # different faults of one part that are told before one of them is mended
DRIVE, LAW, SEVERITY, ENTRY, DUTY, LOOK, HOLD = (
    "drive", "law", "severity", "entry:", "duty:", "look:", "hold:"
)  # fmt: skip
BY_HAND: list[Choice] = [
    {
        "id": "by_hand", "label": "It is dealt with by hand",
        "consequence": "Your note says how. It no longer holds up the end of the incident; Firedoor goes on trying.",
    }
]  # fmt: skip
REMEDY = (
    "Correct what it names with `firedoor facts INCIDENT set`, or deal with it by hand. It is tried again by itself "
    "when something is written here and when Firedoor starts again. If it stays, report it with this text."
)


def failed_operation(op: str, attempts: int, fault: Fault) -> Draft:
    """An operation that could not be begun, because working it out raised."""
    problem = f"It could not be worked out: {fault.words}"
    body: OperationFailed = {
        "op": op,
        "attempt": max(attempts, 1),
        "problem": problem,
        "final": True,
        "fault": fault.record(),
    }
    return Draft(Kind.FAILED, ACTOR, body)


def asked(
    view: IncidentView, part: str, what: str, fault: Fault, roles: Sequence[str], now: datetime
) -> list[Draft]:  # fmt: skip
    """Ask about a part that raised; nothing when the same stands on record and has not been mended since."""
    known = [task for task in view.tasks.values() if task.kind == FAULT and task.payload.get("part") == part]
    standing = [task for task in known if not task.payload.get("mended")]
    if len(standing) >= MOST or any(_same(task, fault) for task in standing):
        return []
    lead, *others = roles or ("commander",)
    body: TaskOpened = {
        "task": f"{FAULT}:{part}#{len(known) + 1}", "op": "", "kind": FAULT, "role": lead,
        "escalate_to": others[0] if others else lead, "question": f"{what}: set aside. {fault.words}",
        "guidance": guidance(fault), "choices": BY_HAND, "asks": [], "approvals": 1,
        "due_at": (now + timedelta(hours=HOURS)).isoformat(), "payload": {
            "part": part, "kind": fault.kind, "said": fault.said, "where": fault.where, "do": fault.do,
        },
    }  # fmt: skip
    return [Draft(Kind.TASK_OPENED, ACTOR, body)]


def guidance(fault: Fault) -> str:
    """What whoever is asked can do about it."""
    return "\n".join(filter(None, (fault.do, REMEDY)))


def mended(view: IncidentView, front: str, still: Collection[str] = ()) -> list[Draft]:
    """The end of what was set aside of the parts whose names begin so, except those that still are."""
    gone = [
        task
        for task in view.tasks.values()
        if task.kind == FAULT and not task.payload.get("mended") and _about(task, front, still)
    ]
    return [
        Draft(Kind.FAULT_MENDED, ACTOR, FaultMended(task=task.id, why="it can be worked out again")) for task in gone
    ]


def taken_up(view: IncidentView, op: str) -> Draft:
    """An operation that failed so and can be worked out now is ready again."""
    tasks = [task.id for task in view.open_tasks() if task.op == op and task.kind == FAULT]
    body: Body = {"op": op, "why": "it can be worked out again"}
    return Draft(Kind.FAULT_MENDED, ACTOR, {**body, "task": tasks[-1]} if tasks else body)


def of_entries(view: IncidentView, roles: Sequence[str], now: datetime) -> Iterator[Draft]:
    """Ask about entries of the journal that could not be read, and end what can be read again."""
    for seq, (kind, fault) in view.unread.items():
        yield from asked(view, f"{ENTRY}{seq}", f"Entry {seq} ({kind}) cannot be read", fault, roles, now)
    yield from mended(view, ENTRY, {f"{ENTRY}{seq}" for seq in view.unread})


def of_duties(
    view: IncidentView, failed: Mapping[str, Fault], duties: Mapping[str, object], roles: Sequence[str], now: datetime
) -> Iterator[Draft]:
    """Ask about duties that could not be worked out: nobody may take that for "no limit runs"."""
    for name, fault in failed.items():
        title = getattr(duties.get(name), "title", "") or "a duty"
        yield from asked(view, f"{DUTY}{name}", f"{title} ({name}): the limit cannot be computed", fault, roles, now)
    yield from mended(view, DUTY, {f"{DUTY}{name}" for name in failed})


def open_ones(view: IncidentView, front: str = "") -> list[TaskView]:
    """What is set aside, and nobody has dealt with."""
    return [task for task in view.open_tasks() if task.kind == FAULT and _about(task, front, ())]


def _about(task: TaskView, front: str, but: Collection[str]) -> bool:
    """Whether a task is about a part whose name begins so. One about an operation has no part."""
    part = str(task.payload.get("part", ""))
    return part.startswith(front) and part not in but and (bool(part) or not front)


def _same(task: TaskView, fault: Fault) -> bool:
    return (task.payload.get("kind"), task.payload.get("where")) == (fault.kind, fault.where)
