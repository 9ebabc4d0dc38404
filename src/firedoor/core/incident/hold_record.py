"""What an incident keeps closed, and every look at it that was written down: the values that `holds` folds and reads.

Decides their form, and how a look reads in a sentence. Leaves what follows from a look to `holds`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from firedoor.core.entries.base import Instant, Words
from firedoor.core.entries.custody import HoldDrifted, HoldEnded, HoldSeen, HoldUnseen

EVERY = 600  # seconds between two looks where nothing else is said
AGAIN_PER_HOUR = 3
HoldState = Literal["held", "drifted", "unseen", "closing", "opening"]


@dataclass(frozen=True, slots=True)
class HoldEvent:
    """One written look at a held target, or the end of holding it. What a kind of look does not say is empty."""

    what: Literal["drifted", "unseen", "held", "ended"]
    target: str
    op: str
    at: Instant = ""
    seq: int = 0
    seen: str = ""
    last_seen: Instant = ""
    who: Words = ()  # of a drift: who is seen to have opened it
    told: bool = False  # of one that is unseen: whether people were told that it lasts
    before: str = ""
    since: Instant = ""
    by: str = ""
    why: str = ""

    @classmethod
    def drifted(cls, body: HoldDrifted, at: Instant = "", seq: int = 0) -> HoldEvent:
        """It serves again."""
        return cls("drifted", body["target"], body["op"], at, seq, body["seen"], body["last_seen"], body.get("who", ()))

    @classmethod
    def unseen(cls, body: HoldUnseen, at: Instant = "", seq: int = 0) -> HoldEvent:
        """Nothing shows whether it is closed."""
        return cls(
            "unseen", body["target"], body["op"], at, seq, body["seen"], body["last_seen"], told=body["told"]
        )  # fmt: skip

    @classmethod
    def held(cls, body: HoldSeen, at: Instant = "", seq: int = 0) -> HoldEvent:
        """It is closed."""
        return cls(
            "held", body["target"], body["op"], at, seq, body["seen"], before=body["before"], since=body["since"]
        )

    @classmethod
    def ended(cls, body: HoldEnded, at: Instant = "", seq: int = 0) -> HoldEvent:
        """It is not kept closed any more."""
        return cls(
            "ended", body["target"], body["op"], at, seq, by=body.get("by", ""), why=body.get("why", "")
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Again:
    """One more closing of a held target, or its opening after the incident; `by` is empty where nobody ordered it."""

    op: str
    verb: str
    number: int
    at: Instant
    by: str


@dataclass(frozen=True, slots=True)
class Order:
    """What a person decided about a held target: the choice of a task."""

    do: str
    by: str
    why: str
    at: Instant


@dataclass(frozen=True, slots=True)
class HoldRecord:
    """A target that is kept closed: since when and by which operation, how it stands, and what was done about it."""

    target: str
    op: str
    since: Instant
    seq: int
    seen_at: Instant  # when it was seen closed for the last time
    recorded_at: Instant  # when that was written down for the last time
    state: HoldState = "held"
    every: int = EVERY  # seconds
    on_drift: str = "ask"
    again_per_hour: int = AGAIN_PER_HOUR
    drifts: tuple[HoldEvent, ...] = ()
    agains: tuple[Again, ...] = ()
    unseen_since: Instant | None = None
    unseen_told: bool = False  # whether people know that it cannot be seen
    order: Order | None = None


def in_words(event: HoldEvent) -> tuple[str, str]:
    """A written look as a sentence, and what was seen."""
    target = event.target
    match event.what:
        case "drifted":
            who = f"; who did it: {'; '.join(event.who) if event.who else 'the state does not tell'}"
            said = f"{target} is not kept closed any more (last confirmed closed at {event.last_seen})"
            return said, event.seen + who
        case "unseen":
            lasting = ", still" if event.told else ""
            said = f"Not known{lasting} whether {target} is closed (last confirmed closed at {event.last_seen})"
            return said, event.seen
        case "held":
            again = " again" if event.before in ("drifted", "unseen") else ""
            return f"Looked: {target} is closed{again}", f"{event.seen}; held since {event.since}"
        case "ended":
            by = f", says {event.by}" if event.by else ""
            return f"{target} is not held closed any more{by}", event.why
