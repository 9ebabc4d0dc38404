"""Bodies of entries about evidence, and about targets that are held closed."""

from __future__ import annotations

from typing import Any

from firedoor.core.entries.base import EntryBody, Instant, Words


class EvidenceKept(EntryBody):
    """A piece under custody: bytes in the vault, or its digest and where it is (`mode`)."""

    op: str | None
    name: str
    sha256: str
    size: int
    mode: str
    source: str = ""
    media_type: str = ""
    taken_at: Instant = ""
    kind: str = ""
    missing: Words = ()
    clock: str = ""
    language: str = ""
    why: str = ""
    by: str = ""
    base: str = ""
    rendered: str = ""
    diff: str = ""
    role: str = ""
    of: str = ""
    version: str = ""
    number: int | None = None
    stated: bool | None = None
    says: str = ""
    content: str = ""
    what: str = ""
    refused: str = ""
    content_hashes: tuple[Any, ...] = ()
    took: tuple[Any, ...] = ()
    left: tuple[Any, ...] = ()


class EvidenceTouched(EntryBody):
    """Somebody read, exported, held or released a piece, or all of them."""

    action: str
    by: str
    sha256: str = ""
    name: str = ""
    why: str = ""


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
    who: tuple[Any, ...]
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
