"""When a match in a list of hashes is as good as proof: every threshold, with its source, in this one file.

Decides how near two hashes must be, how good the hash must be, and how far the entry of the list was reviewed. What is
not known is not enough. Leaves which lists are trusted to the organisation, and what follows from strong evidence to
`brake`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Review(StrEnum):
    """How far an entry of a list was reviewed, weakest first; after the states of Meta's ThreatExchange."""

    UNREVIEWED = "unreviewed"
    PENDING = "pending"
    AUTOMATIC = "automatic"  # REVIEWED_AUTOMATICALLY
    MANUAL = "manual"  # REVIEWED_MANUALLY: somebody looked

    def reaches(self, wanted: Review) -> bool:
        """Whether this is at least as much."""
        states = list(Review)
        return states.index(self) >= states.index(wanted)


REVIEW_WORDS: Mapping[str, Review] = {
    **{one.value: one for one in Review},
    "reviewed_automatically": Review.AUTOMATIC,
    "reviewed_manually": Review.MANUAL,
}


@dataclass(frozen=True, slots=True)
class Threshold:
    """How near a match must be to prove something. `distance` in bits of `bits`, `quality` from 0 to 100.

    None for `distance`: a match of this kind never proves anything by itself. None for `quality`: the kind has none.
    """

    bits: int
    distance: int | None
    quality: int | None
    source: str


THRESHOLDS: Mapping[str, Threshold] = {
    "sha256": Threshold(256, 0, None, "FIPS 180-4: equal digests are equal files"),
    "sha512": Threshold(512, 0, None, "FIPS 180-4: equal digests are equal files"),
    # PDQ's authors: a distance of at most 31 of 256 bits is a match, and hashes with a quality below 50 are not used.
    "pdq": Threshold(
        256, 31, 50, "Meta, 'The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm', 2019"
    ),
    # Whoever puts a file on a list can make a harmless one with the same digest, and so have anything taken down.
    "md5": Threshold(128, None, None, "RFC 6151: collisions are made in seconds"),
    "sha1": Threshold(
        160, None, None, "RFC 6194; Leurent and Peyrin, 'SHA-1 is a Shambles', 2020: chosen prefixes collide"
    ),
    # 64 bits without a measure of quality: every plain picture has the same few hashes.
    "phash": Threshold(64, None, None, "no published measure of quality; plain pictures collide"),
    "dhash": Threshold(64, None, None, "no published measure of quality; plain pictures collide"),
    "photodna": Threshold(1152, None, None, "its distance and its thresholds are not published"),
}
LIVING = frozenset(
    ("", "active")
)  # what a list says of an entry that counts; every other word, and it counts for nothing
LEAST_REVIEW = Review.MANUAL  # unless the organisation says otherwise for a list


@dataclass(frozen=True, slots=True)
class Match:
    """What a sender says about a match; None is not said. `review` is the list's own word about the entry."""

    algorithm: str | None = None
    distance: int | None = None
    quality: int | None = None
    review: str | None = None
    case_status: str | None = None


@dataclass(frozen=True, slots=True)
class TrustedBank:
    """A list of hashes that the organisation trusts, and from which review on. `suspended` says why it is not, now."""

    name: str
    review: Review = LEAST_REVIEW
    suspended: str = ""


def too_far(match: Match) -> str:
    """Why the hashes are not near or not good enough, in words; "" when they are."""
    threshold = THRESHOLDS.get(match.algorithm or "")
    if threshold is None:
        return "the kind of hash that matched is not said"
    if threshold.distance is None:
        return f"a match of {match.algorithm} is no proof ({threshold.source})"
    distance = 0 if threshold.distance == 0 and match.distance is None else match.distance
    if distance is None or distance > threshold.distance:
        said = "not said" if distance is None else f"{distance} bits"
        return f"its distance is {said}; at most {threshold.distance} of {threshold.bits} are near enough"
    if threshold.quality is not None and (match.quality is None or match.quality < threshold.quality):
        said = "not said" if match.quality is None else str(match.quality)
        return f"the quality of the hash is {said}; at least {threshold.quality} is needed"
    return ""


def not_reviewed(match: Match, bank: TrustedBank) -> str:
    """Why the list's entry does not count, in words; "" when it does."""
    if (match.case_status or "").strip().lower() not in LIVING:
        return f"the case is {match.case_status} there"
    review = REVIEW_WORDS.get((match.review or "").strip().lower())
    if review is None or not review.reaches(bank.review):
        said = "not said" if review is None else str(review)
        return f"the review of the entry is {said}; at least {bank.review} is needed"
    return ""
