"""What people may do to a request: register one, say what it contains, note a letter, answer it.

Decides which entries each becomes and what it must bring along: a reason always, a reference where somebody says that
the content is gone. An answer ends the request's own clocks and tasks, and no others. A second letter of the same
person about the same content is the same request. Leaves the text of letters to the notices.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from firedoor.core.content.locators import locator_fault
from firedoor.core.dates.arithmetic import doubt
from firedoor.core.entries.law import (
    ClockWaived,
    RequestAnswered,
    RequestCompleted,
    RequestReceived,
    RequestTold,
    RequestWritten,
)
from firedoor.core.entries.run import FactsSet
from firedoor.core.incident.clock_record import ClockRecord
from firedoor.core.incident.view import IncidentView
from firedoor.core.incident.view_requests import read_arrival, same_as, unknown_ids
from firedoor.core.journal import Draft, Kind
from firedoor.core.problems import InvalidInput, NotFound, NotPermitted, Problem, Refused, nearest
from firedoor.core.requests.request import Ground, LetterKind, Outcome, RemovalRequest, RequestKind
from firedoor.core.requests.review import decides, need_another
from firedoor.core.requests.validity import ELEMENTS
from firedoor.core.tasks.answers import Answer, Person, answer_task, need_why
from firedoor.core.tasks.sending import recorded
from firedoor.core.ternary import Ternary

VERSION: Literal[1] = 1  # of the entries
ANSWERERS = frozenset(("commander", "dpo", "legal", "victim_support"))
JUST_BEFORE = timedelta(minutes=10)  # the same words within this time are the same request, sent twice
MAXIMUM_PERSON, MAXIMUM_PLACES = 500, 200


@dataclass(frozen=True, slots=True)
class Told:
    """What somebody says of a request. What is not said stays unknown."""

    elements: Mapping[str, str] = field(default_factory=dict)
    requester: str = ""
    requester_contact: str = ""
    reference: str = ""
    locators: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Given:
    """The answer to a request: what it came to, why, and what proves it.

    `sending` is what the sending dialogue asks (`core.sending`), by which the person is told that the content is gone.
    """

    outcome: str
    why: str
    reference: str = ""
    sending: Mapping[str, str] = field(default_factory=dict)
    ground: str = ""  # of a refusal, for the figures of a year
    alone: str = ""  # why nobody else can take over from somebody who has decided enough for now

    @property
    def fields(self) -> dict[str, str]:
        """The fields of the sending, those that were said."""
        said = {"reference": self.reference.strip(), **{name: text.strip() for name, text in self.sending.items()}}
        return {name: text for name, text in said.items() if text}


def the_request(view: IncidentView, name: str) -> RemovalRequest:
    """A request by its id, or by its number written as `2` or `R2`. Raises NotFound, naming the nearest."""
    digits = name[1:] if name[:1] in "Rr" else name
    if digits.isascii() and digits.isdigit():
        found = next((one for one in view.requests.values() if one.number == int(digits)), None)
    else:
        found = view.requests.get(name)
    if found is None:
        known = nearest(name, [one.name for one in view.requests.values()])
        message = f'{view.id} has no request "{name[:80]}"'
        raise NotFound(Problem(code="Q101", field="request", message=message, do=known))
    return found


def receive(view: IncidentView, kind: str, received_at: datetime | None, told: Told, why: str, person: Person,
            now: datetime) -> tuple[str, list[Draft]]:  # fmt: skip
    """Register a request that came by no alert: its id, and the entry. A second copy of an open one is that one."""
    need_why(why)
    problems = [*_told(told), *_arrival(received_at, now)]
    if kind not in tuple(RequestKind):
        problems.append(_problem("kind", f'"{kind[:60]}" is no kind of request', nearest(kind, tuple(RequestKind))))
    if problems:
        raise InvalidInput(problems)
    name = unknown_ids(view.requests, 1 + sum(one.id.startswith("request-by-hand") for one in view.requests.values()))
    came = min(received_at or now, now)
    body = RequestReceived(
        request=name, v=VERSION, kind=kind, received_at=came.isoformat(), by=person.name, why=why.strip()
    )  # fmt: skip
    _tell(body, told)
    arrived = read_arrival(body, now.isoformat(), person.actor)
    if (before := _sent_twice(view, arrived, said=received_at is not None)) is not None:
        return before.id, []
    again = same_as(view, arrived)
    return (again.id if again else name), [Draft(Kind.REQUEST_RECEIVED, person.actor, body)]


def _sent_twice(view: IncidentView, arrived: RemovalRequest, *, said: bool) -> RemovalRequest | None:
    """The request that the same person registered just before in the same words: they got no answer, or pressed twice.

    `said` is whether its arrival was named, which then has to be the same.
    """
    words = ("kind", "elements", "requester", "requester_contact", "reference", "locators", "told_by", "why")
    for one in view.requests.values():
        alike = all(getattr(one, name) == getattr(arrived, name) for name in words)
        on_time = one.received_at == arrived.received_at if said else arrived.noted_at - one.noted_at <= JUST_BEFORE
        if one.open and alike and on_time:
            return one
    return None


def complete(view: IncidentView, name: str, at: datetime | None, told: Told, why: str, person: Person,
             now: datetime) -> list[Draft]:  # fmt: skip
    """Say what a request contains, or what came later. Of the incident's own request the facts say the same."""
    need_why(why)
    one = _open(view, name)
    problems = [*_told(told), *_arrival(at, now)]
    if not (told.elements or told.requester or told.requester_contact or told.reference or told.locators):
        problems.append(_problem("elements", "nothing is said about the request", "name what it contains or lacks"))
    if at is not None and at < one.received_at:
        problems.append(_problem("at", f"{one.name} came at {one.received_at.isoformat()}", "name a later instant"))
    if problems:
        raise InvalidInput(problems)
    if at is None and _known(one, told):
        return []
    body = RequestCompleted(
        request=one.id, v=VERSION, at=(at or now).isoformat(), by=person.name, why=why.strip()
    )  # fmt: skip
    _tell(body, told)
    drafts = [Draft(Kind.REQUEST_COMPLETED, person.actor, body)]
    values = {name: None if answer == "unknown" else answer for name, answer in told.elements.items()}
    changed = {name: answer for name, answer in values.items() if view.facts.get(name) != answer}
    if one.own and changed:
        before = {name: view.facts[name] for name in changed if name in view.facts}
        facts: FactsSet = {"values": changed, "before": before, "why": why.strip()}
        drafts.append(Draft(Kind.FACTS, person.actor, facts))
    return drafts


def _known(one: RemovalRequest, told: Told) -> bool:
    """Whether all of this stands in the request already."""
    plain = ("requester", "requester_contact", "reference")
    return (
        all(str(one.elements.get(name, "")) == answer for name, answer in told.elements.items())
        and all(getattr(told, name).strip() in ("", getattr(one, name)) for name in plain)
        and set(told.locators) <= set(one.locators)
    )


def written(view: IncidentView, name: str, letter: str, at: datetime | None, reference: str, person: Person,
            now: datetime) -> list[Draft]:  # fmt: skip
    """Note that a letter to the person was sent: by which reference, and when."""
    one = the_request(view, name)
    problems = list(_arrival(at, now))
    if letter not in tuple(LetterKind):
        problems.append(_problem("letter", f'"{letter[:60]}" is no letter', nearest(letter, tuple(LetterKind))))
    if not 0 < len(reference.strip()) <= MAXIMUM_PERSON:
        problems.append(_problem("reference", "a reference is needed", "name the message, the letter or the ticket"))
    if problems:
        raise InvalidInput(problems)
    same = [sent for sent in one.letters if (sent.kind, sent.reference) == (letter, reference.strip())]
    if any(sent.by == person.name and at in (None, sent.at) for sent in same):
        return []
    body = RequestWritten(
        request=one.id, v=VERSION, letter=letter, at=(at or now).isoformat(), reference=reference.strip(),
        by=person.name,
    )  # fmt: skip
    return [Draft(Kind.REQUEST_WRITTEN, person.actor, body)]


def answer_request(  # noqa: PLR0913 - what an answer is
                   view: IncidentView, name: str, given: Given, clocks: Iterable[ClockRecord], person: Person,
                   now: datetime, frozen: Mapping[str, Mapping[str, str]] | None = None, *,
                   two: bool = False) -> list[Draft]:  # fmt: skip
    """Answer a request. `clocks` are its own: those that are open end with it, and so do their tasks.

    `frozen` are the fields of the sending by clock, once the text that was sent is kept. With `two` a refusal counts
    once a second person agrees: until then it is proposed, and nothing ends.

    Raises NotFound, Refused (answered before), NotPermitted or InvalidInput; then nothing was changed.
    """
    one = _open(view, name)
    need_why(given.why)
    if not person.roles & ANSWERERS:
        message, do = f"{one.name} is answered by {', '.join(sorted(ANSWERERS))}", "ask somebody who has such a role"
        raise NotPermitted(Problem(code="Q103", message=message, do=do))
    _need_outcome(given)
    need_another(one, view.requests.values(), person.identity)
    counts = decides(one, given.outcome, person.identity, two=two)
    ending = [clock for clock in clocks if not clock.settled and counts]
    body = RequestAnswered(
        request=one.id, v=VERSION, outcome=given.outcome, why=given.why.strip(), by=person.name,
        reference=given.reference.strip(), clocks=[clock.id for clock in ending],
    )  # fmt: skip
    ground = given.ground or (one.proposed.ground if one.proposed else "")
    if ground and given.outcome == Outcome.REFUSED:
        body["ground"] = ground
    if not counts:
        return [Draft(Kind.REQUEST_ANSWERED, person.actor, {**body, "decides": False})]
    said = {clock.id: (frozen or {}).get(clock.id, given.fields) for clock in ending}
    ended = [draft for clock in ending for draft in _settled(view, clock, given, said[clock.id], person, now)]
    return [*ended, Draft(Kind.REQUEST_ANSWERED, person.actor, body)]


def _settled(view: IncidentView, clock: ClockRecord, given: Given, fields: Mapping[str, str], person: Person,
             now: datetime) -> list[Draft]:  # fmt: skip
    """The end of one clock by an answer: through its task where one is open, so that nobody is asked any longer."""
    gone = given.outcome == Outcome.REMOVED
    task = next((one for one in view.open_tasks() if one.clock == clock.id and one.kind == "submit"), None)
    if task is not None:
        reply = Answer("submitted", given.why, fields=fields) if gone else Answer("not_required", given.why)
        return answer_task(view, task.id, reply, person, {}, now)
    body: ClockWaived = {"id": clock.id, "by": person.name, "why": given.why.strip()}
    if not gone:
        return [Draft(Kind.CLOCK_WAIVED, person.actor, body)]
    late = clock.due is not None and now > datetime.fromisoformat(clock.due)
    if late and not fields.get("reasons_for_delay"):
        do = "say why it is late (reasons_for_delay)"
        raise InvalidInput(_problem("reasons_for_delay", f"the limit of {clock.id} has passed", do))
    return [Draft(Kind.CLOCK_SUBMITTED, person.actor, {**recorded(view, clock, fields, now), **body, "late": late})]


def _open(view: IncidentView, name: str) -> RemovalRequest:
    one = the_request(view, name)
    if one.closing is not None:
        message = f"{one.name} was answered by {one.closing.by}: {one.closing.outcome}"
        raise Refused(Problem(code="Q102", message=message, do="nothing was changed; a new letter is a new request"))
    return one


def _need_outcome(given: Given) -> None:
    problems = []
    if given.outcome not in tuple(Outcome):
        message = f'"{given.outcome[:60]}" is no answer to a request'
        problems.append(_problem("outcome", message, nearest(given.outcome, tuple(Outcome))))
    if given.outcome == Outcome.REMOVED and not given.reference.strip():
        problems.append(_problem("reference", "what proves that it is gone is needed", "name the ticket or the log"))
    if given.ground and given.ground not in tuple(Ground):
        problems.append(_problem("ground", f'"{given.ground[:60]}" is no ground', nearest(given.ground, tuple(Ground))))
    if max(map(len, given.fields.values()), default=0) > MAXIMUM_PERSON:
        problems.append(_problem("reference", f"more than {MAXIMUM_PERSON} characters", "put it into an evidence file"))
    if problems:
        raise InvalidInput(problems)


def _tell(body: RequestTold, told: Told) -> None:
    """Put in what is known, and nothing for what is not."""
    body["elements"] = dict(told.elements)
    if requester := told.requester.strip():
        body["requester"] = requester
    if contact := told.requester_contact.strip():
        body["requester_contact"] = contact
    if reference := told.reference.strip():
        body["reference"] = reference
    if told.locators:
        body["request_locators"] = list(told.locators)


def _told(told: Told) -> Iterable[Problem]:
    for name, answer in told.elements.items():
        if name not in ELEMENTS:
            yield _problem("elements", f'no law asks a request for "{name[:60]}"', nearest(name, ELEMENTS))
        elif answer not in tuple(Ternary):
            yield _problem(f"elements.{name}", f'"{answer[:60]}" is no answer', "yes, no or unknown")
    for name in ("requester", "requester_contact", "reference"):
        if len(str(getattr(told, name))) > MAXIMUM_PERSON:
            yield _problem(name, f"more than {MAXIMUM_PERSON} characters", "shorten it")
    if len(told.locators) > MAXIMUM_PLACES:
        yield _problem("locators", f"more than {MAXIMUM_PLACES} places", "register several requests")
    for place in told.locators[:MAXIMUM_PLACES]:
        if fault := locator_fault(place):
            yield _problem("locators", fault, "name the place as an address or a key; never the content itself")


def _arrival(at: datetime | None, now: datetime) -> Iterable[Problem]:
    if at is None:
        return
    if at.tzinfo is None:
        yield _problem("received_at", "the instant has no offset", "write 2026-12-24T10:00:00+01:00")
    elif why := doubt(at, now):
        yield _problem("received_at", f"{at.isoformat()} {why}", "leave it out if the time is not known")
    elif at > now:
        yield _problem("received_at", f"{at.isoformat()} is ahead of us", "say when it came, or leave it out")


def _problem(field_name: str, message: str, do: str) -> Problem:
    return Problem(code="Q104", field=field_name, message=message, do=do)
