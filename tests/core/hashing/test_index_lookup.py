"""Stored content beside banks: which entry it lies near, turned in which way, and whether that proves anything."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from tests.support import drawn

from firedoor.core.alerts.matching import Review, TrustedBank
from firedoor.core.hashing.bank import Bank, updated
from firedoor.core.hashing.entry import Batch, Entry
from firedoor.core.hashing.index import PdqIndex
from firedoor.core.hashing.lookup import NOT_FOUND, Hashed, Lookup
from firedoor.core.hashing.pdq import pdq

NOW = datetime(2026, 11, 30, tzinfo=UTC)
FILE = "ab" * 32


def hashed(picture: drawn.Picture, sha256: str = "00" * 32) -> Hashed:
    """A stored picture."""
    made = pdq(np.asarray(picture))
    return Hashed("s3://b/k", sha256, 9, made.hash, made.quality, made.dihedral)


def lookup(*entries: Entry, trusted: bool = True) -> Lookup:
    """One bank that lists them."""
    bank = updated(Bank("B", TrustedBank("B") if trusted else None), Batch("B", entries), NOW)
    return Lookup([bank], PdqIndex())


def listed(picture: drawn.Picture, **more: object) -> Entry:
    """An entry for a picture, which somebody has reviewed."""
    return Entry("pdq", pdq(np.asarray(picture)).hash, "c", review=Review.MANUAL, **more)


@pytest.mark.parametrize(
    ("change", "turns"),
    [("as it is", {"original"}), ("mirror", {"mirrored_y"}), ("flip", {"mirrored_x"}), ("rotated 180", {"rotated_180"}),
     ("rotated 90", {"rotated_90", "rotated_270"})],
)  # fmt: skip
def test_a_match_says_how_the_picture_was_turned(change: str, turns: set[str]) -> None:
    """With its distance, and as good as proof where the bank is trusted and the entry reviewed."""
    (hit,) = lookup(listed(drawn.drawn(1))).hits(hashed(drawn.CHANGES[change](drawn.drawn(1))))
    assert hit.turn in turns
    assert hit.distance <= 31
    assert (hit.why_no_proof, hit.record()["proof"]) == ("", True)


def test_the_same_file_is_found_by_its_digest_even_where_it_is_no_picture() -> None:
    """And once, when both hashes are listed for it."""
    video = Hashed("a.mp4", FILE, 9)
    entry = Entry("sha256", FILE, "c", review=Review.MANUAL)
    (hit,) = lookup(entry).hits(video)
    assert (hit.distance, hit.why_no_proof) == (0, "")
    both = lookup(entry, listed(drawn.drawn(1))).hits(hashed(drawn.drawn(1), FILE))
    assert [one.entry.algorithm for one in both] == ["pdq", "sha256"]


def test_a_match_that_proves_nothing_says_why() -> None:
    """A poor picture, a bank without trust."""
    poor = hashed(drawn.drawn(1))
    poor = Hashed(poor.locator, poor.sha256, 9, poor.pdq, 20, poor.dihedral)
    (hit,) = lookup(listed(drawn.drawn(1))).hits(poor)
    assert "quality of the hash is 20" in hit.why_no_proof
    (hit,) = lookup(listed(drawn.drawn(1)), trusted=False).hits(hashed(drawn.drawn(1)))
    assert "not among the trusted" in hit.why_no_proof


def test_a_crop_is_not_found_and_the_answer_says_so() -> None:
    """What no search of this kind finds is named first among what is not found."""
    assert lookup(listed(drawn.drawn(1))).hits(hashed(drawn.CHANGES["crop 0.3"](drawn.drawn(1)))) == []
    assert "cropped" in NOT_FOUND[0]


def test_content_without_a_picture_matches_no_picture() -> None:
    """An empty digest matches nothing either."""
    assert lookup(listed(drawn.drawn(1)), Entry("sha256", FILE)).hits(Hashed("x")) == []
