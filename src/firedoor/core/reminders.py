"""When a person is reminded of a task: at half of its time, and when it is over.

Decides the points of tasks; those of clocks are in `clock.reminder_points`. At
the last point nobody is reminded any more: the task goes to whom the playbook
names next.
"""

from __future__ import annotations

from datetime import datetime

OVER = "T"


def task_points(opened_at: datetime, due_at: datetime) -> list[tuple[str, datetime]]:
    """The points of a task, in order."""
    if due_at <= opened_at:
        return [(OVER, due_at)]
    return [("half", opened_at + (due_at - opened_at) / 2), (OVER, due_at)]
