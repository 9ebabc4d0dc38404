"""What somebody is told at once who sends a request: what it still needs, and when its first limit runs out.

Decides by the same laws and in the same way as for a request that an incident has: no incident is needed for it. A law
that surely does not reach this organisation asks for nothing. Leaves the words of what is missing to `validity`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from firedoor.core.clocks.clock import AUTO, clocks_due_to_start
from firedoor.core.clocks.engine import Law
from firedoor.core.clocks.request_clocks import abouts, facts_of_request, on_request, started_by
from firedoor.core.clocks.state import is_shadow
from firedoor.core.facts import Facts
from firedoor.core.incident.view import IncidentView
from firedoor.core.law.duty import Duty
from firedoor.core.problems import InvalidInput, Problem, nearest
from firedoor.core.requests.request import RemovalRequest, RequestKind
from firedoor.core.requests.submission import Submission
from firedoor.core.requests.validity import asked_for, element_facts
from firedoor.core.ternary import Ternary

ID = "request-1"


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """`missing` are sentences to the person, in their language; `due` is the first limit that runs, None for none."""

    missing: tuple[str, ...]
    due: datetime | None


def first_answer(law: Law, said: Submission, now: datetime) -> FirstAnswer:
    """Work it out. Raises InvalidInput where the person names a law that the catalogue does not hold."""
    request = RemovalRequest(
        ID, 1, RequestKind.REMOVAL, received_at=now, noted_at=now, told_by="", locators=said.locators,
        elements={name: Ternary(answer) for name, answer in said.elements.items()},
    )  # fmt: skip
    facts = dict(law.organisation)
    view = IncidentView("INC", requests={ID: request})
    return FirstAnswer(_missing(law, view, request, said, facts, now), _due(law, view, facts, now))


def _missing(
    law: Law, view: IncidentView, request: RemovalRequest, said: Submission, facts: Facts, now: datetime
) -> tuple[str, ...]:
    asking: Iterable[Duty]
    if said.law:
        asking = [_named(law, said.law, request)]
    else:
        asking = [one.duty for one in on_request(view, law.by_request[0], facts, AUTO, request, now)]
    names = dict.fromkeys(name for duty in asking for name in element_facts(duty))
    return asked_for(names, facts_of_request(request, facts), said.language)


def _named(law: Law, name: str, request: RemovalRequest) -> Duty:
    known = {key: duty for key, duty in law.by_request[0].items() if started_by(duty, request)}
    if name not in known:
        message = "no law about removal requests has this name here"
        raise InvalidInput(Problem(code="Q112", field="law", message=message, do=nearest(name[:80], known)))
    return known[name]


def _due(law: Law, view: IncidentView, facts: Facts, now: datetime) -> datetime | None:
    clocks = [clock for about in abouts(view, law.by_request, facts, AUTO) if about.subject
              for clock in clocks_due_to_start(about.duties, AUTO, about.facts, (), now)]  # fmt: skip
    return min(
        (clock.due for clock in clocks if clock.due is not None and not is_shadow(clock.assumption)), default=None
    )
