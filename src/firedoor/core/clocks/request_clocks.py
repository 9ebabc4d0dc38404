"""What the law makes of the requests of an incident: for each its own facts, its own clocks, and its validity by law.

Decides which duties a request can start, on which facts, and from when: from its arrival, and where a request was
completed after the first limit had passed, from its completion, because an incomplete one starts no law's clock. An
answered request starts nothing more. Leaves what a request is to `removal_request`, the conditions to `assessment`
and the clocks to `clock`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from firedoor.core.facts import Facts, Value
from firedoor.core.incident.clock_record import ClockRecord
from firedoor.core.incident.view import IncidentView
from firedoor.core.law.assessment import assess_one
from firedoor.core.law.duty import Duty, TriggerKind
from firedoor.core.requests.request import ABOUT_CONTENT, ARRIVES, RemovalRequest, RequestKind
from firedoor.core.requests.validity import ELEMENTS, element_facts, is_removal, validity
from firedoor.core.ternary import NO, UNKNOWN, YES, Ternary

RECEIVED = ARRIVES[RequestKind.REMOVAL]
Selection = Literal["auto"] | tuple[str, ...]
Catalogue = Mapping[str, Duty]
# What somebody's use of a right says by itself.
_IMPLIED: Mapping[RequestKind, Mapping[str, Value]] = {
    RequestKind.RIGHTS: {"rights_request": YES}, RequestKind.APPEAL: {"poster_complaint": YES},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class About:
    """What is known about the incident (no subject) or about one request, and the duties it can start."""

    subject: str
    facts: Facts
    duties: Catalogue
    selection: Selection


@dataclass(frozen=True, slots=True)
class OnRequest:
    """What one law says of one request."""

    duty: Duty
    reach: Ternary
    valid: Ternary
    missing: tuple[str, ...]
    unchecked: tuple[str, ...]
    ask: tuple[str, ...]
    complete_since: datetime | None
    clock: ClockRecord | None


def apart(catalogue: Catalogue) -> tuple[Catalogue, Catalogue]:
    """The duties that somebody's request starts, and all others."""
    by_request = {key: duty for key, duty in catalogue.items() if _by_request(duty)}
    return by_request, {key: duty for key, duty in catalogue.items() if key not in by_request}


def abouts(
    view: IncidentView, duties: tuple[Catalogue, Catalogue], facts: Facts, selection: Selection
) -> Iterator[About]:
    """What the law is asked about: the incident as such, and each open request with the duties that it can start."""
    by_request, others = duties
    yield About("", facts, others, selection)
    if not view.requests:  # nobody asked, or a caller tries facts without a journal
        yield About("", facts, by_request, selection)
    for request in view.requests.values():
        if not request.open:
            continue
        started = {key: duty for key, duty in by_request.items() if started_by(duty, request)}
        known, subject = facts_of_request(request, facts), subject_of(view, request)
        for since, group in _by_start(view, request, started).items():
            yield About(subject, {**known, ARRIVES[request.kind]: since}, group, selection)


def facts_of_request(request: RemovalRequest, facts: Facts) -> dict[str, Value]:
    """The facts of the incident as they are for one request: what another one contains says nothing about it."""
    arrivals = dict[str, Value]() if request.own else dict.fromkeys(ARRIVES.values(), UNKNOWN)
    elements = dict[str, Value](dict.fromkeys(ELEMENTS, UNKNOWN)) if request.kind in ABOUT_CONTENT else {}
    own = {ARRIVES[request.kind]: request.received_at, **_IMPLIED.get(request.kind, {})}
    if request.disputes:  # a complaint about how the first request was handled, whatever else it says
        own["complaint_about_report_handling"] = YES
    return {**facts, **arrivals, **elements, **request.elements, **own}


def facts_of_clock(view: IncidentView, clock: str, facts: Facts) -> Facts:
    """The facts for a letter about a clock: those of the request that the clock belongs to."""
    for request in view.requests.values():
        if not request.own and clock.partition("@")[2] == request.id:
            return facts_of_request(request, facts)
    return facts


def subject_of(view: IncidentView, request: RemovalRequest) -> str:
    """What its clocks have behind their duty's name. Clocks that run already keep the name they have."""
    if request.own and not any(name.partition("@")[2] == request.id for name in view.clocks):
        return ""
    return request.id


def clocks_of(view: IncidentView, duties: Catalogue, request: RemovalRequest) -> list[ClockRecord]:
    """The clocks of one request, settled ones too."""
    found = []
    for name, clock in view.clocks.items():
        subject, duty = name.partition("@")[2], duties.get(clock.duty)
        own = request.own and not subject and duty is not None and started_by(duty, request)
        if subject == request.id or own:
            found.append(clock)
    return found


def on_request(
    view: IncidentView, duties: Catalogue, facts: Facts, selection: Selection, request: RemovalRequest, now: datetime
) -> list[OnRequest]:
    """What each law with such a duty says of a request. One that does not reach the organisation is left out."""
    known, clocks = facts_of_request(request, facts), clocks_of(view, duties, request)
    found = []
    for key, duty in duties.items():
        if not (started_by(duty, request) and selection_has(selection, key)):
            continue
        reach = assess_one(duty, known, now).reach
        clock = next((one for one in clocks if one.duty == key), None)
        if reach is NO and clock is None:
            continue
        checked, names = validity(duty, known), element_facts(duty)
        valid = checked.valid if is_removal(duty) else YES
        since = request.complete_since(names) or request.received_at if valid is YES else None
        found.append(OnRequest(duty, reach, valid, checked.missing, checked.unchecked, checked.ask, since, clock))
    return found


def selection_has(selection: Selection, key: str) -> bool:
    """Whether a playbook's choice of duties has one."""
    return selection == "auto" or key in selection


def started_by(duty: Duty, request: RemovalRequest) -> bool:
    """Whether a request of this kind can start a duty."""
    kinds = ABOUT_CONTENT if request.own and request.kind in ABOUT_CONTENT else (request.kind,)
    return any(ARRIVES[kind] in _instants(duty) for kind in kinds)


def elements_asked(duties: Catalogue, request: RemovalRequest) -> tuple[str, ...]:
    """What any law asks of a request of this kind, in the order of `ELEMENTS`."""
    asked = {name for duty in duties.values() if started_by(duty, request) for name in element_facts(duty)}
    return tuple(name for name in ELEMENTS if name in asked)


def _by_request(duty: Duty) -> bool:
    by_it = duty.trigger.kind is TriggerKind.REQUEST and not duty.stage_of
    return by_it and not _instants(duty).isdisjoint(ARRIVES.values())


def _instants(duty: Duty) -> frozenset[str]:
    return frozenset((*duty.trigger.own_facts, *duty.trigger.stand_in))


def _by_start(view: IncidentView, request: RemovalRequest, duties: Catalogue) -> dict[datetime, dict[str, Duty]]:
    """The duties by the instant from which they count: the arrival, for most of them."""
    groups: dict[datetime, dict[str, Duty]] = {}
    for key, duty in duties.items():
        groups.setdefault(_since(view, request, duty), {})[key] = duty
    return groups


def _since(view: IncidentView, request: RemovalRequest, duty: Duty) -> datetime:
    """The arrival. An incomplete request starts no clock: where its limit had passed, the law counts from the rest."""
    complete = request.complete_since(element_facts(duty))
    if complete is None:
        return request.received_at
    subject = subject_of(view, request)
    clock = view.clocks.get(f"{duty.id}@{subject}" if subject else duty.id)
    if clock is None:
        return complete
    late = clock.due is not None and datetime.fromisoformat(clock.due) <= complete
    counted_so = datetime.fromisoformat(clock.trigger_at) == complete
    return complete if late or counted_so else request.received_at
