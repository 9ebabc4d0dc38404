"""Bodies of entries about the law: legal clocks, and requests of people."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from firedoor.core.entries.base import EntryBody, Instant, Json, Words


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
    paused_until: Instant | None = None
    title: str = ""
    jurisdiction: str = ""
    authority: str = ""
    addressee: str = ""
    channel: str = ""
    confidence: str = ""
    penalty: str = ""
    content: tuple[Json, ...] = ()
    request: tuple[Json | str, ...] = ()


class ClockStarted(ClockBody):
    """A clock that runs from here on."""


class ClockChanged(ClockBody):
    """The clock as it is now, `what` changed and `because` of what; who asked for more time, and who agreed."""

    what: str = ""
    because: str = ""
    history: tuple[Any, ...] = ()
    asked_by: str = ""
    approver: str = ""
    approver_id: str = ""
    approved_because: str = ""
    document: str = ""


class ClockSubmitted(EntryBody):
    """What a clock asks for was sent: by which channel, when, with which receipt, and the text as it was sent."""

    id: str
    by: str
    why: str
    late: bool
    reference: str = ""
    channel: str = ""
    sent_at: Instant = ""
    as_sent: str = ""
    as_sent_sha256: str = ""
    reasons_for_delay: str = ""


class ClockWaived(EntryBody):
    """A person decided that it need not be met."""

    id: str
    why: str
    by: str = ""


class ClockMissed(EntryBody):
    """Its limit has passed."""

    id: str
    due: Instant | None
    by: str = ""
    why: str = ""


class RequestBody(EntryBody):
    """A request of a person, by the id that it has in the incident."""

    request: str
    v: Literal[1]
    by: str


class RequestSaid(RequestBody):
    """What is known of a request. `requester` and contact are sealed from whoever need not know them."""

    why: str
    elements: Json = Field(default_factory=dict)
    requester: str = ""
    requester_contact: str = ""
    request_locators: Words = ()
    reference: str = ""


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
    """How it was answered, and which clocks end with it."""

    outcome: str
    why: str
    reference: str
    clocks: Words
