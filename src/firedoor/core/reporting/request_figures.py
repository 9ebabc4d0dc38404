"""What is counted of one request of a person: which laws it fell under, when it was acknowledged, how it was answered.

Decides that a law counts where a clock of it was started and did not fall away, that only an acknowledgement that
somebody recorded counts as one, and that nothing of the person, of the content or of the reasons' words is in a figure.
Leaves putting figures together to `transparency`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from firedoor.core.incident.clock_record import ENDED, ClockRecord
from firedoor.core.incident.view import IncidentView
from firedoor.core.journal import Body
from firedoor.core.requests.request import ARRIVES, LetterKind, RemovalRequest

_EVENTS = frozenset(fact.removesuffix("_at") for fact in ARRIVES.values())


@dataclass(frozen=True, slots=True)
class RequestFigure:
    """One request. Instants are ISO 8601 in UTC; None where it did not happen yet, or nobody recorded it."""

    kind: str
    laws: tuple[str, ...]  # the duties whose clocks it started
    received_at: str
    acknowledged_at: str | None
    answered_at: str | None
    outcome: str | None
    ground: str | None  # of a refusal


def figures_of(view: IncidentView) -> tuple[RequestFigure, ...]:
    """Every request of an incident, in the order in which they came."""
    return tuple(_figure(view, one) for one in view.requests.values())


def as_body(figure: RequestFigure) -> Body:
    """A figure as JSON."""
    return {**asdict(figure), "laws": list(figure.laws)}


def from_body(body: Mapping[str, object]) -> RequestFigure:
    """A figure as it was written."""
    laws = body["laws"]
    return RequestFigure(**{**body, "laws": tuple(laws) if isinstance(laws, list) else ()})  # type: ignore[arg-type]


def _figure(view: IncidentView, one: RemovalRequest) -> RequestFigure:
    told = [letter.at for letter in one.letters if letter.kind is LetterKind.ACKNOWLEDGEMENT]
    closing = one.closing
    return RequestFigure(
        kind=str(one.kind), laws=tuple(sorted({clock.duty for clock in view.clocks.values() if _its(clock, one)})),
        received_at=_utc(one.received_at), acknowledged_at=_utc(min(told)) if told else None,
        answered_at=_utc(closing.at) if closing else None, outcome=str(closing.outcome) if closing else None,
        ground=(closing.ground or None) if closing else None,
    )  # fmt: skip


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def _its(clock: ClockRecord, one: RemovalRequest) -> bool:
    """Whether a clock is this request's, and still stands for something."""
    subject = clock.id.partition("@")[2]
    own = one.own and not subject and clock.trigger_event in _EVENTS
    return (subject == one.id or own) and clock.state not in ENDED
