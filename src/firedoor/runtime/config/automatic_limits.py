"""The brake of the house: how many targets may be suspended unasked within an hour, over all processes.

Decides from a count that is kept at hand, so that an alert waits for no query; near a limit the
store itself counts, in one step over all processes. Leaves which evidence is enough to
`core.brake`, and the rows to `store.holds`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from firedoor.core.execution.turn import Launch
from firedoor.core.incident.view import RESCUE, IncidentView, OperationRecord, TaskView
from firedoor.core.playbook.plan import Call, Limits
from firedoor.store.incidents import holds
from firedoor.store.incidents.journal import Store

NEAR = 5  # so many below a limit, or in its upper half, the store counts


def suspended_unasked(view: IncidentView, launch: Launch) -> bool:
    """Whether an operation suspends something that no person asked for: not by hand, not tried again by a person."""
    call, op = launch.instance.operation, launch.instance.id
    if not isinstance(call, Call) or not call.reflex or view.opened_by.startswith("person:"):
        return False
    record = view.operations.get(op)
    again = [name for name, task in view.tasks.items() if task.decided == "retry" and _is_about(op, record, task)]
    return not again and not (record and record.lineage)


def _is_about(op: str, record: OperationRecord | None, task: TaskView) -> bool:
    """Whether a person who was asked about a task was asked about an operation, which has another record by now."""
    missing = record.absent["target"] if record and record.absent else None
    return task.id.startswith(f"{RESCUE}{op}#") or (missing is not None and task.payload.get("absent") == missing)


@dataclass
class HouseBrake:
    """One per process. `house` is the limit of targets per hour."""

    store: Store
    now: Callable[[], datetime]
    house: int
    evidence: bool = True
    counted: list[tuple[str, str]] = field(default_factory=list)  # (playbook, target) of the last hour, as last read

    def read(self) -> None:
        """Learn what all processes have suspended unasked within the hour."""
        self.counted = holds.count_automatic(self.store, self.now())

    def why_not(self, playbook: str, limits: Limits | None, target: str) -> str:
        """Why no further target may be suspended unasked now, as far as is known without asking; else empty."""
        everywhere, here = self._counts(playbook)
        if any(found == target for _, found in self.counted):
            return ""  # it was closed within the hour: closing it again reaches nobody else
        if everywhere >= self.house:
            return holds.over("the house", everywhere, self.house)
        most = limits.per_hour if limits else None
        return holds.over(playbook, here, most) if most is not None and here >= most else ""

    def _counts(self, playbook: str) -> tuple[int, int]:
        everywhere = {target for _, target in self.counted}
        return len(everywhere), len({target for name, target in self.counted if name == playbook})

    async def admit(self, incident: str, op: str, playbook: str, target: str, limits: Limits | None) -> str:
        """Count a suspension before it is made. Far from every limit nobody waits for that to be written."""
        one = {"incident": incident, "op": op, "playbook": playbook, "target": target}
        most = limits.per_hour if limits else None
        everywhere, here = self._counts(playbook)
        near = _near(everywhere, self.house) or (most is not None and _near(here, most))
        self.counted.append((playbook, target))
        if not near:
            holds.note_automatic(self.store, one, self.now())
            return ""
        return await asyncio.wrap_future(holds.reserve_automatic(self.store, one, self.now(), self.house, most))


def _near(count: int, limit: int) -> bool:
    return limit - count <= max(NEAR, limit // 2)
