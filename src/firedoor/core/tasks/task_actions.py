"""What people may do about tasks beyond answering them: pass on, take over, answer without the role, send a link.

Decides who may pass a task on, that whoever passes a decision on does not take it, that a
task taken over is answered by that person alone, and what breaking the glass costs: it is
told to every role of the incident, it stands in the journal by name, and somebody else
reviews it before the incident ends. An approval is never given that way, and a legal clock is
never waived that way: that is proposed, and the clock runs on until somebody who may waive it
agrees. A link goes to somebody with an account who has the role, never to whoever makes it, and
never answers for a clock, a confirmation or an approval. Leaves stopping and steering the run to
`control`, ordinary answers to `people`, and delivering a link to the runtime.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from firedoor.core.entries.people import GlassBroken, LinkMade, MessageSent, TaskClaimed, TaskReassigned
from firedoor.core.incident.holds import OPEN_TASK
from firedoor.core.incident.view import GLASS_REVIEW, REVIEWS, IncidentView, TaskView
from firedoor.core.journal import Body, Draft, Kind
from firedoor.core.person import Person, barring, not_second, same
from firedoor.core.problems import InvalidInput, NotPermitted, Problem, Refused, nearest
from firedoor.core.tasks.answers import Answer, Definitions, answer_task, need_open, need_why, the_task

OPERATORS = frozenset(("commander", "responder", "manager"))
APPROVALS = frozenset(("approve", "clock", OPEN_TASK, *REVIEWS))  # a second person's consent is what they are for
LINKLESS = frozenset(("submit", "confirm", "rescue", "review"))
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
    body: TaskReassigned = {"task": task.id, "role": role, "before": task.role, "by": person.name, "why": why.strip()}
    if task.kind not in ("do", "facts"):
        body["not_by"] = person.name  # who that is stands in the entry as `by_id`
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
    if not_second(person.identity, task.barred) is not None:
        raise Refused(_problem("T104", f"{person.name} may not answer it", "a second person must"))
    if task.claimed_by and same(person.identity, task.claimer):
        return []
    body: TaskClaimed = {"task": task.id, "by": person.name, "before": task.claimed_by, "why": why.strip()}
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
    given = answer_task(view, name, answer, person, definitions, now, glass=True)
    proposed = bool(task.clock) and answer.choice != "submitted"
    if proposed and any(_proposes(one, task) for one in view.open_tasks()):
        raise Refused(_problem("O113", f"T{task.number} has a proposal already", "have that one reviewed"))
    drafts = [] if proposed else given  # a proposal has to be complete, and is nothing more
    body: GlassBroken = {
        "task": task.id, "by": person.name, "roles": sorted(person.roles), "asked": sorted(task.roles),
        "why": answer.why.strip(),
    }  # fmt: skip
    did = "proposes, without the role" if proposed else "answered without the role"
    text = f"{person.name} {did} {task.role}: {answer.choice}. Reason: {answer.why.strip()}"
    if proposed:
        body["proposes"] = answer.choice
        text += f" The clock {task.clock} runs on until somebody who may decide it agrees."
    glass = Draft(Kind.GLASS_BROKEN, person.actor, body)
    told = _message({*roles, *task.roles}, f"BREAK GLASS: {_label(task)}", text, person)
    facts = {key: value for d in given if d.kind == Kind.FACTS for key, value in d.body["values"].items()}
    proposal = replace(answer, facts=facts) if proposed else None
    return [glass, *drafts, told, _review(view, task, text, person, now, roles, proposal)]


def _review(
    view: IncidentView, task: TaskView, text: str, person: Person, now: datetime, roles: Sequence[str],
    proposal: Answer | None,
) -> Draft:  # fmt: skip
    """The review of it. A proposal goes to the role that was asked: who agrees decides by their own right."""
    role = task.role if proposal else "manager" if "manager" in roles else roles[0]
    other = next((other for other in roles if other != role), role)
    body: Body = {
        "task": f"glass:{task.id}#{view.head.seq + 1}", "op": task.op, "kind": GLASS_REVIEW, "role": role,
        "escalate_to": task.escalate_to if proposal else other,
        "question": f"{'Do you agree about' if proposal else 'Was it right to break the glass for'} {_label(task)}?",
        "guidance": text, "choices": _choices(task, proposal), "asks": [], "approvals": 1,
        "due_at": (now + timedelta(hours=REVIEW_HOURS)).isoformat(), **barring([person.identity]),
    }  # fmt: skip
    if proposal:
        body["payload"] = {
            "proposed": {
                "task": task.id,
                "choice": proposal.choice,
                "fields": dict(proposal.fields),
                "facts": dict(proposal.facts),
            }
        }
    return Draft(Kind.TASK_OPENED, "firedoor", body)


def _proposes(review: TaskView, task: TaskView) -> bool:
    """Whether a review is about an answer to this task."""
    proposed = review.payload.get("proposed")
    return proposed is not None and proposed["task"] == task.id


def _choices(task: TaskView, proposal: Answer | None) -> list[Body]:
    if proposal is None:
        return [
            {"id": "justified", "label": "It was justified", "consequence": "On record; the incident can end."},
            {"id": "not_justified", "label": "It was not", "consequence": "On record; mend what it led to by hand."},
        ]
    answered = f'T{task.number} is answered "{proposal.choice}" in your name: the clock {task.clock} ends by it.'
    return [
        {"id": "justified", "label": "I agree", "consequence": answered},
        {"id": "not_justified", "label": "I do not agree", "consequence": f"The clock {task.clock} runs on."},
    ]


def need_linkable(view: IncidentView, name: str, person: Person, to: Person, role: str) -> TaskView:
    """The task that a link to somebody may answer. Raises Refused, NotPermitted or InvalidInput."""
    need_operator(person)
    task = the_task(view, name)
    need_open(task)
    if not linkable(task):
        message = f"T{task.number} decides a clock, confirms or approves: that is not answered by a link"
        raise Refused(_problem("O107", message, "they answer with an account of their own"))
    if same(person.identity, to.identity):
        raise Refused(_problem("O109", "a link goes to somebody else than its maker", "answer the task yourself"))
    if role not in task.roles:
        raise InvalidInput(_problem("O102", f"T{task.number} is not for {role}", nearest(role, sorted(task.roles))))
    if role not in to.roles:
        do = "send it to somebody who has it: `firedoor account list` shows who"
        raise NotPermitted(_problem("L108", f"{to.name} does not have the role {role}", do))
    return task


def linkable(task: TaskView) -> bool:
    """Whether a task may be answered by a link at all: never where it settles a clock, confirms or approves."""
    consent = task.kind in APPROVALS or task.approvals > 1 or task.four_eyes_with
    return not consent and not task.clock and task.kind not in LINKLESS


def link_entry(  # noqa: PLR0913, PLR0917 - who may answer what by it, and until when
    view: IncidentView, name: str, choice: str | None, role: str, to: Person, expires_at: datetime, person: Person,
    link: str, by: str,
) -> Draft:  # fmt: skip
    """The entry for a link with which `to` answers a task once, in `role`, without signing in.

    `by` is the messenger that takes it there. Raises as `need_linkable`.
    """
    task = need_linkable(view, name, person, to, role)
    known = [str(offered["id"]) for offered in task.choices]
    if choice is not None and choice not in known:
        raise InvalidInput(_problem("T106", f'"{choice}" is not an answer to T{task.number}', nearest(choice, known)))
    body: LinkMade = {
        "link": link, "task": task.id, "person": to.name, "person_id": to.id, "role": role, "choice": choice,
        "by": person.name, "messenger": by, "expires_at": expires_at.isoformat(),
    }  # fmt: skip
    return Draft(Kind.LINK_MADE, person.actor, body)


def _label(task: TaskView) -> str:
    return f"T{task.number}: {task.question}"


def _message(roles: set[str], subject: str, text: str, person: Person) -> Draft:
    return Draft(Kind.MESSAGE, person.actor, MessageSent(to=sorted(roles), subject=subject, text=text))


def _problem(code: str, message: str, do: str) -> Problem:
    return Problem(code=code, message=message, do=do)
