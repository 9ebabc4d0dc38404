"""Bodies of entries about evidence, and about targets that are held closed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NotRequired

from typing_extensions import TypedDict

from firedoor.core.entries.base import EntryBody, Instant, Words


class NamedHash(TypedDict):
    """A hash of content that is not kept: which kind it is, and its hexadecimal digits."""

    algorithm: str
    value: str


class EvidenceKept(EntryBody):
    """A piece under custody: bytes in the vault, or its digest and where it is (`mode`)."""

    op: str | None
    name: str
    sha256: str
    size: int
    mode: str
    source: NotRequired[str]
    media_type: NotRequired[str]
    taken_at: NotRequired[Instant]
    kind: NotRequired[str]
    missing: NotRequired[Words]
    clock: NotRequired[str]
    language: NotRequired[str]
    why: NotRequired[str]
    by: NotRequired[str]
    base: NotRequired[str]
    rendered: NotRequired[str]
    diff: NotRequired[str]
    role: NotRequired[str]
    of: NotRequired[str]
    version: NotRequired[str]
    number: NotRequired[int | None]
    stated: NotRequired[bool | None]
    says: NotRequired[str]
    content: NotRequired[str]
    what: NotRequired[str]
    refused: NotRequired[str]
    content_hashes: NotRequired[Sequence[NamedHash]]
    channel: NotRequired[str]
    sent_at: NotRequired[Instant]
    reference: NotRequired[str]
    took: NotRequired[Words]
    left: NotRequired[Words]


class EvidenceTouched(EntryBody):
    """Somebody read, exported, held or released a piece, or all of them."""

    action: str
    by: str
    sha256: NotRequired[str]
    name: NotRequired[str]
    why: NotRequired[str]


class LegalHold(EvidenceTouched):
    """A legal hold on the whole incident, as the incident has it."""

    at: Instant


class PieceKept(EvidenceKept):
    """A piece as the incident has it: what its entry says, when and by whom it was kept, and in which entry."""

    kept_at: Instant
    kept_by: str
    seq: int


class HoldSeen(EntryBody):
    """A held target was looked at and is closed; not every look is written."""

    target: str
    op: str
    seen: str
    before: str
    since: Instant


class HoldDrifted(EntryBody):
    """A held target serves again: how it was seen, when it was last seen closed, and who may have opened it."""

    target: str
    op: str
    number: int
    seen: str
    last_seen: Instant
    who: Words
    on_drift: str


class HoldUnseen(EntryBody):
    """Nothing shows whether it is still closed."""

    target: str
    op: str
    seen: str
    last_seen: Instant
    told: bool


class HoldEnded(EntryBody):
    """It is kept closed no longer."""

    target: str
    op: str
    by: str
    why: str
