"""Opening what an incident left closed when it ended, and the legal hold that forbids opening anything.

Decides who must agree: as many people as the playbook asks for its own resumption, else two; each
by name and with a reason. While an incident runs, its own step for resuming is the only way.
Leaves opening to `runtime.holding`.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from datetime import datetime, timedelta

from firedoor.core.entries.custody import EvidenceTouched
from firedoor.core.entries.people import Choice, TaskOpened
from firedoor.core.incident.holds import OPEN_TASK
from firedoor.core.incident.view import IncidentView, suppose
from firedoor.core.journal import Draft, Kind
from firedoor.core.playbook.plan import Ask, Call, Plan
from firedoor.core.problems import NotFound, NotPermitted, Problem, Refused, nearest
from firedoor.core.tasks.answers import Answer, Person, answer_task, need_why

APPROVALS = 2
WITHIN = timedelta(days=1)
MAY_HOLD = frozenset(("legal", "dpo", "manager"))


def open_again(view: IncidentView, plan: Plan, target: str, why: str, person: Person, now: datetime) -> list[Draft]:
    """Agree to open a target that an ended incident keeps closed; the first to agree asks the others.

    Raises NotFound, Refused, NotPermitted or InvalidInput; then nothing was changed.
    """
    need_why(why)
    if target not in view.holds:
        raise NotFound(_problem("K510", f"{view.id} holds no target {target} closed", nearest(target, view.holds)))
    if view.legal_hold:
        raise Refused(under_legal_hold(view, target))
    if view.closed_at is None:
        do = "answer its own task for resuming; `firedoor tasks` shows it"
        raise Refused(_problem("K511", f"{view.id} is still going on and holds {target} closed", do))
    asked = next((t for t in view.open_tasks() if t.kind == OPEN_TASK and t.payload.get("target") == target), None)
    opened = [] if asked else [_task(view, plan, target, why, now)]
    view = deepcopy(view)  # whoever gave it to us still writes after its head
    suppose(view, opened, now)
    task = asked.id if asked else str(opened[0].body["task"])
    return [*opened, *answer_task(view, task, Answer("approve", why), person, {}, now)]


def under_legal_hold(view: IncidentView, target: str) -> Problem:
    """Why nothing is opened, and what to do."""
    since = view.legal_hold["at"] if view.legal_hold else ""
    message = f"{view.id} is under a legal hold since {since}: {target} stays as it is"
    return _problem("K501", message, f"legal releases it first: firedoor legal-hold {view.id} --release --why ...")


def legal_hold(view: IncidentView, why: str, person: Person, *, release: bool) -> list[Draft]:
    """Place a legal hold on the whole incident, or release it. Raises Refused or NotPermitted."""
    need_why(why)
    if not person.roles & MAY_HOLD:
        who = " or ".join(sorted(MAY_HOLD))
        raise NotPermitted(_problem("K512", f"a legal hold is for {who}", f"ask one of them; {person.name} is none"))
    if (view.legal_hold is not None) is not release:
        word = "under a legal hold already" if view.legal_hold else "not under a legal hold"
        raise Refused(_problem("K513", f"{view.id} is {word}", "nothing was changed"))
    action = "released" if release else "held"
    body: EvidenceTouched = {
        "sha256": "",
        "name": "the incident",
        "action": action,
        "by": person.name,
        "why": why.strip(),
    }
    return [Draft(Kind.CUSTODY, person.actor, body)]


def _task(view: IncidentView, plan: Plan, target: str, why: str, now: datetime) -> Draft:
    ask = _asks_to_resume(plan)
    role = _role(plan)
    number = 1 + sum(task.kind == OPEN_TASK for task in view.tasks.values())
    choices: list[Choice] = [
        {"id": "approve", "label": "Open it", "consequence": "It answers again, as it was before; this is proved."},
        {"id": "refuse", "label": "Keep it closed", "consequence": "It stays closed, and is looked at as before."},
    ]  # fmt: skip
    body: TaskOpened = {
        "task": f"{OPEN_TASK}:{target}#{number}", "op": "", "kind": OPEN_TASK, "role": role,
        "escalate_to": _next(plan.roles, role), "choices": choices, "asks": [],
        "question": f"Open {target} again? {view.id} has ended and keeps it closed.",
        "guidance": f"Asked because: {why.strip()}",
        "approvals": ask.approvals if ask else APPROVALS, "payload": {"target": target},
        "due_at": (now + WITHIN).isoformat(),
    }  # fmt: skip
    return Draft(Kind.TASK_OPENED, "firedoor", body)


def failed_to_open(plan: Plan, incident: str, target: str, name: str, problem: str, now: datetime) -> Draft:
    """The task after an opening that failed. Enough people have agreed to it: one of their role has it tried again."""
    role = _role(plan)
    choices: list[Choice] = [
        {"id": "approve", "label": "Try again", "consequence": "It is tried once more; nobody has to agree anew."},
        {"id": "refuse", "label": "Keep it closed", "consequence": "It stays closed, and is looked at as before."},
    ]  # fmt: skip
    body: TaskOpened = {
        "task": f"{OPEN_TASK}:{target}#after-{name.rpartition('~')[2]}", "op": "", "kind": OPEN_TASK, "role": role,
        "escalate_to": _next(plan.roles, role), "choices": choices, "asks": [],
        "question": f"{target} could not be opened: try again? {incident} keeps it closed until then.",
        "guidance": problem, "approvals": 1, "payload": {"target": target}, "due_at": (now + WITHIN).isoformat(),
    }  # fmt: skip
    return Draft(Kind.TASK_OPENED, "firedoor", body)


def _role(plan: Plan) -> str:
    """Who is asked about opening: whom the playbook asks for its own resumption, else a manager."""
    ask = _asks_to_resume(plan)
    return ask.role if ask else "manager" if "manager" in plan.roles else plan.roles[0]


def _asks_to_resume(plan: Plan) -> Ask | None:
    """The question before a resumption of this playbook that asks for the most people."""
    steps = {op.step for op in plan if isinstance(op, Call) and op.verb == "resume"}
    asks = [op for op in plan if isinstance(op, Ask) and op.step in steps and op.kind == "approve"]
    return max(asks, key=lambda ask: ask.approvals, default=None)


def _next(roles: Sequence[str], role: str) -> str:
    return next((other for other in roles if other != role), role)


def _problem(code: str, message: str, do: str) -> Problem:
    return Problem(code=code, message=message, do=do)
