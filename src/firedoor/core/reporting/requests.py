"""A request as every door shows it: one function for the API, the console, the command line and the report.

Decides what is told of a request and in which words. Sealed parts stand under their own names (`requester`,
`requester_contact`, `request_locators`), so that `sealing` covers them. Leaves the law to `requests`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from firedoor.core.clocks.request_clocks import OnRequest, Selection, clocks_of, elements_asked, on_request
from firedoor.core.clocks.state import is_shadow
from firedoor.core.facts import Facts
from firedoor.core.incident.clock_record import ClockRecord
from firedoor.core.incident.view import IncidentView
from firedoor.core.journal import Body
from firedoor.core.reporting.copies import receipt
from firedoor.core.requests.request import ARRIVES, Closing, Ground, RemovalRequest, RequestKind
from firedoor.core.ternary import NO, UNKNOWN, YES

if TYPE_CHECKING:
    from firedoor.core.clocks.engine import Law

KINDS = {
    RequestKind.REMOVAL: "removal of content", RequestKind.COMPLAINT: "complaint", RequestKind.RIGHTS: "data rights",
    RequestKind.APPEAL: "complaint of whoever posted",
}  # fmt: skip
STATUS = {
    "open": "open", "incomplete": "incomplete: the person is asked for the rest", "removed": "answered: done",
    "refused": "answered: refused", "withdrawn": "withdrawn",
}  # fmt: skip
GROUNDS: Mapping[str, str] = {
    Ground.INCOMPLETE: "the request lacked what the law asks for", Ground.NOT_FOUND: "the content was not found",
    Ground.NOT_OURS: "the content is on another service", Ground.NOT_COVERED: "the law does not cover it",
    Ground.CONSENT: "the person had agreed", Ground.LAWFUL: "the content may stand",
    Ground.BAD_FAITH: "the request abused the procedure",
}  # fmt: skip
VALID = {YES: "complete", NO: "incomplete", UNKNOWN: "not checked yet"}


def told(view: IncidentView, law: Law, facts: Facts, selection: Selection, request: RemovalRequest,
         now: datetime) -> Body:  # fmt: skip
    """One request, with what each law says of it and its clocks."""
    duties = law.by_request[0]
    known = {**law.organisation, **facts}
    laws = on_request(view, duties, known, selection, request, now)
    asked = elements_asked(duties, request)
    closing, status = request.closing, _status(request, laws)
    return {
        "id": request.id, "name": request.name, "number": request.number, "kind": str(request.kind),
        "kind_words": KINDS[request.kind], "status": status, "status_words": STATUS[status],
        "open": request.open, "own": request.own, "received_at": request.received_at.isoformat(),
        "noted_at": request.noted_at.isoformat(), "told_by": request.told_by, "reference": request.reference,
        "requester": request.requester, "requester_contact": request.requester_contact,
        "request_locators": list(request.locators), "arrives_as": ARRIVES[request.kind],
        "elements": [{"name": name, "answer": str(request.elements.get(name, UNKNOWN)),
                      "came_at": _at(request.completed.get(name))} for name in asked],
        "laws": [_law(one) for one in laws],
        "ask": list(dict.fromkeys(sentence for one in laws for sentence in one.ask)),
        "clocks": [_clock(clock) for clock in clocks_of(view, duties, request)],
        "letters": [{"letter": str(one.kind), "at": one.at.isoformat(), "by": one.by, "reference": one.reference}
                    for one in request.letters],
        "withdrawals": [{"at": one.at.isoformat(), "request_locators": list(one.places), "why": one.why}
                        for one in request.withdrawals],
        "copies": [at.isoformat() for at in request.copies],
        "receipt": receipt(view, request),
        "answer": _closing(closing), "proposed": _closing(request.proposed),
    }  # fmt: skip


def all_told(view: IncidentView, law: Law, facts: Facts, selection: Selection, now: datetime) -> list[Body]:
    """Every request of an incident, in the order in which they came."""
    return [told(view, law, facts, selection, one, now) for one in view.requests.values()]


def _closing(one: Closing | None) -> Body | None:
    """An answer, or one that waits for a second person: who decided it, in which words, on which ground."""
    if one is None:
        return None
    return {
        "outcome": str(one.outcome), "at": one.at.isoformat(), "by": " and ".join(who.name for who in one.deciders),
        "why": one.why, "reference": one.reference, "ground": one.ground or None,
    }  # fmt: skip


def _status(request: RemovalRequest, laws: list[OnRequest]) -> str:
    """Incomplete only where a law that reaches minds what is missing."""
    if request.closing is not None:
        return str(request.closing.outcome)
    return "incomplete" if any(one.valid is NO for one in laws) else "open"


def _law(one: OnRequest) -> Body:
    clock = one.clock
    return {
        "duty": one.duty.id, "title": one.duty.title, "instrument": one.duty.instrument, "reach": str(one.reach),
        "valid": str(one.valid), "valid_words": VALID[one.valid], "missing": list(one.missing),
        "unchecked": list(one.unchecked), "complete_since": _at(one.complete_since),
        "clock": clock.id if clock else None, "clock_state": clock.state if clock else None,
        "due": clock.due if clock else None,
        "shadow": bool(clock and is_shadow(clock.assumption)),
    }  # fmt: skip


def _clock(clock: ClockRecord) -> Body:
    names = ("id", "duty", "title", "state", "due", "citation", "assumption")
    return {name: getattr(clock, name) for name in names}


def _at(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
