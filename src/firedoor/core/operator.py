"""What people may do about tasks beyond answering them: pass on, take over, answer without the role.

Decides who may pass a task on, that whoever passes a decision on does not take it, that a
task taken over is answered by that person alone, and what breaking the glass costs: it is
told to every role of the incident, it stands in the journal by name, and somebody else
reviews it before the incident ends. An approval is never given that way. Leaves stopping
and steering the run to `control`, and ordinary answers to `people`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from firedoor.core.holds import OPEN_TASK
from firedoor.core.journal import Body, Draft, Kind
from firedoor.core.people import Answer, Definitions, Person, answer_task, need_open, need_why, the_task
from firedoor.core.problems import InvalidInput, NotPermitted, Problem, Refused, nearest
from firedoor.core.view import GLASS_REVIEW, REVIEWS, IncidentView, TaskView

OPERATORS = frozenset(("commander", "responder", "manager"))
APPROVALS = frozenset(("approve", "clock", OPEN_TASK, *REVIEWS))  # a second person's consent is what they are for
REVIEW_HOURS = 24
MAXIMUM_LINK_HOURS = 72


def need_operator(person: Person) -> None:
    """Raises NotPermitted for somebody who may not steer a run."""
    if not person.roles & OPERATORS:
        has = ", ".join(sorted(person.roles)) or "no role"
        who = " or ".join(sorted(OPERATORS))
        raise NotPermitted(_problem("O101", f"steering a run is for {who}", f"{person.name} has {has}"))


def reassign(view: IncidentView, name: str, role: str, why: str, person: Person, roles: Sequence[str]) -> list[Draft]:
    """Give a task to another role. Whoever passes a decision on may not take it. Raises as `people` does."""
    need_operator(person)
    need_why(why)
    task = the_task(view, name)
    need_open(task)
    if role not in roles:
        raise InvalidInput(_problem("O102", f'the playbook knows no role "{role}"', nearest(role, roles)))
    if task.roles == {role}:
        raise Refused(_problem("O103", f"T{task.number} is for {role} already", "nothing was changed"))
    body: Body = {"task": task.id, "role": role, "before": task.role, "by": person.name, "why": why.strip()}
    if task.kind not in ("do", "facts"):
        body["not_by"] = person.name
    text = f"{person.name} gave it to {role}: {why.strip()} An answer is due at {task.due_at}."
    return [
        Draft(Kind.TASK_REASSIGNED, person.actor, body),
        _message({task.role, role}, f"Passed on: {_label(task)}", text, person),
    ]


def claim(view: IncidentView, name: str, why: str, person: Person) -> list[Draft]:
    """Take a task over by name: nobody else answers it, until it escalates or somebody else takes it over."""
    need_why(why)
    task = the_task(view, name)
    need_open(task)
    if not task.roles & person.roles:
        raise NotPermitted(
            _problem("T103", f"the task T{task.number} is for {' or '.join(sorted(task.roles))}",
                     f"{person.name} has {', '.join(sorted(person.roles)) or 'no role'}")
        )  # fmt: skip
    if task.approvals > 1:
        raise Refused(_problem("O104", f"T{task.number} needs {task.approvals} people", "nobody can take it alone"))
    if person.name in task.not_by:
        raise Refused(_problem("T104", f"{person.name} may not answer it", "a second person must"))
    if task.claimed_by == person.name:
        return []
    body: Body = {"task": task.id, "by": person.name, "before": task.claimed_by, "why": why.strip()}
    return [Draft(Kind.TASK_CLAIMED, person.actor, body)]


def break_glass(
    view: IncidentView, name: str, answer: Answer, person: Person, definitions: Definitions, now: datetime,
    roles: Sequence[str],
) -> list[Draft]:  # fmt: skip
    """Answer a task without its role. `roles` are those of the playbook; the lead comes first.

    Raises Refused for approvals and for whatever needs more than one person, and for somebody who has the role.
    """
    task = the_task(view, name)
    need_open(task)
    if task.roles & person.roles:
        raise Refused(_problem("O108", f"{person.name} has the role", "answer without --break-glass"))
    if task.kind in APPROVALS or task.approvals > 1 or task.four_eyes_with:
        message = f"T{task.number} asks for a second person's consent: no glass can be broken for that"
        do = f"reach {' or '.join(sorted(task.roles))}, or have it reassigned: firedoor reassign {view.id} ..."
        raise Refused(_problem("O105", message, do))
    drafts = answer_task(view, name, answer, person, definitions, now, glass=True)
    body: Body = {
        "task": task.id, "by": person.name, "roles": sorted(person.roles), "asked": sorted(task.roles),
        "why": answer.why.strip(),
    }  # fmt: skip
    text = f"{person.name} answered without the role {task.role}: {answer.choice}. Reason: {answer.why.strip()}"
    glass = Draft(Kind.GLASS_BROKEN, person.actor, body)
    told = _message({*roles, *task.roles}, f"BREAK GLASS: {_label(task)}", text, person)
    return [glass, *drafts, told, _review(view, task, text, person, now, roles)]


def _review(
    view: IncidentView, task: TaskView, text: str, person: Person, now: datetime, roles: Sequence[str]
) -> Draft:
    role = "manager" if "manager" in roles else roles[0]
    choices = [
        {"id": "justified", "label": "It was justified", "consequence": "On record; the incident can end."},
        {"id": "not_justified", "label": "It was not", "consequence": "On record; mend what it led to by hand."},
    ]
    body: Body = {
        "task": f"glass:{task.id}#{view.head.seq + 1}", "op": task.op, "kind": GLASS_REVIEW, "role": role,
        "escalate_to": next((other for other in roles if other != role), role),
        "question": f"Was it right to break the glass for {_label(task)}?", "guidance": text, "choices": choices,
        "asks": [], "approvals": 1, "not_by": [person.name],
        "due_at": (now + timedelta(hours=REVIEW_HOURS)).isoformat(),
    }  # fmt: skip
    return Draft(Kind.TASK_OPENED, "firedoor", body)


def link_entry(  # noqa: PLR0913, PLR0917 - who may answer what by it, and until when
    view: IncidentView, name: str, choice: str | None, role: str, to: str, expires_at: datetime, person: Person,
    link: str,
) -> Draft:  # fmt: skip
    """The entry for a link with which `to` answers a task once, in `role`, without an account.

    Raises Refused for approvals: whoever makes a link could use it.
    """
    need_operator(person)
    task = the_task(view, name)
    need_open(task)
    if task.kind in APPROVALS or task.approvals > 1 or task.four_eyes_with:
        message = f"T{task.number} asks for a second person's consent: that is not given by a link"
        raise Refused(_problem("O107", message, "they answer with a token of their own"))
    if role not in task.roles:
        raise InvalidInput(_problem("O102", f"T{task.number} is not for {role}", nearest(role, sorted(task.roles))))
    known = [str(offered["id"]) for offered in task.choices]
    if choice is not None and choice not in known:
        raise InvalidInput(_problem("T106", f'"{choice}" is not an answer to T{task.number}', nearest(choice, known)))
    body: Body = {
        "link": link, "task": task.id, "person": to, "role": role, "choice": choice, "by": person.name,
        "expires_at": expires_at.isoformat(),
    }  # fmt: skip
    return Draft(Kind.LINK_MADE, person.actor, body)


def _label(task: TaskView) -> str:
    return f"T{task.number}: {task.question}"


def _message(roles: set[str], subject: str, text: str, person: Person) -> Draft:
    return Draft(Kind.MESSAGE, person.actor, {"to": sorted(roles), "subject": subject, "text": text})


def _problem(code: str, message: str, do: str) -> Problem:
    return Problem(code=code, message=message, do=do)
