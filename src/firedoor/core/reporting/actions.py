"""Measures: what was promised so that it does not happen again, by whom and until when, and whether it is done.

Decides that a measure is a piece of work of the phases remediation or post_incident, or a line
that a review wrote down; that a line `what; who; by when` is read as three parts and any other
as it stands; and that only the answer to a task says that something is done. Leaves reminding
and escalating to the tasks themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from firedoor.core.history.operation_titles import Names
from firedoor.core.incident.view import IncidentView, TaskView
from firedoor.core.journal import Body
from firedoor.core.lifecycle import Phase
from firedoor.core.playbook.plan import Ask

PHASES = (str(Phase.REMEDIATION), str(Phase.POST_INCIDENT))
STATES = {"done": "done", "not_possible": "cannot be done"}
PARTS = 3  # what; who; by when


def tracked(view: IncidentView, names: Names) -> list[Body]:
    """Return the pieces of work that are measures, in the order in which they were given out."""
    return [_measure(task, names) for task in view.tasks.values() if is_measure(task.kind, task.id)]


def is_measure(kind: str, task: str) -> bool:
    """Whether a task is a measure, by what every list of tasks holds of it."""
    return kind == "do" and task.partition(".")[0] in PHASES


def promised(reviews: Iterable[Body]) -> list[Body]:
    """Return what the reviews wrote down: {what, who, by_when, review}; "" where a line does not say."""
    return [line for review in reviews for line in _lines(str(review.get("measures", "")), str(review["question"]))]


def _lines(text: str, review: str) -> Iterator[Body]:
    for line in filter(None, (part.strip(" -*\t") for part in text.splitlines())):
        parts = [part.strip() for part in line.split(";")]
        what, who, by_when = parts if len(parts) == PARTS else (line, "", "")
        yield {"what": what, "who": who, "by_when": by_when, "review": review}


def _measure(task: TaskView, names: Names) -> Body:
    operation: object = names.operation(task.op)
    last = task.answers[-1] if task.answers else None
    state = "open" if task.open else "withdrawn" if task.withdrawn else STATES.get(str(task.decided), str(task.decided))
    return {
        "task": f"T{task.number}", "id": task.id, "what": task.question, "owner": task.claimed_by or task.role,
        "role": task.role, "phase": str(operation.phase) if isinstance(operation, Ask) else task.id.partition(".")[0],
        "due_at": task.due_at, "state": state, "late": bool(last and last.get("late")),
        "escalated": len(task.escalations), "settled_at": last["at"] if last else None,
        "by": last["by"] if last else "", "why": last["why"] if last else "",
    }  # fmt: skip
