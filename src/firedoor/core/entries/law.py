"""Bodies of entries about the law: legal clocks, and requests of people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NotRequired

from typing_extensions import TypedDict

from firedoor.core.entries.base import EntryBody, Instant, Words
from firedoor.core.json_types import JsonObject


class ClockBody(EntryBody):
    """A legal clock as it stands."""

    id: str
    duty: str
    version: str
    trigger_event: str
    trigger_at: Instant
    due: Instant | None
    kind: str
    latest_arguable: Instant | None
    latest_basis: str
    internal_target: Instant | None
    state: str
    assumption: str
    started_at: Instant
    citation: str
    why: Words
    paused_until: NotRequired[Instant | None]
    title: NotRequired[str]
    jurisdiction: NotRequired[str]
    authority: NotRequired[str]
    addressee: NotRequired[str]
    channel: NotRequired[str]
    confidence: NotRequired[str]
    penalty: NotRequired[str]
    content: NotRequired[Sequence[JsonObject]]
    request: NotRequired[Sequence[str]]


class ClockStarted(ClockBody):
    """A clock that runs from here on."""


class ClockChanged(ClockBody):
    """The clock as it is now, `what` changed and `because` of what; who asked for more time, and who agreed."""

    what: NotRequired[str]
    because: NotRequired[str]
    history: NotRequired[Sequence[ClockEvent]]
    asked_by: NotRequired[str]
    approver: NotRequired[str]
    approver_id: NotRequired[str]
    approved_because: NotRequired[str]
    document: NotRequired[str]


class ClockEvent(TypedDict, total=False):
    """One line of a clock's history: what happened, the limit and start until then, who asked and who agreed."""

    at: Instant
    what: str
    why: str
    due: Instant | None
    trigger_at: Instant | None
    by: str
    asked_by: str
    approver: str
    approved_because: str
    document: str


class ClockSettled(EntryBody):
    """How a clock ended by a person's word."""

    id: str
    why: str
    by: NotRequired[str]
    late: NotRequired[bool]
    reference: NotRequired[str]
    channel: NotRequired[str]
    sent_at: NotRequired[Instant]
    as_sent: NotRequired[str]
    as_sent_sha256: NotRequired[str]
    reasons_for_delay: NotRequired[str]


class ClockSubmitted(ClockSettled):
    """What a clock asks for was sent: by which channel, when, with which receipt, and the text as it was sent."""


class ClockWaived(ClockSettled):
    """A person decided that it need not be met."""


class ClockMissed(EntryBody):
    """Its limit has passed."""

    id: str
    due: Instant | None
    by: NotRequired[str]
    why: NotRequired[str]


class RequestBody(EntryBody):
    """A request of a person, by the id that it has in the incident."""

    request: str
    v: Literal[1]
    by: str


class RequestTold(TypedDict, total=False):
    """What a request tells. `requester` and contact are sealed from whoever need not know them."""

    elements: Mapping[str, str]
    requester: str
    requester_contact: str
    request_locators: Words
    reference: str


class RequestSaid(RequestBody, RequestTold):
    """What is known of a request, and why it is written down."""

    why: str


class RequestReceived(RequestSaid):
    """It came."""

    kind: str
    received_at: Instant


class RequestCompleted(RequestSaid):
    """What it contains, as seen now: only what was said anew."""

    at: Instant


class RequestWritten(RequestBody):
    """A letter to the person was sent."""

    letter: str
    at: Instant
    reference: str


class RequestAnswered(RequestBody):
    """How it was answered, and which clocks end with it. `decides` is false for the first of two on a refusal."""

    outcome: str
    why: str
    reference: str
    clocks: Words
    ground: NotRequired[str]
    decides: NotRequired[bool]


class RequestWithdrawn(RequestBody):
    """The person takes it back: these places, or with none all of it. `ends` is whether it is answered by that."""

    why: str
    request_locators: Words
    clocks: Words
    ends: bool
