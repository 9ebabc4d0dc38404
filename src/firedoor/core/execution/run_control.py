"""Steering a run by hand: pause, unpause, skip, redo, by-hand, abort; and what each would lead to.

Decides what may be steered and which entries that becomes. The consequences that a person
reads before are worked out from the same entries, so they cannot differ from what happens.
What a clock asks for goes on through a pause and after an abort; the law knows neither.
Leaves holding back what is ready to `turn`, and tasks to `operator`.

Redoing is another effect with another idempotency key. So it is refused where that would
deceive: a capture or suspension of a target that is held (the state to go back to would be
lost), one that failed midway (only the same key finds what it began), and whatever cannot
be undone (it needs an approval of its own). Decisions are answered, never skipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from datetime import datetime, timedelta
from enum import StrEnum

from firedoor.core.entries.people import Choice, TaskOpened
from firedoor.core.execution.progress import DONE, Instance, Progress, Status
from firedoor.core.incident.view import ABORT_REVIEW, REVIEWS, IncidentView, TaskView, suppose, suspended_targets
from firedoor.core.journal import Body, Draft, Kind
from firedoor.core.playbook.plan import Ask, Call, Choose, Keep, Mark, Plan, Tell, Wait
from firedoor.core.problems import NotFound, Problem, Refused, nearest
from firedoor.core.tasks.answers import Person, need_why
from firedoor.core.tasks.task_actions import need_operator

REVIEW_HOURS = 24
BY_HAND = {"keep": "kept", "tell": "sent", "call": "done"}  # the outcome that what follows waits for


class Action(StrEnum):
    """What a person can do to a run."""

    PAUSE = "pause"
    UNPAUSE = "unpause"
    SKIP = "skip"
    REDO = "redo"
    BY_HAND = "by-hand"
    ABORT = "abort"


OF_AN_OPERATION = frozenset((Action.SKIP, Action.REDO, Action.BY_HAND))


def control(
    action: Action, view: IncidentView, plan: Plan, operation: str, why: str, person: Person, now: datetime
) -> list[Draft]:
    """Return the entries that an action becomes. Raises NotPermitted, NotFound, Refused or InvalidInput."""
    need_operator(person)
    need_why(why)
    if view.closed_at:
        raise _refused("O110", f"{view.id} is {view.state}", "nothing runs any more")
    body: Body = {"by": person.name, "why": why.strip()}
    if view.aborted is not None and action is not Action.BY_HAND:
        raise _refused("O111", f"{view.id} was aborted by {view.aborted['by']}", "answer its last task to close it")
    progress = Progress(plan, view)
    if action in OF_AN_OPERATION:
        instance = _instance(progress, operation)
        _steerable(view, instance, progress.status(instance.id), action)
        return [_of_operation(view, instance, action, person, body)]
    if action is Action.ABORT:
        withdraws = [task.id for task in view.open_tasks() if not _remains(task, progress)]
        aborted = Draft(Kind.RUN_ABORTED, person.actor, {**body, "withdraws": withdraws})
        return [aborted, _last_task(view, plan, why, now)]
    if (action is Action.PAUSE) == (view.paused is not None):
        word = f"paused by {view.paused['by']}" if view.paused else "not paused"
        raise _refused("O112", f"{view.id} is {word} already", "nothing was changed")
    return [Draft(Kind.RUN_PAUSED if action is Action.PAUSE else Kind.RUN_UNPAUSED, person.actor, body)]


def consequences(action: Action, view: IncidentView, plan: Plan, operation: str, drafts: Sequence[Draft]) -> list[str]:
    """Say what an action would lead to, from the entries that it would become. Nothing is changed."""
    before, after = Progress(plan, view), deepcopy(view)
    suppose(after, drafts, datetime.fromisoformat(view.opened_at))
    following = Progress(plan, after)
    said = {
        Action.PAUSE: _paused, Action.UNPAUSE: _unpaused, Action.ABORT: _aborted,
    }.get(action, _changed)(before, following, operation)  # fmt: skip
    if action is Action.REDO:
        said.insert(0, f"{_title(following, operation)} is done again, under another idempotency key: a second effect.")
        said.append("What was done after it is not done again.")
    if action is Action.BY_HAND:
        said.insert(0, f"{_title(following, operation)} counts as done by you; Firedoor will not do it or check it.")
    if action is Action.SKIP:
        said.insert(0, f"{_title(following, operation)} will not happen.")
    return [*said, *_remaining(after)]


def _instance(progress: Progress, name: str) -> Instance:
    if name not in progress.instances:
        raise NotFound(
            Problem(code="O120", message=f'no operation is called "{name}"', do=nearest(name, progress.instances))
        )
    return progress.instances[name]


def _steerable(view: IncidentView, instance: Instance, status: Status, action: Action) -> None:
    """Raise where this action on this operation would deceive, or is somebody's decision."""
    operation, name = instance.operation, instance.id
    if status is Status.RUNNING:
        raise _refused("O121", f"{name} is running", "pause the run, let it end, then decide")
    if isinstance(operation, (Mark, Choose)):
        raise _refused("O122", f"{name} is decided by the facts and by what was done", "correct the facts instead")
    if action is Action.REDO:
        _repeatable(view, instance, status)
        return
    record = view.operations.get(name)
    settled = str(status) if status in DONE else record.status if record and record.ahead else ""
    if settled:
        raise _refused("O123", f"{name} is {settled} already", "nothing was changed")
    if isinstance(operation, Ask) and (action is Action.BY_HAND or operation.kind not in ("do", "facts")):
        raise _refused("O124", f"{name} is a person's to answer", "answer its task; every choice says what follows")
    if action is Action.BY_HAND and isinstance(operation, Wait):
        raise _refused("O125", f"{name} only lets time pass", "skip it instead")
    if action is Action.BY_HAND and status is Status.PENDING and _irreversible(instance):
        raise _refused("O126", f"{name} cannot be undone and is not approved yet", "have it approved first")


def _repeatable(view: IncidentView, instance: Instance, status: Status) -> None:
    operation, name = instance.operation, instance.id
    record = view.operations.get(name)
    if not isinstance(operation, (Call, Keep)):
        do = "a decision stands; correct the facts, or note what changed"
        raise _refused("O130", f"{name} is no effect that can be repeated", do)
    if record is None or (status not in (*DONE, Status.STUCK) and not record.ahead):
        raise _refused("O131", f"{name} has not been done yet", "there is nothing to repeat")
    if _irreversible(instance):
        raise _refused("O132", f"{name} cannot be undone", "it is not repeated without an approval of its own")
    if not isinstance(operation, Call):
        return
    if operation.verb in ("suspend", "resume") and status in (Status.STUCK, Status.FAILED):
        do = "answer its task with `retry`, or settle it with `firedoor by-hand`"
        raise _refused("O133", f"{name} failed midway: only the same key finds what it began", do)
    held = record.result.get("target") in suspended_targets(view)
    if operation.verb in ("capture", "suspend") and held:
        do = "`firedoor verify` looks whether it is closed"
        raise _refused("O134", f"{record.result['target']} is held: the state to go back to would be lost", do)
    if operation.verb == "resume" and status is Status.FINISHED and not held:
        raise _refused("O135", f"{name}: this incident holds nothing closed there", "there is nothing to open")


def _irreversible(instance: Instance) -> bool:
    return isinstance(instance.operation, Call) and instance.operation.allow_irreversible


def _of_operation(view: IncidentView, instance: Instance, action: Action, person: Person, body: Body) -> Draft:
    body = {"op": instance.id, **body}
    if action is Action.SKIP:
        return Draft(Kind.SKIPPED, person.actor, body)
    if action is Action.REDO:
        lineage = view.operations[instance.id].lineage + 1
        return Draft(Kind.REDONE, person.actor, {**body, "lineage": lineage})
    result: Body = {"by_hand": True, "by": body["by"], "why": body["why"]}
    finished = {"op": instance.id, "outcome": BY_HAND[instance.operation.do], "result": result}
    return Draft(Kind.FINISHED, person.actor, finished)


def _remains(task: TaskView, progress: Progress) -> bool:
    """Whether a task outlives an abort: it is about a clock, or reviews what was done outside the plan."""
    instance = progress.instances.get(task.op)
    return bool(task.clock) or task.kind in REVIEWS or (instance is not None and instance.clock is not None)


def _last_task(view: IncidentView, plan: Plan, why: str, now: datetime) -> Draft:
    role = "manager" if "manager" in plan.roles else plan.roles[0]
    close: Choice = {
        "id": "close", "label": "Close the incident",
        "consequence": "Refused while a clock is neither met nor waived, or a break-glass is not reviewed.",
    }  # fmt: skip
    body: TaskOpened = {
        "task": f"abort#{view.head.seq + 1}", "op": "", "kind": ABORT_REVIEW, "role": role,
        "escalate_to": next((other for other in plan.roles if other != role), role),
        "question": "The run was aborted. Is everything done that was left to do by hand?",
        "guidance": f"It was aborted because: {why.strip()}", "choices": [close], "asks": [], "approvals": 1,
        "due_at": (now + timedelta(hours=REVIEW_HOURS)).isoformat(),
    }  # fmt: skip
    return Draft(Kind.TASK_OPENED, "firedoor", body)


def _paused(before: Progress, _: Progress, __: str) -> list[str]:
    ready = [_title(before, one.id) for one in before.having(Status.READY) if one.clock is None]
    said = _list("Ends what it has begun", [_title(before, one.id) for one in before.having(Status.RUNNING)])
    return [
        *said,
        *_list("Not begun until the run is unpaused", ready),
        "Nothing new is begun, except what a clock asks for.",
    ]


def _unpaused(before: Progress, _: Progress, __: str) -> list[str]:
    return _list("Begins at once", [_title(before, one.id) for one in before.having(Status.READY)])


def _aborted(before: Progress, after: Progress, _: str) -> list[str]:
    work = [one for one in before.instances.values() if isinstance(one.operation, (Call, Keep, Ask, Tell))]
    open_ones = [one for one in work if one.clock is None and before.status(one.id) not in DONE]
    running = [_title(after, one.id) for one in open_ones if before.status(one.id) is Status.RUNNING]
    never = [_title(after, one.id) for one in open_ones if before.status(one.id) is not Status.RUNNING]
    return [
        "This cannot be taken back.", *_list("Ends what it has begun", running), *_list("Will not happen", never),
        "What is suspended stays suspended; open it again by hand.",
    ]  # fmt: skip


def _changed(before: Progress, after: Progress, operation: str) -> list[str]:
    """What else is left out, begins or has to wait, because one operation stands differently."""
    moved: dict[Status, list[str]] = {Status.SKIPPED: [], Status.READY: [], Status.PENDING: []}
    for name in after.instances:
        status = after.status(name)
        if name != operation and name in before.instances and status is not before.status(name) and status in moved:
            moved[status].append(_title(after, name))
    return [
        *_list("Left out as well", moved[Status.SKIPPED]), *_list("Begins at once", moved[Status.READY]),
        *_list("Waits for it", moved[Status.PENDING]),
    ]  # fmt: skip


def _remaining(view: IncidentView) -> list[str]:
    clocks = [f"{clock.id} (limit {clock.due or 'none'})" for clock in view.open_clocks()]
    tasks = [f"T{task.number} ({task.role})" for task in view.open_tasks()]
    return [
        f"Clocks that run on: {'; '.join(clocks) or 'none'}.",
        f"Tasks that wait for people: {', '.join(tasks) or 'none'}.",
    ]


def _list(what: str, names: Sequence[str]) -> list[str]:
    return [f"{what}: {'; '.join(names)}."] if names else []


def _title(progress: Progress, name: str) -> str:
    return name if name in progress.instances else f"{name} (unknown)"


def _refused(code: str, message: str, do: str) -> Refused:
    return Refused(Problem(code=code, message=message, do=do))


__all__ = ["OF_AN_OPERATION", "Action", "consequences", "control"]
