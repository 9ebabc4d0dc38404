"""One detection, as every source tells it: the record that triage and the start rules read.

Decides what is kept of a detection and within which bounds: identifiers, counts, hashes and
locators, never the text, image or prompt that was detected. Decides when two deliveries are
one detection, and which methods of detection are strong or weak evidence. Leaves reading each
vendor's payload to `alerts`, and what to do about it to `triage`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from firedoor.core.canonical import digest
from firedoor.core.content.locators import Locator
from firedoor.core.facts import Count
from firedoor.core.lifecycle import IncidentType
from firedoor.core.severity import Severity
from firedoor.core.ternary import UNKNOWN, Ternary

MAXIMUM_LABELS = 64
MAXIMUM_NOTES = 20
MAXIMUM_ITEMS = 200  # hashes, locators and findings of one detection; a sender with more sends several


class Strength(StrEnum):
    """How much a method of detection proves by itself."""

    STRONG = "strong"  # a match in a trusted bank of hashes, or a planted canary: hardly ever wrong
    ORDINARY = "ordinary"
    WEAK = "weak"  # a statistical hint; never enough to contain anything without a person


class Method(StrEnum):
    """How it was detected."""

    CANARY = "canary"
    HASH_MATCH = "hash_match"
    CONSENT_AUDIT = "consent_audit"
    OPT_OUT_VIOLATION = "opt_out_violation"
    ACCESS_ANOMALY = "access_anomaly"
    VENDOR_NOTICE = "vendor_notice"
    CONTENT_CLASSIFIER = "content_classifier"
    FACE_MATCH = "face_match"
    PROVENANCE = "provenance"
    REMOVAL_REQUEST = "removal_request"
    PERSONAL_DATA_DETECTOR = "personal_data_detector"
    EXTRACTION_TEST = "extraction_test"
    CROSS_TENANT = "cross_tenant"
    SECRET_EXPOSED = "secret_exposed"  # noqa: S105 - the name of a method, not a secret
    COMPLAINT = "complaint"
    RATE_ANOMALY = "rate_anomaly"
    MEMBERSHIP_INFERENCE = "membership_inference"
    SCORE_DROP = "score_drop"

    @property
    def strength(self) -> Strength:
        """Follows from the method alone: a sender cannot make weak evidence strong by saying so.

        A hash match is ordinary by itself: which bank it is from makes it strong (`Alert.strength`).
        """
        if self is Method.CANARY:
            return Strength.STRONG
        return Strength.WEAK if self in (Method.MEMBERSHIP_INFERENCE, Method.SCORE_DROP) else Strength.ORDINARY


# Characters of each hash in hexadecimal. A fixed form leaves no room for content in the place of a hash.
HASH_LENGTHS: Mapping[str, int] = {
    "md5": 32, "sha1": 40, "sha256": 64, "sha512": 128, "pdq": 64, "phash": 16, "dhash": 16, "photodna": 288,
}  # fmt: skip


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


Instant = Annotated[AwareDatetime, AfterValidator(_utc)]
Name = Annotated[str, Field(min_length=1, max_length=256)]
Label = Annotated[str, Field(max_length=256)]
Note = Annotated[str, Field(max_length=500)]
Word = Annotated[str, Field(min_length=1, max_length=128)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ContentHash(_Record):
    """A cryptographic or perceptual hash of detected content, in lower-case hexadecimal."""

    algorithm: str
    value: str

    @model_validator(mode="after")
    def _fits(self) -> ContentHash:
        length = HASH_LENGTHS.get(self.algorithm)
        if length is None or not re.fullmatch(rf"[0-9a-f]{{{length}}}", self.value):
            raise ValueError("must be a known algorithm and its value in lower-case hexadecimal")
        return self


class Finding(_Record):
    """Where in one output something was found. Offsets count characters of that output, from 0."""

    entity_type: Word
    score: float | None = Field(default=None, ge=0, le=1)
    threshold: float | None = Field(default=None, ge=0, le=1)
    start: int | None = Field(default=None, ge=0)
    end: int | None = Field(default=None, ge=0)


class Alert(_Record):
    """One detection, immutable. None and `unknown` mean that the sender did not say.

    `fingerprint` is the same for every delivery of one detection; `episode` tells one outbreak
    of it from the next (Alertmanager's startsAt). `occurred_at` is in UTC. `confidence` is the
    sender's own, from 0 to 1, that the incident type is right. `subjects` counts people, not findings.
    `notes` is what the reader of the payload wants a person to know. `bank` and `case_status` are of a hash
    match: whose list it is on, and how the case stands there; `review_state` is how far it was reviewed,
    `match_algorithm`, `match_distance` (bits) and `match_quality` (0 to 100) how near the hashes are. `trusted_bank` is
    our own judgement (`banks`), and so are `received_at`, when it came in here, and `ahead_seconds`, by which the
    sender's clock was ahead (`intake`).
    """

    source: Word
    source_id: Name
    fingerprint: str = Field(pattern=r"^[0-9a-f]{64}$")
    episode: str = Field(default="", max_length=128)
    status: Literal["firing", "resolved", "unknown"] = "firing"
    occurred_at: Instant | None = None
    received_at: Instant | None = None
    ahead_seconds: int | None = Field(default=None, ge=0)
    title: str = Field(min_length=1, max_length=200)
    severity: Severity | None = None
    severity_raw: str | None = Field(default=None, max_length=64)
    incident_type: IncidentType | None = None
    confidence: float | None = Field(default=None, ge=0, le=1)
    method: Method | None = None
    detector: Name | None = None
    bank: Name | None = None
    case_status: Word | None = None
    review_state: Word | None = None
    match_algorithm: Word | None = None
    match_distance: int | None = Field(default=None, ge=0, le=4096)
    match_quality: int | None = Field(default=None, ge=0, le=100)
    trusted_bank: bool = False
    score: float | None = None
    threshold: float | None = None
    model: Name | None = None
    dataset: Name | None = None
    endpoint: Name | None = None
    subjects: Count | None = None
    possible_minor: Ternary = UNKNOWN
    occurrences: int | None = Field(default=None, ge=0)
    distinct_values: int | None = Field(default=None, ge=0)
    data_categories: tuple[Word, ...] = Field(default=(), max_length=MAXIMUM_ITEMS)
    entity_types: tuple[Word, ...] = Field(default=(), max_length=MAXIMUM_ITEMS)
    findings: tuple[Finding, ...] = Field(default=(), max_length=MAXIMUM_ITEMS)
    content_hashes: tuple[ContentHash, ...] = Field(default=(), max_length=MAXIMUM_ITEMS)
    locators: tuple[Locator, ...] = Field(default=(), max_length=MAXIMUM_ITEMS)
    labels: dict[Word, Label] = Field(default_factory=dict, max_length=MAXIMUM_LABELS)
    notes: tuple[Note, ...] = Field(default=(), max_length=MAXIMUM_NOTES)
    raw_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")

    @property
    def strength(self) -> Strength:
        """How much the detection proves by itself; without a method it is ordinary."""
        if self.method is Method.HASH_MATCH and self.trusted_bank:
            return Strength.STRONG
        return self.method.strength if self.method else Strength.ORDINARY

    @property
    def stored_episode(self) -> str:
        """The episode that is stored: the end of one is a delivery of its own: it is recorded, and closes nothing."""
        return f"{self.episode}{'#resolved' if self.status == 'resolved' else ''}"

    @property
    def detection_key(self) -> str:
        """Equal for all deliveries of one episode, firing or resolved. SHA-256, hexadecimal: fit for a unique index."""
        return digest([self.source, self.fingerprint, self.episode])

    @property
    def content(self) -> str:
        """Equal for true copies of a delivery; another severity, count, target or person makes it another. SHA-256."""
        return digest(_without_floats(self.model_dump(mode="json", include=_CONTENT)))

    @property
    def changed_episode(self) -> str:
        """As what a delivery is stored that says something else than the first one of its episode did."""
        return f"{self.stored_episode}#{self.content[:16]}"

    def record(self) -> dict[str, object]:
        """Return the JSON form for the journal, fractions as text; `Alert.model_validate` reads it back."""
        return {name: _without_floats(value) for name, value in self.model_dump(mode="json").items()}


# What a delivery says of its detection. Titles, labels, notes and times may differ between copies of one delivery.
_CONTENT = {
    "status", "severity", "incident_type", "confidence", "method", "bank", "case_status", "score", "threshold", "model",
    "dataset", "endpoint", "subjects", "possible_minor", "occurrences", "distinct_values", "data_categories",
    "entity_types", "content_hashes", "locators", "review_state", "match_algorithm", "match_distance", "match_quality",
}  # fmt: skip


def _without_floats(value: object) -> object:
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, dict):
        return {name: _without_floats(inner) for name, inner in value.items()}
    return [_without_floats(inner) for inner in value] if isinstance(value, list) else value


# Words that monitoring systems use for the five steps. Numbers and "sev" scales are absent: some count up, some down.
_WORDS: Mapping[Severity, tuple[str, ...]] = {
    Severity.INFO: ("info", "informational", "information", "notice", "none", "debug", "p5"),
    Severity.LOW: ("low", "minor", "p4"),
    Severity.MEDIUM: ("medium", "moderate", "warning", "warn", "p3"),
    Severity.HIGH: ("high", "major", "error", "p2"),
    Severity.CRITICAL: ("critical", "crit", "fatal", "emergency", "page", "p1"),
}


def severity_of(word: str) -> Severity | None:
    """Read a vendor's word for a severity; None when it is not one that every vendor means alike."""
    lowered = word.strip().lower()
    return next((severity for severity, words in _WORDS.items() if lowered in words), None)
