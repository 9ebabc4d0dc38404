"""A signed request as a piece under custody: its digest stands beside what was done because of it, never its bytes."""

from __future__ import annotations

from datetime import datetime

from firedoor.core.evidence.kinds import EvidenceKind
from firedoor.core.journal import Body, Draft, Kind
from firedoor.core.tasks.answers import Person

FORM = "application/x-www-form-urlencoded"


def signed_request(digest: str, size: int, why: str, person: Person, now: datetime) -> Draft:
    """The entry. `digest` is the SHA-256 of the bytes that Slack signed, `size` how many they were."""
    body: Body = {
        "op": None, "name": "signed request from Slack", "sha256": digest, "size": size, "source": "Slack",
        "mode": "digest", "media_type": FORM, "taken_at": now.isoformat(), "why": why, "by": person.name,
        "kind": str(EvidenceKind.REQUEST),
    }  # fmt: skip
    return Draft(Kind.EVIDENCE, person.actor, body)
