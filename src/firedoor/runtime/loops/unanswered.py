"""A question that nobody answers, as the audit finds it: which doors stay open behind it.

Decides that it is read from the journal and the pinned plan alone, over the audit's own connection, and that what
cannot be read counts as holding up: unknown is never "nothing waits". Leaves which questions are late to the audit.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from firedoor.core.incident.view import IncidentView, TaskView, fold
from firedoor.core.playbook.plan import Plan
from firedoor.core.tasks.waiting import doors_behind
from firedoor.store.database.sql import table
from firedoor.store.database.tables import EntryRow, PlanRow
from firedoor.store.incidents.verification import entry_of


def late_question(connection: Connection, incident: str, name: str) -> tuple[TaskView, str] | None:
    """The task, and in words what it holds up; None where no door waits for it."""
    entries = table(EntryRow)
    rows = connection.execute(select(entries).where(entries.c.incident == incident).order_by(entries.c.seq))
    view = fold(incident, [entry_of(row) for row in rows])
    task = view.tasks.get(name)
    if task is None or not task.open:
        return None
    plan = _plan(connection, view)
    if plan is None:
        return task, "its plan cannot be read, so perhaps a suspension"
    doors = doors_behind(plan, view, task)
    return (task, ", ".join(doors)) if doors else None


def _plan(connection: Connection, view: IncidentView) -> Plan | None:
    plans = table(PlanRow).c
    body = connection.execute(select(plans.body).where(plans.digest == view.plan_digest)).scalar()
    try:
        return Plan.model_validate_json(body) if body else None
    except ValueError:
        return None
