"""Further requests to remove content, within one incident: each has clocks of its own.

Decides which attached alerts are such requests and what is known about each: when it came,
and nothing yet about its form, so that its clocks run provisionally at once. The request
that opened the incident, and one whose time stands in the incident's own facts, are the
incident's own. Leaves the conditions to `assessment` and the clocks to `clock`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from firedoor.core.alert import Method
from firedoor.core.duty import Duty, TriggerKind
from firedoor.core.facts import Facts
from firedoor.core.removal import ELEMENTS, is_removal
from firedoor.core.ternary import UNKNOWN
from firedoor.core.view import IncidentView

RECEIVED = "request_received_at"


@dataclass(frozen=True, slots=True)
class Request:
    """What is known about the incident (no subject) or about one request, and the duties it can start."""

    subject: str
    facts: Facts
    selection: Literal["auto"] | tuple[str, ...]


def requests_of(
    view: IncidentView, catalogue: Mapping[str, Duty], facts: Facts, selection: Literal["auto"] | tuple[str, ...]
) -> Iterator[Request]:
    """Yield each request to remove content that came by an alert of its own, as "request-2" and so on."""
    arrived = list(_arrivals(view))
    if not arrived:
        return
    duties = tuple(key for key, duty in catalogue.items() if _by_request(duty) and selection_has(selection, key))
    received = facts.get(RECEIVED, UNKNOWN)
    for number, at, opening in arrived:
        if at != received and not (opening and received is not UNKNOWN):
            unread = dict.fromkeys((*ELEMENTS, "complaint_received_at"), UNKNOWN)
            yield Request(f"request-{number}", {**facts, **unread, RECEIVED: at}, duties)


def selection_has(selection: Literal["auto"] | tuple[str, ...], key: str) -> bool:
    """Whether a playbook's choice of duties has one."""
    return selection == "auto" or key in selection


def _by_request(duty: Duty) -> bool:
    return is_removal(duty) and duty.trigger.kind is TriggerKind.REQUEST and not duty.stage_of


def _arrivals(view: IncidentView) -> Iterator[tuple[int, datetime, bool]]:
    """The number of each request among the alerts, when it came, and whether it opened the incident."""
    for number, attached in enumerate(view.alerts, 1):
        alert = attached.get("alert", {})
        if alert.get("method") == Method.REMOVAL_REQUEST and alert.get("status") != "resolved":
            came = datetime.fromisoformat(alert.get("occurred_at") or attached["at"])
            yield number, came, attached["at"] == view.opened_at
