"""Which stored content is on a hash bank: the same file, or the same picture changed a little, mirrored or rotated.

Decides what is looked up (equal digests; the eight PDQ hashes of a picture within a distance), what a match says, and
what no search of this kind can find, which stands in every answer. Leaves making hashes to the runtime, and what
follows from a match to people and playbooks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from firedoor.core.alerts.matching import THRESHOLDS
from firedoor.core.hashing.bank import Bank
from firedoor.core.hashing.entry import Entry
from firedoor.core.json_types import Json

if TYPE_CHECKING:
    from firedoor.core.hashing.index import PdqIndex

DISTANCE = THRESHOLDS["pdq"].distance or 0
NOT_FOUND = (
    "cropped pictures and collages (a part of a picture has another hash)",
    "pictures with a wide frame, a large caption or a changed background",
    "videos and moving pictures",
    "the same person in another picture",
)


@dataclass(frozen=True, slots=True)
class Hashed:
    """What is known of stored content: where it is, and its hashes. Without `pdq` it is no picture that was read.

    `why` says in a word why there is none; `dihedral` has the hashes of the picture turned, `pdq` itself among them.
    """

    locator: str
    sha256: str = ""
    bytes: int = 0
    pdq: str = ""
    quality: int | None = None
    dihedral: Mapping[str, str] = field(default_factory=dict)
    why: str = ""

    @property
    def turns(self) -> Mapping[str, str]:
        """The hashes to look up, by how the listed picture was turned."""
        return self.dihedral or ({"original": self.pdq} if self.pdq else {})


@dataclass(frozen=True, slots=True)
class Hit:
    """A stored picture near an entry. `turn` says how it was turned; `why_no_proof` is "" for one as good as proof."""

    hashed: Hashed
    bank: str
    entry: Entry
    distance: int
    turn: str
    why_no_proof: str

    def record(self) -> Mapping[str, Json]:
        """As the answer gives it."""
        return {
            "locator": self.hashed.locator, "bank": self.bank, "case": self.entry.case,
            "algorithm": self.entry.algorithm, "value": self.entry.value, "distance": self.distance, "turn": self.turn,
            "quality": self.hashed.quality, "review": self.entry.review.value, "proof": not self.why_no_proof,
            "why_no_proof": self.why_no_proof,
        }  # fmt: skip


class Lookup:
    """Several banks that are searched together. The index holds each PDQ hash of theirs once."""

    def __init__(self, banks: Sequence[Bank], index: PdqIndex) -> None:
        self._entries: dict[tuple[str, str], list[tuple[Bank, Entry]]] = {}
        for bank in banks:
            for key, entries in bank.by_value().items():
                self._entries.setdefault(key, []).extend((bank, entry) for entry in entries)
        self._index = index
        index.add(value for algorithm, value in self._entries if algorithm == "pdq")

    def hits(self, hashed: Hashed, distance: int = DISTANCE) -> list[Hit]:
        """Every entry that some content lies near, each once, by its nearest turn."""
        found: dict[tuple[str, ...], Hit] = {}
        for hit in (*self._same_file(hashed), *self._near(hashed, distance)):
            key = (hit.bank, *hit.entry.key)
            if key not in found or hit.distance < found[key].distance:
                found[key] = hit
        return sorted(found.values(), key=lambda hit: (hit.distance, hit.bank, hit.entry.key))

    def _same_file(self, hashed: Hashed) -> Iterator[Hit]:
        for bank, entry in self._entries.get(("sha256", hashed.sha256), ()):
            yield Hit(hashed, bank.name, entry, 0, "original", bank.why_no_proof(entry, 0, None))

    def _near(self, hashed: Hashed, distance: int) -> Iterator[Hit]:
        for turn, value in hashed.turns.items():
            for near in self._index.search(value, distance):
                for bank, entry in self._entries.get(("pdq", near.value), ()):
                    why = bank.why_no_proof(entry, near.distance, hashed.quality)
                    yield Hit(hashed, bank.name, entry, near.distance, turn, why)
