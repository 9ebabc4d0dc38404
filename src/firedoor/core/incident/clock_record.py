"""A clock as the incident's journal tells it: what it is about, where it stands, what happened to it.

Decides the form alone: frozen, so that whoever is handed one sees it as it was then. Leaves how entries change it to
`view_clocks`, computing its limit to `core.clocks`, and what a reader is shown of it to whoever shows it. Instants are
text, as the journal has them: a clock that cannot be worked out is still shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from firedoor.core.entries.base import Instant, Words
from firedoor.core.entries.law import ClockBody, ClockEvent, ClockSettled
from firedoor.core.json_types import JsonObject

SETTLED_CLOCKS = frozenset(("submitted", "satisfied", "waived", "not_applicable", "superseded"))
ENDED = frozenset(("not_applicable", "superseded"))  # by the facts, with a second person's consent


@dataclass(frozen=True, slots=True)
class ClockRecord:
    """What is known of one clock. `due` None: the law sets no outer limit, or none is known yet."""

    id: str
    state: str = ""
    duty: str = ""
    version: str = ""
    title: str = ""
    citation: str = ""
    jurisdiction: str = ""
    authority: str = ""
    addressee: str = ""
    channel: str = ""
    confidence: str = ""
    penalty: str = ""
    trigger_event: str = ""
    trigger_at: Instant = ""
    started_at: Instant = ""
    due: Instant | None = None
    kind: str = ""
    latest_arguable: Instant | None = None
    latest_basis: str = ""
    internal_target: Instant | None = None
    assumption: str = ""
    why: Words = ()
    paused_until: Instant | None = None
    content: Sequence[JsonObject] = ()  # the fields that a notice about it has to hold
    request: Words = ()  # the elements that the law asks of a request, where one starts it
    missed_at: Instant | None = None
    settled_at: Instant | None = None
    settlement: ClockSettled | None = None
    history: tuple[ClockEvent, ...] = ()

    @property
    def settled(self) -> bool:
        """Whether its duty is met, waived, or found not to apply."""
        return self.state in SETTLED_CLOCKS

    def said(self, body: ClockBody, *events: ClockEvent, missed_at: Instant | None = None) -> ClockRecord:
        """The clock as an entry states it now, with what that adds to its history; what the entry leaves out stays."""
        # Built at once: `replace` would look up every field by its name, and this is most of what a fold costs.
        return ClockRecord(
            body["id"], body.get("state", self.state), body.get("duty", self.duty), body.get("version", self.version),
            body.get("title", self.title), body.get("citation", self.citation),
            body.get("jurisdiction", self.jurisdiction), body.get("authority", self.authority),
            body.get("addressee", self.addressee), body.get("channel", self.channel),
            body.get("confidence", self.confidence), body.get("penalty", self.penalty),
            body.get("trigger_event", self.trigger_event), body.get("trigger_at", self.trigger_at),
            body.get("started_at", self.started_at), body.get("due", self.due), body.get("kind", self.kind),
            body.get("latest_arguable", self.latest_arguable), body.get("latest_basis", self.latest_basis),
            body.get("internal_target", self.internal_target), body.get("assumption", self.assumption),
            body.get("why", self.why), body.get("paused_until", self.paused_until),
            body.get("content", self.content), body.get("request", self.request),
            missed_at, self.settled_at, self.settlement, (*self.history, *events),
        )  # fmt: skip

    def as_json(self) -> JsonObject:
        """All of it by the names of the journal, for templates and pages."""
        return {one.name: getattr(self, one.name) for one in fields(self)}


NO_CLOCK = ClockRecord("")
"""Of which nothing is known yet."""
