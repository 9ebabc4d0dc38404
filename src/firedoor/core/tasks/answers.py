"""What people may do to an incident: answer tasks, set facts, submit and waive clocks.

Decides who may answer what, what an answer must bring along, and which entries
it becomes. Every rule that refuses says what to do instead. Leaves who the
person is to the interfaces, and writing to the store.

An answer is accepted when
 1. the task is open,
 2. the person has a role that was asked (or the task was escalated to),
 3. the person has not answered it before, nor the task it must be independent of,
 4. the choice exists, a reason is given, and whatever the choice requires is there,
 5. every fact that comes with it fits its definition.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from firedoor.core.alerts.evidence_strength import read_given
from firedoor.core.clocks.extensions import MoreTime, extend_clock, pause_clock, resume_clock
from firedoor.core.entries.law import ClockWaived
from firedoor.core.entries.people import Choice, TaskAnswered
from firedoor.core.entries.run import FactsSet, StateChanged
from firedoor.core.facts import FactDefinition, FactType, stated, write
from firedoor.core.incident.holds import OPEN_TASK
from firedoor.core.incident.view import ABORT_REVIEW, GLASS_REVIEW, SETTLED_CLOCKS, IncidentView, TaskView
from firedoor.core.incident.view_tasks import NOBODY
from firedoor.core.journal import Body, Draft, Kind
from firedoor.core.law.due import DueKind
from firedoor.core.law.duty import submitted_fact
from firedoor.core.person import BY, Identity, Person, identity_of, need_account, not_second, same
from firedoor.core.problems import FiredoorError, InvalidInput, NotFound, NotPermitted, Problem, Refused, nearest
from firedoor.core.tasks.certainty import proposed
from firedoor.core.tasks.sending import SENT_AT, recorded

MAXIMUM_WHY = 4_000  # characters
MAXIMUM_FIELDS = 40
BREAK_GLASS = "break-glass"  # what stands in place of the role of somebody who had none


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came in. `fields` are words the choice requires, `facts` written or JSON values."""

    choice: str
    why: str
    facts: Mapping[str, object] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    role: str | None = None
    via: str = ""  # the link that it came through, or "slack"; empty: the API
    made_by: str = ""  # who made that link


Definitions = Mapping[str, FactDefinition]


def answer_task(
    view: IncidentView, name: str, answer: Answer, person: Person, definitions: Definitions, now: datetime,
    *, glass: bool = False,
) -> list[Draft]:  # fmt: skip
    """Return the entries that an answer becomes. Raises NotFound, Refused, NotPermitted or InvalidInput.

    With `glass` a person without the role answers all the same; `operator.break_glass` says what that takes.
    """
    task = the_task(view, name)
    role = _may_answer(view, task, answer, person, glass=glass)
    choice = _choice(task, answer)
    facts = _facts_of(view, task, choice, answer, definitions, now)
    body: TaskAnswered = {
        "task": task.id, "choice": answer.choice, "why": answer.why.strip(), "by": person.name, "role": role,
        "fields": {key: str(value) for key, value in answer.fields.items()}, "seen": view.head.hash,
        "decides": _decides(task, answer.choice), "late": now > datetime.fromisoformat(task.due_at),
    }  # fmt: skip
    if answer.via:
        body["via"] = answer.via
    if answer.made_by:
        body["link_made_by"] = answer.made_by
    drafts = [Draft(Kind.TASK_ANSWERED, person.actor, body)]
    drafts += _agreed(view, task, answer, person, definitions, now)
    if task.kind == ABORT_REVIEW and body["decides"]:
        drafts.append(_closed(view, person))
    if facts:
        drafts.append(_facts_draft(view, facts, answer.why, person))
    if body["decides"] and task.clock:
        drafts += _clock_drafts(view, task, answer, person, now)
    return drafts


def _agreed(
    view: IncidentView, task: TaskView, answer: Answer, person: Person, definitions: Definitions, now: datetime
) -> list[Draft]:  # fmt: skip
    """What a reviewer decides by agreeing to a proposal: the answer itself, in their own name and by their own role."""
    proposed = task.payload.get("proposed")
    about = view.tasks.get(proposed["task"]) if proposed and answer.choice == "justified" else None
    if proposed is None or about is None or not about.open:
        return []
    agreed = Answer(proposed["choice"], answer.why, proposed["facts"], proposed["fields"])
    return answer_task(view, about.id, agreed, person, definitions, now)


def why_not(view: IncidentView, task: TaskView, person: Person) -> Problem | None:
    """What keeps somebody from answering a task; None when nothing does. For pages that say it beforehand."""
    try:
        _may_answer(view, task, Answer("", ""), person, glass=False)
    except FiredoorError as error:
        return error.problems[0]
    return None


def the_task(view: IncidentView, name: str) -> TaskView:
    """A task by its number or id. Raises NotFound, naming those that are open."""
    task = view.task(name)
    if task is None:
        names = [f"T{t.number}" for t in view.open_tasks()]
        raise NotFound(_problem("T101", f'{view.id} has no task "{name}"', f"open tasks: {', '.join(names) or 'none'}"))
    return task


def need_open(task: TaskView) -> None:
    """Raises Refused for a task that waits for nobody any more, saying who answered it."""
    if not task.open:
        last = task.answers[-1] if task.answers else None
        said = f"answered by {last['by']} at {last['at']}" if last else "withdrawn"
        raise Refused(_problem("T102", f"the task T{task.number} was {said}", "nothing was changed by this answer"))


def set_facts(
    view: IncidentView, values: Mapping[str, object], why: str, person: Person, definitions: Definitions,
    now: datetime | None = None,
) -> list[Draft]:  # fmt: skip
    """Return the entry that corrected or new facts become; a reason is required."""
    need_why(why)
    parsed = {name: write(value) for name, value in read_given(definitions, values, now).items()}
    changed = {name: value for name, value in parsed.items() if view.facts.get(name) != value}
    return [_facts_draft(view, changed, why, person)] if changed else []


def submit_clock(
    view: IncidentView, clock_id: str, fields: Mapping[str, str], why: str, person: Person, now: datetime
) -> list[Draft]:
    """Record that a duty was met: the reference or receipt is what makes it more than a claim."""
    task = submission(view, clock_id)
    return answer_task(view, task.id, Answer("submitted", why, fields=fields), person, {}, now)


def submission(view: IncidentView, clock_id: str) -> TaskView:
    """The open task that settles a clock. Raises NotFound, or Refused where the clock is settled or no task is open."""
    clock = view.clocks.get(clock_id)
    if clock is None:
        raise NotFound(_problem("C101", f'{view.id} has no clock "{clock_id}"', nearest(clock_id, view.clocks)))
    if clock.state in SETTLED_CLOCKS:
        raise Refused(_problem("C102", f"the clock {clock_id} is {clock.state} already", "see `firedoor clocks`"))
    task = next((task for task in view.open_tasks() if task.clock == clock_id and task.kind == "submit"), None)
    if task is None:
        raise Refused(
            _problem("C103", f"no task for {clock_id} is open yet", "wait until its draft is made, then try again")
        )
    return task


def _may_answer(view: IncidentView, task: TaskView, answer: Answer, person: Person, *, glass: bool) -> str:
    need_open(task)
    if glass:
        _independent(view, task, person)
        return BREAK_GLASS
    allowed = task.roles & person.roles
    if answer.role is not None:
        allowed &= {answer.role}
    if not allowed:
        raise NotPermitted(
            _problem(
                "T103",
                f"the task T{task.number} is for {' or '.join(sorted(task.roles))}",
                f"{person.name} has {', '.join(sorted(person.roles)) or 'no role'}",
            )
        )
    _independent(view, task, person)
    return min(allowed)


def _closed(view: IncidentView, person: Person) -> Draft:
    """The end of an aborted run, by a named person; never while the law still asks for something."""
    waiting = [clock.id for clock in view.open_clocks()]
    waiting += [f"T{task.number}" for task in view.open_tasks() if task.kind == GLASS_REVIEW]
    if waiting:
        raise Refused(_problem("O106", f"not settled yet: {', '.join(waiting)}", "settle them first; then close it"))
    body: StateChanged = {"state": "closed", "event": "close", "before": str(view.state), "outcome": "aborted"}
    return Draft(Kind.STATE, person.actor, body)


def _independent(view: IncidentView, task: TaskView, person: Person) -> None:
    """Raises Refused for whoever may be one of those of whom the answer must be independent. The place of four eyes."""
    me = person.identity
    if task.claimed_by and not same(me, task.claimer):
        raise Refused(
            _problem(
                "T110", f"{task.claimed_by} has taken over T{task.number}",
                f"speak to them, or take it over: firedoor claim {view.id} T{task.number} --why ...",
            )
        )  # fmt: skip
    other = view.tasks.get(task.four_eyes_with or "")
    said = f"answered {other.question!r}" if other else ""
    _another(me, _who_answered(task), "T104", "has answered this task already", "a second person must answer")
    _another(me, task.barred, "T104", "asked for this, or set the facts behind it", "a second person must answer")
    _another(me, _who_answered(other) if other else (), "T104", said, "someone else must answer this one")
    if task.approvals > 1:
        need_account(me)
        words = "started this incident's run"
        _another(me, [view.opener], "T105", words, "four eyes: someone else must approve")


def _another(me: Identity, others: Iterable[Identity], code: str, what: str, do: str) -> None:
    """Raises Refused where a person may be one of these others, saying what that one did."""
    other = not_second(me, [one for one in others if one != NOBODY])
    if other is not None and same(me, other):
        raise Refused(_problem(code, f"{me.name} {what}", do))
    if other is not None:
        need_account(me)


def _who_answered(task: TaskView) -> list[Identity]:
    return [identity_of(given, BY) for given in task.answers]


def _choice(task: TaskView, answer: Answer) -> Choice:
    choice = next((choice for choice in task.choices if choice["id"] == answer.choice), None)
    if choice is None:
        known = [str(choice["id"]) for choice in task.choices]
        raise InvalidInput(
            _problem("T106", f'"{answer.choice}" is not an answer to T{task.number}', nearest(answer.choice, known))
        )
    need_why(answer.why)
    if len(answer.fields) > MAXIMUM_FIELDS or any(len(str(value)) > MAXIMUM_WHY for value in answer.fields.values()):
        raise InvalidInput(
            _problem(
                "T108", "the fields of the answer are too many or too long", f"at most {MAXIMUM_WHY} characters each"
            )
        )
    given = {
        key for key, value in {**answer.fields, **answer.facts}.items() if value is not None and str(value).strip()
    }
    missing = [name for name in choice.get("requires", ()) if name not in given]
    if missing:
        raise InvalidInput(
            _problem(
                "T107", f'"{answer.choice}" needs {", ".join(missing)}', f"add for example --field {missing[0]}=..."
            )
        )
    return choice


def _facts_of(
    view: IncidentView, task: TaskView, choice: Choice, answer: Answer, definitions: Definitions, now: datetime
) -> Body:
    """The facts that an answer sets: those of the choice, then those that the person gave."""
    strange = [name for name in answer.facts if name not in task.asks and name not in choice.get("requires", ())]
    unknown = [name for name in strange if name not in definitions]
    if unknown:
        raise InvalidInput(
            _problem("F100", f'no fact is called "{unknown[0]}"', nearest(unknown[0], task.asks or definitions))
        )
    values: Body = {}
    for name, value in proposed(view, choice.get("sets", {})).items():
        definition = definitions.get(name)
        is_now = value == "now" and definition is not None and definition.type is FactType.INSTANT
        values[name] = now.isoformat() if is_now else write(stated(definition, value)) if definition else value
    values.update({name: write(value) for name, value in read_given(definitions, answer.facts, now).items()})
    return values


def _decides(task: TaskView, choice: str) -> bool:
    """Whether this answer is the one that decides: enough people agree, or someone refuses."""
    first = str(task.choices[0]["id"])
    if task.approvals == 1 or (task.kind in ("approve", OPEN_TASK) and choice != first):
        return True
    return sum(bool(given["choice"] == choice) for given in task.answers) + 1 >= task.approvals


def _clock_drafts(view: IncidentView, task: TaskView, answer: Answer, person: Person, now: datetime) -> list[Draft]:
    clock_id = task.clock or ""
    if task.kind == "clock":
        agreed = {"approver": person.name, "approver_id": person.id, "approved_because": answer.why.strip()}
        changed = Draft(Kind.CLOCK_CHANGED, person.actor, {**task.payload, **agreed})
        return [changed] if answer.choice == "approve" else []
    clock = view.clocks[clock_id]
    body: ClockWaived = {"id": clock_id, "by": person.name, "why": answer.why.strip()}
    if answer.choice != "submitted":
        return [Draft(Kind.CLOCK_WAIVED, person.actor, body)]
    hold = clock.kind == DueKind.HOLD_UNTIL  # it ends; nobody can be late for it
    late = not hold and clock.due is not None and now > datetime.fromisoformat(clock.due)
    if late and not str(answer.fields.get("reasons_for_delay", "")).strip():
        raise InvalidInput(
            _problem(
                "C104",
                f"the limit of {clock_id} has passed: the reasons for the delay are needed",
                "add --field reasons_for_delay=...",
            )
        )
    said = recorded(view, clock, answer.fields, now)
    sent = Draft(Kind.CLOCK_SUBMITTED, person.actor, {**said, **body, "late": late})
    at = said.get(SENT_AT) or now.isoformat()  # what the law counts from its sending counts from then
    values = {submitted_fact(clock.duty): at}
    return [sent, Draft(Kind.FACTS, person.actor, FactsSet(values=values, why=f"{clock_id} was submitted"))]


def _facts_draft(view: IncidentView, values: Body, why: str, person: Person) -> Draft:
    before = {name: view.facts.get(name) for name in values if name in view.facts}
    return Draft(Kind.FACTS, person.actor, FactsSet(values=values, before=before, why=why.strip()))


def need_why(why: str) -> None:
    """Raises InvalidInput unless a reason of bearable length is given."""
    if not why.strip():
        raise InvalidInput(
            _problem("T109", "a reason is needed", 'say why, for example --why "seen in the log of 14:02"')
        )
    if len(why) > MAXIMUM_WHY:
        raise InvalidInput(
            _problem(
                "T109", f"the reason is longer than {MAXIMUM_WHY} characters", "put the details into an evidence file"
            )
        )


def _problem(code: str, message: str, do: str) -> Problem:
    return Problem(code=code, message=message, do=do)


__all__ = [
    "Answer", "MoreTime", "Person", "answer_task", "extend_clock", "need_open", "need_why", "pause_clock",
    "resume_clock", "set_facts", "submission", "submit_clock", "the_task", "why_not",
]  # fmt: skip
