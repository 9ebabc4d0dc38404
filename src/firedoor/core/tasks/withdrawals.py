"""What the person who asked may take back: all of a request, or some of its places.

Decides what follows. A request that is taken back asks for nothing: its own clocks end as not applicable, and no
others. A part that is taken back leaves the clocks, which the rest needs. Where the person shown may be a child the
wish is written down and ends nothing, because what the law asks for a child does not hang on anybody's request; people
decide. The team is told each time. Leaves asking for a second step to the page, and who holds the link to the runtime.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from firedoor.core.entries.law import ClockChanged, RequestWithdrawn
from firedoor.core.entries.people import MessageSent
from firedoor.core.incident.clock_record import ClockRecord
from firedoor.core.incident.view import IncidentView
from firedoor.core.journal import Draft, Kind
from firedoor.core.person import Person
from firedoor.core.problems import InvalidInput, Problem, Refused
from firedoor.core.requests.request import DISPUTED, RemovalRequest, RequestKind
from firedoor.core.tasks.request_actions import ANSWERERS, the_request

VERSION: Literal[1] = 1  # of the entry
MINOR = "minor"  # the fact that the person shown is a child
BECAUSE = "the person withdrew the request"
MAXIMUM_DISPUTES = 5  # of one request; more are letters to people


def withdraw(view: IncidentView, name: str, places: Sequence[str], why: str, clocks: Iterable[ClockRecord],
             person: Person) -> list[Draft]:  # fmt: skip
    """Take back these places of a request, with none all of it. `clocks` are its own.

    Raises NotFound, Refused (answered before) or InvalidInput (a place that it does not name); nothing changes then.
    The same once more is no entry.
    """
    one = _open(view, name)
    part = tuple(dict.fromkeys(places))
    if unknown := [place for place in part if place not in one.locators]:
        message = f"{len(unknown)} of these places are not in {one.name}"
        raise InvalidInput(Problem(code="Q119", field="locators", message=message, do="choose among those it names"))
    if set(part) == set(one.locators):  # every place is the whole
        part = ()
    if not part and any(not before.places for before in one.withdrawals):
        return []
    ends = not part and not may_be_a_child(view)
    ending = [clock for clock in clocks if not clock.settled] if ends else []
    body = RequestWithdrawn(
        request=one.id, v=VERSION, by=person.name, why=why.strip(), request_locators=list(part),
        clocks=[clock.id for clock in ending], ends=ends,
    )  # fmt: skip
    told = _told(one, part, ends=ends)
    return [*(_ended(clock, person) for clock in ending), Draft(Kind.REQUEST_WITHDRAWN, person.actor, body), told]


def may_be_a_child(view: IncidentView) -> bool:
    """Whether the facts of the incident say so."""
    return view.facts.get(MINOR) == "yes"


def need_disputable(view: IncidentView, name: str) -> None:
    """Raises Refused where a request was disputed and nobody has answered that yet, or too often."""
    before = disputes(view, the_request(view, name))
    if any(one.open for one in before):
        message = "somebody looks at it again already"
        raise Refused(Problem(code="Q118", message=message, do="wait for the answer; it is shown on this page"))
    if len(before) >= MAXIMUM_DISPUTES:
        message = f"it was disputed {MAXIMUM_DISPUTES} times"
        raise Refused(Problem(code="Q118", message=message, do="turn to a court or an out-of-court dispute body"))


def disputed(one: RemovalRequest) -> str:
    """The reference of the complaints about an answer."""
    return f"{one.reference}{DISPUTED}"


def disputes(view: IncidentView, one: RemovalRequest) -> list[RemovalRequest]:
    """The complaints about the answer to a request, in the order in which they came."""
    found = (other for other in view.requests.values() if other.kind is RequestKind.COMPLAINT)
    return [other for other in found if one.reference and other.reference == disputed(one)]


def said_already(view: IncidentView, one: RemovalRequest, why: str) -> bool:
    """Whether the same words came before and wait for an answer: the button was pressed twice."""
    return any(other.open and other.why == why.strip() for other in disputes(view, one))


def told_of_a_dispute(view: IncidentView, name: str) -> Draft:
    """The message to those who answer requests."""
    one = the_request(view, name)
    return _message(f"{one.name} is disputed", f"The person does not agree with the answer to {one.name}.")


def _open(view: IncidentView, name: str) -> RemovalRequest:
    one = the_request(view, name)
    if one.closing is not None:
        message = f"{one.name} was answered by {one.closing.by}: {one.closing.outcome}"
        raise Refused(Problem(code="Q102", message=message, do="nothing was changed"))
    return one


def _ended(clock: ClockRecord, person: Person) -> Draft:
    body = ClockChanged(
        id=clock.id, duty=clock.duty, version=clock.version, trigger_event=clock.trigger_event,
        trigger_at=clock.trigger_at, due=clock.due, kind=clock.kind, latest_arguable=clock.latest_arguable,
        latest_basis=clock.latest_basis, internal_target=clock.internal_target, state="not_applicable",
        assumption=clock.assumption, started_at=clock.started_at, citation=clock.citation, why=clock.why,
        what="ended", because=BECAUSE,
    )  # fmt: skip
    return Draft(Kind.CLOCK_CHANGED, person.actor, body)


def _told(one: RemovalRequest, part: Sequence[str], *, ends: bool) -> Draft:
    if part:
        return _message(f"{one.name} is withdrawn in part", f"The person takes back {len(part)} of its places.")
    if ends:
        return _message(f"{one.name} is withdrawn", "The person takes the request back. Its own deadlines have ended.")
    text = "The person shown may be under 18: the deadlines go on. Decide what follows, and answer the request."
    return _message(f"{one.name} is to be withdrawn", text)


def _message(subject: str, text: str) -> Draft:
    return Draft(Kind.MESSAGE, "firedoor", MessageSent(to=sorted(ANSWERERS), subject=subject, text=text))
