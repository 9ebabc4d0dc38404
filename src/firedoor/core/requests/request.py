"""One request of a person: to remove content, a complaint about it, or a right that they use.

Decides what is known of a request, which fact carries its arrival, and when a request that had lacked
something was complete. Leaves how the journal builds it to `view_requests`, what each law says of it to `requests`,
and what people may do to it to `request_actions`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from firedoor.core.canonical import digest
from firedoor.core.person import Identity
from firedoor.core.ternary import Ternary


class RequestKind(StrEnum):
    """What the person asks for."""

    REMOVAL = "removal"
    COMPLAINT = "complaint"
    RIGHTS = "rights"
    APPEAL = "appeal"  # of whoever posted what was restricted


class Outcome(StrEnum):
    """What a request came to."""

    REMOVED = "removed"  # or done as asked
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Ground(StrEnum):
    """On which ground a request was refused: the words of a report over a year, beside the reasons for the person."""

    INCOMPLETE = "incomplete"  # what the law asks for was not sent, though it was asked for
    NOT_FOUND = "not_found"  # the content is not at the place, nor found by its hash
    NOT_OURS = "not_ours"  # it is on another service
    NOT_COVERED = "not_covered"  # it is nothing that the law covers
    CONSENT = "consent"  # the person shown had agreed
    LAWFUL = "lawful"  # it may stand, such as reporting of public interest
    BAD_FAITH = "bad_faith"  # the request is an abuse of the procedure


class LetterKind(StrEnum):
    """What was written to the person."""

    ACKNOWLEDGEMENT = "acknowledgement"
    QUESTION = "question"  # for what the request lacks
    ANSWER = "answer"


DISPUTED = ", disputed"  # behind the number of a request: the reference of a complaint about its answer
# The fact that carries the arrival of the incident's own request of a kind; each law's trigger names one of them.
ARRIVES: Mapping[RequestKind, str] = {
    RequestKind.REMOVAL: "request_received_at",
    RequestKind.COMPLAINT: "complaint_received_at",
    RequestKind.RIGHTS: "rights_request_received_at",
    RequestKind.APPEAL: "appeal_received_at",
}
# A complaint may be the same letter as the request to remove: within one incident's own facts they are one request.
ABOUT_CONTENT = frozenset((RequestKind.REMOVAL, RequestKind.COMPLAINT))


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter to the person that somebody says was sent: by which channel, and its reference."""

    kind: LetterKind
    at: datetime
    by: str
    reference: str


@dataclass(frozen=True, slots=True)
class Closing:
    """How a request was answered, by whom, and why."""

    outcome: Outcome
    at: datetime
    by: str
    why: str
    reference: str = ""
    by_id: str = ""
    ground: str = ""
    first: Identity | None = None  # who had proposed it, where two people decided

    @property
    def deciders(self) -> tuple[Identity, ...]:
        """Everybody who decided it."""
        return (*((self.first,) if self.first else ()), Identity(self.by, self.by_id))


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What the person took back, when, and their words; without places all of the request."""

    at: datetime
    places: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class RemovalRequest:
    """One request. `elements` holds what is known of its contents; what nobody looked at is not in it.

    `completed` says when an element came that had been known to be missing. `own` is the request that the incident's
    facts are about. `sender` and `key` recognise a second delivery; the person's name and contact are sealed.
    """

    id: str
    number: int
    kind: RequestKind
    received_at: datetime
    noted_at: datetime  # when we had it; it was received then at the latest
    told_by: str
    elements: Mapping[str, Ternary] = field(default_factory=dict)
    completed: Mapping[str, datetime] = field(default_factory=dict)
    requester: str = ""
    requester_contact: str = ""
    reference: str = ""
    locators: tuple[str, ...] = ()
    sender: str = ""
    key: str = ""
    copies: tuple[datetime, ...] = ()
    letters: tuple[Letter, ...] = ()
    withdrawals: tuple[Withdrawal, ...] = ()
    closing: Closing | None = None
    proposed: Closing | None = None  # a refusal that waits for a second person
    own: bool = False
    why: str = ""  # the words with which somebody registered it by hand

    @property
    def name(self) -> str:
        """How people call it."""
        return f"R{self.number}"

    @property
    def open(self) -> bool:
        """Whether it waits for an answer."""
        return self.closing is None

    @property
    def disputes(self) -> bool:
        """Whether it is a complaint about the answer to another request."""
        return self.kind is RequestKind.COMPLAINT and self.reference.endswith(DISPUTED)

    def complete_since(self, names: Iterable[str]) -> datetime | None:
        """When the last of these elements came that had been missing; None where none had been."""
        return max((self.completed[name] for name in names if name in self.completed), default=None)


def person_key(requester: str) -> str:
    """What recognises the same person again, however the name is written; "" for nobody. SHA-256, hexadecimal."""
    plain = " ".join(unicodedata.normalize("NFKC", requester).casefold().split())
    return digest(["requester", plain]) if plain else ""


def content_key(kind: str, locators: Iterable[str]) -> str:
    """What recognises the same content again; "" where no place is named."""
    places = sorted({place.strip() for place in locators if place.strip()})
    return digest(["content", kind, places]) if places else ""
