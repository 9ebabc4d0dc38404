"""What the journal says about requests: how each entry opens one, adds to it, or answers it.

Decides which entries are one request. An alert or an entry opens one; a further delivery of the same detection, or the
same person about the same content, adds to the one that is open; and a fact about "the" request, which is all that
journals of before hold, is about the first. A later word adds to what a request contains and takes nothing away, except
where a person corrects it. Part of the fold in `view`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from firedoor.core.alerts.alert import Method
from firedoor.core.dates.arithmetic import doubt
from firedoor.core.entries.law import (
    RequestAnswered,
    RequestCompleted,
    RequestReceived,
    RequestWithdrawn,
    RequestWritten,
)
from firedoor.core.entries.run import AlertAttached
from firedoor.core.journal import Kind
from firedoor.core.person import BY_ID
from firedoor.core.requests.request import (
    ABOUT_CONTENT,
    ARRIVES,
    Closing,
    Letter,
    LetterKind,
    Outcome,
    RemovalRequest,
    RequestKind,
    Withdrawal,
    content_key,
    person_key,
)
from firedoor.core.requests.validity import ELEMENTS
from firedoor.core.ternary import NO, UNKNOWN, YES, Ternary

if TYPE_CHECKING:
    from firedoor.core.incident.view import IncidentView, Meta

Handler = Callable[["IncidentView", Any, "Meta"], None]
_KINDS = {fact: kind for kind, fact in ARRIVES.items()}


def from_alert(view: IncidentView, body: AlertAttached, meta: Meta) -> None:
    """A removal request that came as an alert, the newest of the view's. Its time is at the latest our receipt."""
    alert = body.get("alert", {})
    if alert.get("method") != Method.REMOVAL_REQUEST or alert.get("status") == "resolved":
        return
    noted = datetime.fromisoformat(meta.at)
    said = alert.get("occurred_at")
    came = datetime.fromisoformat(said) if said else noted
    locators = tuple(str(place) for place in alert.get("locators") or ())
    arrived = RemovalRequest(
        id=f"request-{len(view.alerts)}", number=0, kind=RequestKind.REMOVAL, noted_at=noted, told_by=meta.actor,
        # Of journals from before such times were left out, or a sender's clock that is ahead was set right.
        received_at=noted if doubt(came) or came > noted else came,
        locators=locators, key=content_key(RequestKind.REMOVAL, locators),
        sender=f"{alert.get('source', '')}:{alert['fingerprint']}" if alert.get("fingerprint") else "",
        reference=str(alert.get("source_id") or ""),
    )  # fmt: skip
    _arrived(view, arrived)


def from_facts(view: IncidentView, told: Mapping[str, object], meta: Meta) -> None:
    """What the incident's facts say of its own request: when it arrived, and what it contains."""
    for fact, kind in _KINDS.items():
        at = _instant(told.get(fact))
        if at is not None:
            _own_arrived(view, kind, at, meta)
    named = {name: Ternary(str(told[name])) for name in ELEMENTS if told.get(name) in ("yes", "no", "unknown")}
    named |= {name: UNKNOWN for name in ELEMENTS if name in told and told[name] is None}
    own = own_of(view, RequestKind.REMOVAL) or first_of(view, RequestKind.REMOVAL)
    if named and own is not None:
        _put(view, replace(_with(own, named, datetime.fromisoformat(meta.at), corrects=True), own=True))


def own_of(view: IncidentView, kind: RequestKind) -> RemovalRequest | None:
    """The request of this kind that the incident's facts are about."""
    return next((one for one in view.requests.values() if one.own and _alike(one.kind, kind)), None)


def first_of(view: IncidentView, kind: RequestKind) -> RemovalRequest | None:
    """The request of this kind that came first."""
    return next((one for one in view.requests.values() if _alike(one.kind, kind)), None)


def same_as(view: IncidentView, arrived: RemovalRequest) -> RemovalRequest | None:
    """The open request of which this is a second delivery: of the same detection, or the same person and content."""
    person = person_key(arrived.requester)
    for one in view.requests.values():
        again = bool(arrived.sender) and arrived.sender == one.sender
        same = bool(person and arrived.key) and (person, arrived.key) == (person_key(one.requester), one.key)
        if one.open and one.kind is arrived.kind and (again or same):
            return one
    return None


def read_arrival(body: RequestReceived, meta_at: str, actor: str) -> RemovalRequest:
    """The request that an entry `request.received` tells of."""
    noted = datetime.fromisoformat(meta_at)
    came, kind = _instant(body.get("received_at")) or noted, RequestKind(body["kind"])
    locators = tuple(body.get("request_locators") or ())
    return RemovalRequest(
        id=str(body["request"]), number=0, kind=kind, received_at=min(came, noted), noted_at=noted, told_by=actor,
        elements={name: Ternary(answer) for name, answer in body.get("elements", {}).items()},
        requester=str(body.get("requester") or ""), requester_contact=str(body.get("requester_contact") or ""),
        reference=str(body.get("reference") or ""), locators=locators, key=content_key(kind, locators),
        why=str(body.get("why") or ""),
    )  # fmt: skip


def _received(view: IncidentView, body: RequestReceived, meta: Meta) -> None:
    _arrived(view, read_arrival(body, meta.at, meta.actor))


def _completed(view: IncidentView, body: RequestCompleted, meta: Meta) -> None:
    one = view.requests[body["request"]]
    named = {name: Ternary(answer) for name, answer in body.get("elements", {}).items()}
    at = min(_instant(body.get("at")) or datetime.fromisoformat(meta.at), datetime.fromisoformat(meta.at))
    one = _with(one, named, at, corrects=True)
    locators = tuple(dict.fromkeys((*one.locators, *(body.get("request_locators") or ()))))
    _put(view, replace(
        one, locators=locators, key=content_key(one.kind, locators),
        requester=str(body.get("requester") or one.requester),
        requester_contact=str(body.get("requester_contact") or one.requester_contact),
        reference=str(body.get("reference") or one.reference),
    ))  # fmt: skip


def _written(view: IncidentView, body: RequestWritten, meta: Meta) -> None:
    one = view.requests[body["request"]]
    at = _instant(body.get("at")) or datetime.fromisoformat(meta.at)
    letter = Letter(LetterKind(body["letter"]), at, str(body["by"]), str(body.get("reference") or ""))
    _put(view, replace(one, letters=(*one.letters, letter)))


def _withdrawn(view: IncidentView, body: RequestWithdrawn, meta: Meta) -> None:
    """The whole of it ends the request; a part of it, or that of a child, leaves it open."""
    one, at = view.requests[body["request"]], datetime.fromisoformat(meta.at)
    places = tuple(body["request_locators"])
    left = tuple(place for place in one.locators if place not in places)
    closing = Closing(Outcome.WITHDRAWN, at, body["by"], body["why"]) if body["ends"] else None
    _put(view, replace(
        one, locators=left, key=content_key(one.kind, left), closing=closing,
        withdrawals=(*one.withdrawals, Withdrawal(at, places, body["why"])),
    ))  # fmt: skip


def _answered(view: IncidentView, body: RequestAnswered, meta: Meta) -> None:
    one, at = view.requests[body["request"]], datetime.fromisoformat(meta.at)
    first = one.proposed.deciders[0] if one.proposed and body["outcome"] == Outcome.REFUSED else None
    closing = Closing(
        Outcome(body["outcome"]), at, str(body["by"]), str(body["why"]), str(body.get("reference") or ""),
        str(body.get(BY_ID) or ""), str(body.get("ground") or ""), first,
    )  # fmt: skip
    if body.get("decides", True):
        _put(view, replace(one, closing=closing, proposed=None))
    else:
        _put(view, replace(one, proposed=closing))


def _arrived(view: IncidentView, arrived: RemovalRequest) -> None:
    """Add a request, or what it adds to one that is open: a copy, or a later completion."""
    known = same_as(view, arrived)
    if known is None:
        own = own_of(view, arrived.kind)
        if own is not None and own.id == OWN[own.kind] and _told_of(view, own, arrived):
            _take_over(view, own, arrived)
            return
        _put(view, replace(arrived, number=len(view.requests) + 1))
        return
    grown = _with(known, arrived.elements, arrived.noted_at, corrects=False)
    locators = tuple(dict.fromkeys((*known.locators, *arrived.locators)))
    _put(view, replace(grown, locators=locators, key=content_key(known.kind, locators),
                       copies=(*known.copies, arrived.noted_at)))  # fmt: skip


def _told_of(view: IncidentView, own: RemovalRequest, arrived: RemovalRequest) -> bool:
    """Whether the incident's fact tells of this very arrival: the same time, or the one that opened the incident."""
    opening = view.opened_at and arrived.noted_at == datetime.fromisoformat(view.opened_at)
    return own.received_at == arrived.received_at or bool(opening and arrived.id == "request-1")


OWN: Mapping[RequestKind, str] = {
    RequestKind.REMOVAL: "request", RequestKind.COMPLAINT: "request", RequestKind.RIGHTS: "rights-request",
    RequestKind.APPEAL: "appeal",
}  # fmt: skip
"""The id of a request that only the incident's facts tell of."""


def _take_over(view: IncidentView, own: RemovalRequest, arrived: RemovalRequest) -> None:
    """The fact and the alert tell of one arrival: it is one request, under the alert's name."""
    merged = replace(
        arrived, number=own.number, own=True, elements=own.elements, completed=own.completed, letters=own.letters,
        closing=own.closing,
    )  # fmt: skip
    view.requests = {merged.id if one.id == own.id else one.id: merged if one.id == own.id else one
                     for one in view.requests.values()}  # fmt: skip


def _own_arrived(view: IncidentView, kind: RequestKind, at: datetime, meta: Meta) -> None:
    """A fact names the arrival: of the request that has this time, else of the first, else of one that it opens."""
    own, noted = own_of(view, kind), datetime.fromisoformat(meta.at)
    if own is None:
        alike = [one for one in view.requests.values() if _alike(one.kind, kind)]
        own = next((one for one in alike if one.received_at == at), alike[0] if alike else None)
    if own is None:
        known = {name: Ternary(str(view.facts[name])) for name in ELEMENTS if view.facts.get(name) in ("yes", "no")}
        own = RemovalRequest(
            id=OWN[kind], number=len(view.requests) + 1, kind=kind, received_at=at, noted_at=max(at, noted),
            told_by=meta.actor, elements=known,
        )  # fmt: skip
    if own.kind is kind:  # a complaint about the same content is the same letter, and its time a fact of its own
        own = replace(own, received_at=min(at, own.noted_at))
    _put(view, replace(own, own=True))


def _with(one: RemovalRequest, named: Mapping[str, Ternary], at: datetime, *, corrects: bool) -> RemovalRequest:
    """What it contains now. What had been missing and is there was completed at that moment."""
    elements, completed = dict(one.elements), dict(one.completed)
    for name, answer in named.items():
        before = elements.get(name, UNKNOWN)
        if answer is YES and before is NO:
            completed[name] = at
        if answer is YES or (corrects and answer is not before) or (answer is NO and before is UNKNOWN):
            elements[name] = answer
        if answer is UNKNOWN and corrects:
            elements.pop(name, None)
        if answer is NO and elements.get(name) is NO:
            completed.pop(name, None)
    return replace(one, elements=elements, completed=completed)


def _put(view: IncidentView, one: RemovalRequest) -> None:
    view.requests[one.id] = one


def _alike(one: RequestKind, other: RequestKind) -> bool:
    return one is other or {one, other} <= ABOUT_CONTENT


def _instant(value: object) -> datetime | None:
    """An aware instant as the journal writes it; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return at if at.tzinfo is not None else None


def unknown_ids(ids: Iterable[str], number: int) -> str:
    """An id for a request that people register, which no other has."""
    taken = set(ids)
    while f"request-by-hand-{number}" in taken:
        number += 1
    return f"request-by-hand-{number}"


REQUEST_HANDLERS: Mapping[str, Handler] = {
    Kind.REQUEST_RECEIVED: _received, Kind.REQUEST_COMPLETED: _completed, Kind.REQUEST_WRITTEN: _written,
    Kind.REQUEST_WITHDRAWN: _withdrawn, Kind.REQUEST_ANSWERED: _answered,
}  # fmt: skip
