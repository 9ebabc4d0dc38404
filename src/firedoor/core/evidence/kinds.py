"""The kinds of evidence: who may read each, and in which incidents bytes are kept at all.

Decides by one table, so that a kind without a rule cannot be written down, and that incidents about people's images
keep no bytes from outside unless their playbook says otherwise. Leaves sealing single facts to `sealing`, who has which
role to the interfaces, and what bytes are to `content`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum

from firedoor.core.content import ContentVerdict
from firedoor.core.journal import Body
from firedoor.core.lifecycle import IncidentType


class EvidenceKind(StrEnum):
    """What a piece is. The values stand in the journal."""

    ADDED = "added"
    POINTER = "pointer"
    ARTEFACT = "artefact"
    STATE = "state"
    ALERT = "alert"
    LOCATORS = "locators"
    EXAMINATION = "examination"
    PEOPLE = "people"
    REQUEST = "request"
    DRAFT = "draft"
    NOTICE_EDITED = "notice-edited"
    NOTICE_APPROVED = "notice-approved"
    NOTICE_SENT = "notice-sent"
    NOTICE_RECEIPT = "notice-receipt"


class Reader(StrEnum):
    """Who reads the content of a piece. The list of pieces, with names and digests, is for every reader."""

    WORKING = "working"  # whoever works on the incident; where it holds sealed facts, only who may know those
    UNSEALED = "unsealed"  # only who may know sealed facts; it leaves in no export


READERS: Mapping[EvidenceKind, Reader] = {
    EvidenceKind.ADDED: Reader.WORKING,
    EvidenceKind.POINTER: Reader.WORKING,
    EvidenceKind.ARTEFACT: Reader.WORKING,
    EvidenceKind.STATE: Reader.WORKING,
    EvidenceKind.ALERT: Reader.WORKING,
    EvidenceKind.LOCATORS: Reader.WORKING,
    EvidenceKind.EXAMINATION: Reader.WORKING,
    EvidenceKind.PEOPLE: Reader.UNSEALED,
    EvidenceKind.REQUEST: Reader.WORKING,
    EvidenceKind.DRAFT: Reader.WORKING,
    EvidenceKind.NOTICE_EDITED: Reader.WORKING,
    EvidenceKind.NOTICE_APPROVED: Reader.WORKING,
    EvidenceKind.NOTICE_SENT: Reader.WORKING,
    EvidenceKind.NOTICE_RECEIPT: Reader.WORKING,
}
OLD_LISTS = "examination: consent of "  # reports of earlier versions, which named people
NO_BYTES = frozenset((IncidentType.NONCONSENSUAL_GENERATION,))
VISUAL = ("image/", "video/", "audio/")
WHY_NO_BYTES = "this incident keeps no bytes: it is about images of people"


def reader_of(piece: Mapping[str, object]) -> Reader:
    """Who reads a piece, by its entry in the journal. A kind that is not known is read by the fewest."""
    kind, name = str(piece.get("kind") or ""), str(piece.get("name", ""))
    if name.startswith(OLD_LISTS) and not kind:
        return Reader.UNSEALED
    if not kind:  # written by an earlier version, which named no kinds
        return Reader.WORKING
    return READERS[EvidenceKind(kind)] if kind in set(EvidenceKind) else Reader.UNSEALED


def keeps_bytes(incident: IncidentType, said: bool | None) -> bool:  # noqa: FBT001 - what the playbook says, if anything
    """Whether an incident keeps bytes that come from outside: as its playbook says, else by its type."""
    return said if said is not None else incident not in NO_BYTES


def with_incident(
    verdict: ContentVerdict, media_type: str, *, keeps: bool, collected: bytes | None = None
) -> ContentVerdict:
    """The verdict as the incident has it: one that keeps no bytes keeps nothing but structured data of a connector.

    A sender who calls something a picture is believed; that it is none is never taken from a sender.
    """
    if not verdict.keep:
        return verdict
    if media_type.strip().lower().startswith(VISUAL):
        return ContentVerdict(verdict.kind, verdict.what, "it was sent as a picture, a video or sound")
    if keeps or (collected is not None and _is_structured(collected)):
        return verdict
    return ContentVerdict(verdict.kind, verdict.what, WHY_NO_BYTES)


def judged(verdict: ContentVerdict) -> Body:
    """What the journal says of bytes that were not kept; nothing of bytes that were."""
    return {} if verdict.keep else {"content": str(verdict.kind), "what": verdict.what, "refused": verdict.why}


def _is_structured(content: bytes) -> bool:
    """Whether it is one JSON object or array: a state or a configuration, and no log of what people wrote."""
    try:
        return isinstance(json.loads(content), (dict, list))
    except (ValueError, RecursionError):
        return False
