"""How the records of incidents look as JSON: alerts, evidence, journals, notices, requests, held targets.

Decides the names and the types that the command line reads of what the API answers. Instants are ISO 8601 with their
offset. Where a field may be left out, it says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NotRequired, TypedDict

from firedoor.core.json_types import JsonObject


class Received(TypedDict):
    """What became of one alert."""

    decision: str
    incident: NotRequired[str | None]
    deliveries: NotRequired[int]
    reasons: NotRequired[Sequence[str]]


class Delivered(TypedDict):
    """What became of the alerts of one delivery."""

    alerts: Sequence[Received]


class AlertLine(TypedDict):
    """A stored alert."""

    id: int
    source: str
    decision: str
    received_at: str
    deliveries: int
    incident: NotRequired[str | None]
    title: NotRequired[str | None]


class Alerts(TypedDict):
    """A page of the stored alerts."""

    alerts: Sequence[AlertLine]
    next: NotRequired[str | None]


class Piece(TypedDict):
    """A piece of evidence. `refused` says why the bytes were not kept, where they were not."""

    name: str
    sha256: str
    size: int
    mode: str
    refused: NotRequired[str]


class Gap(TypedDict):
    """What could not be kept, and what became of that."""

    artefact: str
    target: str
    why: str
    state: str


class Pieces(TypedDict):
    """The evidence of an incident."""

    evidence: Sequence[Piece]
    gaps: NotRequired[Sequence[Gap]]
    next: NotRequired[str | None]


class Kept(TypedDict):
    """A piece of evidence that was just kept."""

    evidence: Piece


class Withheld(TypedDict):
    """A piece that an export does not hold, and why."""

    sha256: str
    name: str
    why: str


class Exported(TypedDict):
    """What an exported folder holds, as it says itself."""

    incident: str
    head: str
    pieces: Sequence[Piece]
    withheld: Sequence[Withheld]


class ChainFault(TypedDict):
    """The first wrong entry of a chain."""

    seq: int
    what: str


class Chain(TypedDict):
    """A verified journal."""

    incident: str
    entries: int
    fault: ChainFault | None


class OutsideAnchor(TypedDict):
    """Since when nobody outside knows how the journals end."""

    at: str | None
    newer: int


class Verified(TypedDict):
    """Every journal that was verified."""

    chains: Sequence[Chain]
    anchor: NotRequired[OutsideAnchor | None]


class HeldTarget(TypedDict):
    """A target that an incident keeps closed."""

    target: str
    incident: str
    state: str
    seen_at: str
    looks: int
    drifts: int


class HeldTargets(TypedDict):
    """Every target that is kept closed."""

    holds: Sequence[HeldTarget]


class LegalHold(TypedDict):
    """Whether an incident is under a legal hold."""

    legal_hold: bool


class InventoryTarget(TypedDict):
    """A target of the inventory, and whether something keeps it closed."""

    id: str
    kind: str
    title: str
    doors: Sequence[JsonObject | str]
    neighbours: Sequence[str]
    suspended: NotRequired[bool]
    never_suspend: NotRequired[bool]
    because: NotRequired[str]


class InventoryTargets(TypedDict):
    """The inventory."""

    targets: Sequence[InventoryTarget]


class NoticeLine(TypedDict):
    """A notice in the list; `missing` is null where it is sealed."""

    clock: str
    language: str
    title: str
    state: str
    missing: Sequence[str] | None


class Notices(TypedDict):
    """The notices of an incident."""

    notices: Sequence[NoticeLine]


class ChangedFact(TypedDict):
    """A fact that changed since a notice was worded."""

    fact: str
    now: str
    before: str


class Draft(TypedDict):
    """A draft that the facts made."""

    seq: int
    number: int
    facts: Sequence[str]


class Version(TypedDict):
    """A version that a person made."""

    seq: int
    name: str
    by: str


class Notice(NoticeLine):
    """A notice as it stands: its text, what changed since it was worded, and how it came to be."""

    text: str
    sha256: str
    stale: bool
    facts_changed: Sequence[ChangedFact]
    news: str
    drafts: Sequence[Draft]
    history: Sequence[Version]


class HandledNotice(NoticeLine):
    """A notice after somebody worked on it."""

    sha256: str


class Point(TypedDict):
    """One topic of the lessons-learned session."""

    heading: str
    about: str
    question: str
    entry: int | None


class Measure(TypedDict):
    """An open measure."""

    task: str
    what: str
    owner: str
    due_at: str
    state: str


class Lessons(TypedDict):
    """What the lessons-learned session has to talk about, and the proposed changes of the playbook."""

    agenda: Sequence[Point]
    measures: Sequence[Measure]
    diff: str


class RequestLaw(TypedDict):
    """What one law says about a request."""

    title: str
    valid_words: str
    missing: Sequence[str]


class Letter(TypedDict):
    """A letter that was sent to the person."""

    letter: str
    at: str
    reference: str


class RequestClock(TypedDict):
    """A deadline of a request."""

    title: str
    state: str
    due: str | None


class RequestClosing(TypedDict):
    """How a request was answered, or is to be."""

    outcome: str
    by: str
    why: str


class Request(TypedDict):
    """A request of a person."""

    name: str
    kind_words: str
    status_words: str
    received_at: str
    clocks: Sequence[RequestClock]
    laws: Sequence[RequestLaw]
    ask: Sequence[str]
    letters: Sequence[Letter]
    proposed: RequestClosing | None  # a refusal that waits for a second person


class OneRequest(TypedDict):
    """A request that was looked at, or changed."""

    request: Request


class Requests(TypedDict):
    """The requests of an incident."""

    requests: Sequence[Request]
    next: str | None


class MailedReceipt(TypedDict):
    """What became of a request that came by e-mail."""

    number: str
    status_url: str
    missing: Sequence[str]
    due: str | None
