"""What waits behind a question: the doors that stay open until somebody answers it.

Decides which suspensions of a plan come after the operation that asks, as the plan orders them, and are not settled.
Leaves whether a question is late to whoever asks.
"""

from __future__ import annotations

from firedoor.core.incident.view import IncidentView, TaskView
from firedoor.core.incident.view_tasks import about
from firedoor.core.playbook.plan import Call, Plan

SETTLED = frozenset(("finished", "skipped"))


def doors_behind(plan: Plan, view: IncidentView, task: TaskView) -> list[str]:
    """The titles of the suspensions that wait for a task, in the plan's order."""
    held_up = [] if "ops" in task.payload else about(view, task)  # a gap in the evidence holds up no closing
    asked = {op.partition("[")[0] for op in held_up}
    behind = _behind(plan, asked) | (asked if task.kind == "rescue" else set())  # of a closing that failed, it itself
    suspensions = (one for one in plan.operations if isinstance(one, Call) and one.verb == "suspend")
    return [one.title for one in suspensions if one.id in behind and not _settled(view, one.id)]


def _behind(plan: Plan, asked: set[str]) -> set[str]:
    """Every operation after those asked, however far."""
    behind, grew = set(asked), True
    while grew:
        after = {one.id for one in plan.operations if {edge.after for edge in one.after} & behind}
        new = after - behind
        behind |= new
        grew = bool(new)
    return behind - asked


def _settled(view: IncidentView, identifier: str) -> bool:
    records = [one for name, one in view.operations.items() if name.partition("[")[0] == identifier]
    return bool(records) and all(one.status in SETTLED for one in records)
