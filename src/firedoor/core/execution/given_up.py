"""What somebody chose to go on without: whatever fails for it later is left out, and nobody is asked a second time.

Decides that the newest answer counts, that the reason stays that person's, and that what a person has had done again
is asked about again. Leaves what "the same" is to whoever asks (`evidence_gaps`, `missing_targets`).
"""

from __future__ import annotations

from collections.abc import Iterable

from firedoor.core.entries.run import OperationSkipped
from firedoor.core.incident.view import IncidentView, TaskView
from firedoor.core.journal import Draft, Kind

ACTOR = "firedoor"
WITHOUT = "skip"


def given_up(view: IncidentView, op: str, asked: Iterable[TaskView]) -> TaskView | None:
    """Of the tasks in which people were asked about the same, the one that was answered last, if it was so."""
    answered = [task for task in asked if task.decided]
    last = max(answered, key=lambda task: task.opened_seq, default=None)
    redone = view.operations[op].lineage
    return last if last is not None and last.decided == WITHOUT and not redone else None


def left_out(op: str, task: TaskView) -> Draft:
    """An operation that is left out because of what was answered about the same before."""
    said = task.answers[-1]
    why = f"{said['by']} chose in T{task.number} to go on without it: {said['why']}"
    return Draft(Kind.SKIPPED, ACTOR, OperationSkipped(op=op, why=why))
