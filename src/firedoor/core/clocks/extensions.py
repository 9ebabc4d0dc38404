"""What people may do to a running clock: ask for an extension, ask for a pause, end a pause.

Decides what each must bring along (the document, until when, why) and that one who asks for
more time never grants it: both become a task for somebody else. Ending a pause makes a limit
earlier and takes effect at once. Leaves which states may follow each other to `state`,
and writing to the store.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from firedoor.core.clocks.changes import Mandate, resume
from firedoor.core.clocks.state import NEXT, Clock, ClockState, shown
from firedoor.core.entries.law import ClockBody
from firedoor.core.incident.clock_record import NO_CLOCK, ClockRecord
from firedoor.core.incident.view import IncidentView
from firedoor.core.journal import Body, Draft, Kind
from firedoor.core.law.due import DueKind
from firedoor.core.person import Identity, Person, barring
from firedoor.core.problems import FiredoorError, InvalidInput, NotFound, Problem, Refused, nearest

ACTOR = "firedoor"
ACTIONS = {"extend": ClockState.EXTENDED, "pause": ClockState.PAUSED, "resume": ClockState.RUNNING}
CHANGE = "clock-change:"
DAY = timedelta(days=1)
MAXIMUM_WORDS = 4_000  # characters


@dataclass(frozen=True, slots=True)
class MoreTime:
    """More time that somebody asks for: until when (aware), by which document, and why."""

    until: datetime
    document: str
    why: str


@dataclass(frozen=True, slots=True)
class Question:
    """A change of a clock that a second person must agree to: what it would be, and who may not answer."""

    body: Body
    question: str
    guidance: str
    not_by: tuple[Identity, ...]


def extend_clock(
    view: IncidentView, clock_id: str, asked: MoreTime, person: Person, roles: tuple[str, ...], now: datetime
) -> list[Draft]:
    """Ask for an extension that the law or the authority grants: the task for whoever must agree to it.

    Raises NotFound, Refused (its state forbids it) or InvalidInput (no document, no reason, not a later instant).
    """
    clock = _clock(view, clock_id, ClockState.EXTENDED)
    problems = _problems(asked, now)
    if not problems and clock.due is not None and asked.until <= clock.due:
        problems.append(_problem("until", f"the limit is {shown(clock.due)} already", "name a later instant"))
    if problems:
        raise InvalidInput(problems)
    after = clock.model_copy(update={"state": ClockState.EXTENDED, "due": asked.until, "kind": DueKind.INSTANT})
    return _asked(view, _body(after, "extended", asked, person), person, roles, now)


def pause_clock(
    view: IncidentView, clock_id: str, asked: MoreTime, person: Person, roles: tuple[str, ...], now: datetime
) -> list[Draft]:
    """Ask for a pause for law enforcement, with its document and its end. Raises as `extend_clock`."""
    clock = _clock(view, clock_id, ClockState.PAUSED)
    problems = _problems(asked, now)
    if problems:
        raise InvalidInput(problems)
    after = clock.model_copy(update={"state": ClockState.PAUSED, "paused_until": asked.until})
    return _asked(view, _body(after, "paused", asked, person), person, roles, now)


def resume_clock(view: IncidentView, clock_id: str, why: str, person: Person, now: datetime) -> list[Draft]:
    """End a pause now. Raises NotFound, or Refused where nothing is paused or no reason is given."""
    return [resumed(_clock(view, clock_id, ClockState.RUNNING), Mandate(person.name, why, now), person.actor)]


def resumed(clock: Clock, mandate: Mandate, actor: str) -> Draft:
    """The entry that the end of a pause becomes."""
    return Draft(Kind.CLOCK_CHANGED, actor, {**dump(resume(clock, mandate)), "what": "resumed", "because": mandate.why})


def obstacle(view: IncidentView, clock_id: str, action: str) -> Problem | None:
    """What in the state of a clock forbids one of ACTIONS; None where nothing does. For pages that say so first."""
    try:
        _clock(view, clock_id, ACTIONS[action])
    except FiredoorError as error:
        return error.problems[0]
    return None


def missing_words(document: str, why: str) -> list[Problem]:
    """What is missing of the words that a request for more time needs."""
    return [
        _problem(name, f"{what} is needed, in at most {MAXIMUM_WORDS} characters", do)
        for name, what, do in _needed(document, why)
    ]


def clock_of(record: ClockRecord) -> Clock:
    """The clock that a record tells of; `waived` is the journal's word for an end by decision."""
    fields = {name: getattr(record, name) for name in Clock.model_fields if name != "history"}
    state = "not_applicable" if record.state == "waived" else record.state
    return Clock.model_validate({**fields, "state": state})


def clock_said(body: ClockBody) -> Clock:
    """The clock as an entry states it."""
    return clock_of(NO_CLOCK.said(body))


def dump(clock: Clock) -> Body:
    """A clock as the journal holds it; its history is in the entries."""
    return clock.model_dump(mode="json", exclude={"history"})


def approval(view: IncidentView, asked: Question, roles: tuple[str, ...], now: datetime) -> Draft:
    """The task that asks a second person for a change of a clock."""
    clock = asked.body["id"]
    number = sum(task.id.startswith(f"{CHANGE}{clock}:") for task in view.tasks.values()) + 1
    task = f"{CHANGE}{clock}:{number}"
    kept = "It runs on as before; your reason is on record."
    return Draft(
        Kind.TASK_OPENED, ACTOR,
        {
            "task": task, "op": task, "kind": "clock", "role": "dpo" if "dpo" in roles else roles[0],
            "escalate_to": roles[0], "asks": [], "question": asked.question, "guidance": asked.guidance,
            "choices": [
                {"id": "approve", "label": "Apply the change", "consequence": "The old limit stays on record."},
                {"id": "keep", "label": "Keep the clock as it is", "consequence": kept},
            ],
            "due_at": (now + DAY).isoformat(), "clock": clock, "payload": asked.body, **barring(asked.not_by),
        },
    )  # fmt: skip


def _body(after: Clock, what: str, asked: MoreTime, person: Person) -> Body:
    words = {"because": asked.why.strip(), "document": asked.document.strip(), "asked_by": person.name}
    return {**dump(after), "what": what, **words}


def _asked(view: IncidentView, body: Body, person: Person, roles: tuple[str, ...], now: datetime) -> list[Draft]:
    """The task for somebody other than the one who asked; nothing where they have asked for just this and it waits."""
    if any(task.kind == "clock" and task.payload == body for task in view.open_tasks()):
        return []
    until = body["paused_until"] if body["what"] == "paused" else body["due"]
    question = f"Shall {body['id']} be {body['what']} until {until}, as {body['asked_by']} asks: {body['because']}?"
    guidance = (
        f"It rests on {body['document']}. Read it: does it cover this duty, this incident and this time? "
        "Whoever asked cannot agree."
    )
    return [approval(view, Question(body, question, guidance, (person.identity,)), roles, now)]


def _clock(view: IncidentView, clock_id: str, to: ClockState) -> Clock:
    record = view.clocks.get(clock_id)
    if record is None:
        message = f'{view.id} has no clock "{clock_id}"'
        raise NotFound(Problem(code="C101", field="clock", message=message, do=nearest(clock_id, view.clocks)))
    clock = clock_of(record)
    paused_only = to is ClockState.RUNNING and clock.state is not ClockState.PAUSED
    if paused_only or record.state == "waived" or to not in NEXT[clock.state]:
        message = f"the clock {clock_id} is {record.state}: it cannot become {'resumed' if paused_only else to}"
        raise Refused(Problem(code="C303", message=message, do="see `firedoor clocks`"))
    return clock


def _problems(asked: MoreTime, now: datetime) -> list[Problem]:
    found = missing_words(asked.document, asked.why)
    if asked.until.tzinfo is None:
        return [*found, _problem("until", "the instant has no offset", "write 2026-12-24T10:00:00+01:00")]
    if asked.until <= now:
        found.append(
            _problem(
                "until", f"{asked.until.isoformat(timespec='seconds')} has passed", "name an instant that is ahead"
            )
        )
    return found


def _needed(document: str, why: str) -> Iterable[tuple[str, str, str]]:
    if not 0 < len(document.strip()) <= MAXIMUM_WORDS:
        yield (
            "document",
            "the document that grants it",
            "name it, for example its reference and its digest in the evidence",
        )
    if not 0 < len(why.strip()) <= MAXIMUM_WORDS:
        yield "why", "a reason", "say why"


def _problem(field: str, message: str, do: str) -> Problem:
    return Problem(code="C105", field=field, message=message, do=do)
