"""A target that the inventory does not have, or that nobody has named; doors that are described so that none can work.

Decides that all operations which fail for the same missing target, or for the same fault of the inventory wherever it
stands, are one task for the first role, those that fail while it is open included; that one answer counts for all of
them; and that the task which an alert's unknown target opened at the start ends then, or as soon as another target is
named. Leaves finding it to `runtime.perform` and `runtime.start_checks`, and what an answer does to `view_tasks`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from firedoor.core.entries.outcomes import Absent
from firedoor.core.entries.people import Choice, TaskOpened
from firedoor.core.entries.run import FaultMended
from firedoor.core.execution.given_up import given_up, left_out
from firedoor.core.execution.progress import Progress, Status
from firedoor.core.incident.view import RESCUE, START_TASK, IncidentView, TaskView
from firedoor.core.journal import Draft, Kind
from firedoor.core.playbook.plan import Plan
from firedoor.core.problems import FiredoorError, InvalidInput, NotFound, Problem, faulty

ABSENT = f"{RESCUE}target#"
FAULTY = "doors: "  # stands before a fault of the inventory, which is no name of a target
ACTOR = "firedoor"
HOURS = 1
SHOWN = 600  # characters of a fault in a question
CHOICES: list[Choice] = [
    {"id": name, "label": label, "consequence": consequence}
    for name, label, consequence in (
        ("retry", "It is described now, or corrected: try again", "Everything that failed for it is tried once more."),
        ("by_hand", "I did it by hand", "All of it counts as done by you; your note says what and how."),
        ("skip", "Go on without it", "All of it is left out, and what depends on it; your reason is on record."),
    )
]


class NoSuchTarget(NotFound):
    """The inventory has no target of this name."""

    def __init__(self, name: str, do: str) -> None:
        super().__init__(Problem(code="N104", message=f'the inventory has no target "{name[:80]}"', do=do))
        self.target = name


class NotNamed(InvalidInput):
    """Nobody has said which target it is."""

    def __init__(self, template: str) -> None:
        message = f"which target {template} means is not known yet"
        super().__init__(Problem(code="R103", message=message, do="set the fact, then try again"))
        self.target = template


def record(error: FiredoorError) -> Absent | None:
    """What the journal holds of a failure for a missing target or a faulty inventory; None for every other one."""
    problem = error.problems[0]
    if said := faulty(error):
        return {"target": f"{FAULTY}{said}", "problem": said, "do": problem.do}
    if not isinstance(error, (NoSuchTarget, NotNamed)):
        return None
    return {"target": error.target, "problem": problem.message, "do": problem.do}


def asked(plan: Plan, view: IncidentView, progress: Progress, now: datetime) -> list[Draft]:
    """The one task for each missing target of which nobody is asked yet."""
    new: dict[str, Absent] = {}
    drafts = []
    for one in progress.having(Status.STUCK):
        absent = view.operations[one.id].absent
        if absent and (before := given_up(view, one.id, _same(view, absent["target"]))):
            drafts.append(left_out(one.id, before))
        elif absent and not _about(view, absent["target"]):
            new.setdefault(absent["target"], absent)
    known = sum(name.startswith(ABSENT) for name in view.tasks)
    for number, (target, absent) in enumerate(new.items(), known + 1):
        drafts += [_task(plan, view.id, number, absent, now), *_start_ends(view, target)]
    return drafts


def named_otherwise(view: IncidentView) -> list[Draft]:
    """The end of the task about the target of an alert, once none of the facts that it was about says so any more."""
    task = view.tasks.get(START_TASK)
    wrong = task.payload.get("facts", {}) if task is not None and task.open else {}
    if not wrong or any(view.facts.get(name) == value for name, value in wrong.items()):
        return []
    return [_ends("another target is named")]


def _same(view: IncidentView, target: str) -> Iterator[TaskView]:
    """The tasks about this target. A fault of the inventory is no target: the next one that has it may be another."""
    for task in view.tasks.values():
        if task.payload.get("absent") == target and not target.startswith(FAULTY):
            yield task


def _about(view: IncidentView, target: str) -> list[TaskView]:
    return [task for task in view.open_tasks() if task.payload.get("absent") == target]


def _start_ends(view: IncidentView, target: str) -> Iterator[Draft]:
    """What was asked at the start is asked here, with more answers."""
    task = view.tasks.get(START_TASK)
    if task is not None and task.open and list(task.payload.get("facts", {}).values()) == [target]:
        yield _ends("it is asked together with what failed for it")


def _ends(why: str) -> Draft:
    return Draft(Kind.FAULT_MENDED, ACTOR, FaultMended(task=START_TASK, why=why))


def _task(plan: Plan, incident: str, number: int, absent: Absent, now: datetime) -> Draft:
    lead, *others = plan.roles or ("commander",)
    body: TaskOpened = {
        "task": f"{ABSENT}{number}", "op": "", "kind": "rescue", "role": lead,
        "escalate_to": others[0] if others else lead, "guidance": _guidance(incident, absent), "choices": CHOICES,
        "question": _question(absent),
        "asks": [], "approvals": 1, "due_at": (now + timedelta(hours=HOURS)).isoformat(),
        "payload": {"absent": absent["target"]},
    }  # fmt: skip
    return Draft(Kind.TASK_OPENED, ACTOR, body)


def _question(absent: Absent) -> str:
    where = "by doors that are described so" if absent["target"].startswith(FAULTY) else "there"
    return f"Nothing can be closed, looked at or kept {where}: {absent['problem'][:SHOWN]}. What becomes of it?"


def _guidance(incident: str, absent: Absent) -> str:
    if absent["target"].startswith(FAULTY):
        remedy = "`firedoor check` names every place. Correct targets.yaml, start the server again, then try again; "
        one = "One answer counts for everything that fails for this reason, whichever target it is of."
        return "\n".join((absent["do"], f"{remedy}until then close by hand.", one))
    remedy = (
        f"A wrong name is corrected with `firedoor facts {incident} set`; if it is right, close it by hand now, and "
        "describe it in targets.yaml."
    )
    return "\n".join((absent["do"], remedy, "One answer counts for everything that fails for this target."))
