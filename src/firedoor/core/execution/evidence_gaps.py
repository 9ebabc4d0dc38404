"""What could not be kept because the inventory does not describe it: noted once, asked about once.

Decides that such a gap holds up nothing that can be undone, and everything that cannot (see `progress`); that all
gaps which come up together are one task for the first role; and what its answers mean. Leaves finding gaps beforehand
to `runtime.evidence_gaps`, and what an answer does to an operation to `view_tasks`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from firedoor.core.entries.outcomes import Gap
from firedoor.core.entries.people import Choice, TaskOpened
from firedoor.core.execution.given_up import given_up, left_out
from firedoor.core.execution.progress import Progress, Status
from firedoor.core.incident.view import RESCUE, IncidentView, TaskView
from firedoor.core.journal import Body, Draft, Entry, Kind
from firedoor.core.playbook.plan import Keep, Plan
from firedoor.core.problems import InvalidInput, Problem
from firedoor.core.targets import Target

GAP = f"{RESCUE}gap#"
ACTOR = "firedoor"
HOURS = 1
SHOWN = 12  # names in one question; the list of evidence has them all
CHOICES: list[Choice] = [
    {"id": name, "label": label, "consequence": consequence}
    for name, label, consequence in (
        ("retry", "They are described now: try again", "Each is read again from where the inventory says."),
        ("by_hand", "I have kept them by hand", "They count as kept by you; your note says how and where."),
        ("skip", "They cannot be kept", "They stay gaps in the report. What cannot be undone may go on."),
    )
]


class NotDescribed(InvalidInput):
    """The inventory does not say where an artefact is read."""

    def __init__(self, artefact: str, target: Target, do: str) -> None:
        known = ", ".join(target.evidence) or "nothing"
        message = f"the inventory does not say where the {artefact} of {target.id} is read (known: {known})"
        super().__init__(Problem(code="R109", message=message, do=do))
        self.gap = Gap(artefact=artefact, target=target.id)


def asked(plan: Plan, view: IncidentView, progress: Progress, now: datetime) -> list[Draft]:
    """The one task about everything that was found missing and is not asked about yet; none while more may be found."""
    stuck = {one.id: gap for one in progress.having(Status.STUCK) if (gap := view.operations[one.id].gap)}
    known = [task for task in view.tasks.values() if task.id.startswith(GAP)]
    same = {op: [task for task in known if gap in _gaps(view, task)] for op, gap in stuck.items()}
    without = {op: before for op, tasks in same.items() if (before := given_up(view, op, tasks)) is not None}
    if without:
        return [left_out(op, before) for op, before in without.items()]
    covered = {op for task in known if task.open for op in task.payload.get("ops", ())}
    new = {op: gap for op, gap in stuck.items() if op not in covered}
    looking = (*progress.having(Status.RUNNING), *progress.having(Status.WAITING))
    if not new or any(isinstance(one.operation, Keep) for one in looking):
        return []
    lead, *others = plan.roles or ("commander",)
    body: TaskOpened = {
        "task": f"{GAP}{len(known) + 1}", "op": "", "kind": "rescue", "role": lead,
        "escalate_to": others[0] if others else lead, "question": _question(list(new.values())),
        "guidance": _guidance(view.id, {gap["target"] for gap in new.values()}), "choices": CHOICES, "asks": [],
        "approvals": 1, "due_at": (now + timedelta(hours=HOURS)).isoformat(), "payload": {"ops": list(new)},
    }  # fmt: skip
    return [Draft(Kind.TASK_OPENED, ACTOR, body)]


def _gaps(view: IncidentView, task: TaskView) -> list[Gap]:
    records = (view.operations.get(op) for op in task.payload.get("ops", ()))
    return [record.gap for record in records if record is not None and record.gap]


def gaps_of(entries: Iterable[Entry], view: IncidentView) -> list[Body]:
    """What is not under custody though the playbook wanted it, in the order of the journal, and what became of it."""
    found: dict[str, Body] = {}
    for entry in entries:
        if entry.kind == Kind.FAILED and entry.body.get("gap"):
            op = str(entry.body["op"])
            gap = entry.body["gap"]
            found[op] = {
                "artefact": gap["artefact"], "target": gap["target"], "op": op, "at": entry.at, "seq": entry.seq,
                "why": "the inventory does not say where it is read",
            }  # fmt: skip
    return [{**gap, "state": state} for op, gap in found.items() if (state := _state(view, op))]


def _state(view: IncidentView, op: str) -> str:
    """What became of it; empty when it was kept after all."""
    record = view.operations[op]
    if record.status == "finished":
        return f"kept by hand by {record.result.get('by')}" if record.by_hand else ""
    return "not kept, by decision" if record.status == "skipped" else "not kept, and not decided yet"


def _question(gaps: Sequence[Gap]) -> str:
    by_target: dict[str, list[str]] = {}
    for gap in gaps:
        by_target.setdefault(gap["target"], []).append(gap["artefact"].replace("_", " "))
    named = "; ".join(f"{', '.join(names[:SHOWN])} of {target}" for target, names in by_target.items())
    count = f"{len(gaps)} things" if len(gaps) > 1 else "One thing"
    return f"{count} could not be kept, because the inventory does not say where to read: {named}. What becomes of it?"


def _guidance(incident: str, targets: set[str]) -> str:
    where = " and ".join(sorted(targets))
    return (
        f"Closing goes on and does not wait for this. What cannot be undone does: deleting, retraining, opening again, "
        f"ending the incident. Keep it by hand (`firedoor evidence add {incident} FILE`), or describe it under "
        f"`evidence:` of {where} in the inventory and have it tried again. One answer counts for all of them."
    )
