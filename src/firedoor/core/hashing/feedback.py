"""What a platform tells a bank about an entry that matched: right, wrong, or removed; as drafts in the bank's own form.

Decides the words of each bank for a verdict. Sends nothing: a draft is a value that a journal can hold, without the
picture and without where it was, and a named person has to send it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from xml.sax.saxutils import escape

from firedoor.core.hashing.entry import Entry
from firedoor.core.json_types import JsonObject
from firedoor.core.problems import InvalidInput, Problem

NCMEC_NAMES = "https://hashsharing.ncmec.org/hashsharing/v2"


class Verdict(StrEnum):
    """What a person found who looked at a match, or what followed."""

    TRUE = "true"  # it is what the bank is for
    FALSE = "false"  # it is not
    REMOVED = "removed"  # it was, and every copy that was found is gone


@dataclass(frozen=True, slots=True)
class Feedback:
    """One verdict of a named person on an entry."""

    entry: Entry
    verdict: Verdict
    by: str
    at: datetime
    why: str

    def record(self) -> JsonObject:
        """As a journal holds it."""
        return {
            "algorithm": self.entry.algorithm, "value": self.entry.value, "case": self.entry.case,
            "bank": self.entry.source, "verdict": self.verdict.value, "by": self.by, "at": self.at.isoformat(),
            "why": self.why,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Draft:
    """What would be sent: below which path of the bank, in which form."""

    path: str
    media_type: str
    body: str


def stopncii(given: Sequence[Feedback]) -> Draft:
    """One body for all, as SubmitFeedback takes it."""
    words = {Verdict.TRUE: "Blocked", Verdict.FALSE: "NotBlocked", Verdict.REMOVED: "Blocked"}
    said = [
        {
            "hashValue": one.entry.value,
            "feedbackValue": words[one.verdict],
            "tags": ["removed"] if one.verdict is Verdict.REMOVED else [],
        }
        for one in given
    ]
    return Draft("SubmitFeedback", "application/json", json.dumps({"count": len(said), "hashFeedbacks": said}))


def ncmec(given: Feedback, reason: str = "") -> Draft:
    """A vote on one fingerprint. A negative one needs the `reason` by its GUID, from NCMEC's own list of reasons.

    Raises InvalidInput for an entry whose case is not MEMBER/ENTRY, and for a negative vote without a reason.
    """
    member, between, entry = given.entry.case.partition("/")
    if not (member and between and entry):
        raise InvalidInput(_problem("the entry has no member and number of NCMEC", "read the bank from NCMEC's file"))
    if given.verdict is Verdict.FALSE and not reason:
        raise InvalidInput(_problem("a negative vote needs a reason", "choose one from NCMEC's list, by its GUID"))
    path = f"v2/entries/{member}/{entry}/{given.entry.algorithm.upper()}/feedback"
    vote = (
        f"<negative><reasonIds><guid>{escape(reason)}</guid></reasonIds></negative>"
        if given.verdict is Verdict.FALSE
        else "<affirmative/>"
    )
    body = f'<feedbackSubmission xmlns="{NCMEC_NAMES}">{vote}</feedbackSubmission>'
    return Draft(path, "application/xml", body)


def threat_exchange(given: Feedback) -> Draft:
    """A reaction to a descriptor, by its number, which is the case."""
    words = {Verdict.TRUE: "HELPFUL", Verdict.FALSE: "DISAGREE_WITH_TAGS", Verdict.REMOVED: "SAW_THIS_TOO"}
    return Draft(given.entry.case, "application/json", json.dumps({"reactions": words[given.verdict]}))


def _problem(message: str, do: str) -> Problem:
    return Problem(code="X203", message=message, do=do)
