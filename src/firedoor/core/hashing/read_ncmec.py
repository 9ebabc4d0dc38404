"""A hash bank as NCMEC's hash-sharing service gives it: `queryResult` in XML, with images and videos.

Decides what its words mean here: a fingerprint is an entry whose case is MEMBER/ID; a `deletedImage` or `deletedVideo`
names no fingerprint, so it takes its whole case out; a member's affirmative vote is a review, a negative one disputes.
The XML is read as a stream, without a tree: no document type and no entity is accepted, nothing outside is asked for,
and depth and length are bounded.

Source: NCMEC Hash Sharing API v2 as python-threatexchange 1.2.17 reads it (`clients/ncmec/hash_api.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from firedoor.core.alerts.matching import Review
from firedoor.core.hashing.entry import Batch, Bounds, Entry, checked, each_row, instant, refused, word

KINDS = {"md5": "md5", "sha1": "sha1", "pdq": "pdq"}
ITEMS = frozenset(("image", "video", "deletedimage", "deletedvideo"))
PART = 256 * 1024  # bytes that are handed to the parser at once
LONGEST_TEXT = 4096  # characters of one element; what is longer is a fingerprint that is not read here


@dataclass(slots=True)
class _Item:
    """An image or a video, as far as it was read."""

    deleted: bool
    member: str = ""
    texts: dict[str, str] = field(default_factory=dict)
    prints: list[tuple[str, str]] = field(default_factory=list)
    votes: set[tuple[str, str]] = field(default_factory=set)  # of a fingerprint, for or against

    @property
    def case(self) -> str:
        """As NCMEC addresses it. Raises ValueError for an item that has no name."""
        if not self.member or not self.texts.get("id"):
            raise ValueError("it has no member or no id")
        return word(f"{self.member}/{self.texts['id']}", "id")


class _Reader:
    """Collects items while the parser goes through the file."""

    def __init__(self, file: str, bounds: Bounds) -> None:
        self.file, self.bounds = file, bounds
        self.path: list[str] = []
        self.items: list[_Item] = []
        self.text = ""
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.StartDoctypeDeclHandler = self._declared
        self.parser.EntityDeclHandler = self._declared

    def read(self, body: bytes) -> list[_Item]:
        try:
            for at in range(0, len(body), PART):
                self.parser.Parse(body[at : at + PART], False)  # noqa: FBT003 - expat takes no names
            self.parser.Parse(b"", True)  # noqa: FBT003
        except expat.ExpatError as error:
            raise refused(self.file, f"line {error.lineno} is no XML", "have the bank send it again") from None
        return self.items

    def _declared(self, *_: object) -> None:
        raise refused(self.file, "it declares a document type or an entity", "have the bank send it without")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2].lower()
        self.path.append(local)
        self.text = ""
        if len(self.path) > self.bounds.depth:
            raise refused(self.file, f"it is over {self.bounds.depth} levels deep", "have the bank send it again")
        if self.path == ["queryresult", self.path[1] if len(self.path) > 1 else "", local] and local in ITEMS:
            self.items.append(_Item(local.startswith("deleted")))
        elif local == "member" and len(self.path) == 4 and self.items:
            self.items[-1].member = attributes.get("id", "")[:LONGEST_TEXT]
        elif local in ("affirmativefeedback", "negativefeedback") and self.items:
            self.items[-1].votes.add((attributes.get("type", "").lower(), local))

    def _characters(self, text: str) -> None:
        if len(self.text) < LONGEST_TEXT:
            self.text += text

    def _end(self, _: str) -> None:
        local, within = self.path.pop(), self.path
        if not self.items or len(within) < 3:
            return
        if within[-1] == "fingerprints":
            self.items[-1].prints.append((local, self.text.strip()))
        elif len(within) == 3:
            self.items[-1].texts[local] = self.text.strip()


def read(body: bytes, file: str, source: str, bounds: Bounds) -> Batch:
    """Read a file. Raises InvalidInput when it is no such file; a wrong item is a problem of the batch."""
    items = _Reader(file, bounds).read(body)
    left_out = Counter(kind for item in items for kind, _ in item.prints if kind not in KINDS)
    gone: list[str] = []
    entries, problems = each_row(file, items, lambda item: _entries(item, source, gone), bounds)
    return Batch(source, tuple(entries), tuple(gone), left_out, tuple(problems))


def _entries(item: _Item, source: str, gone: list[str]) -> Iterator[Entry]:
    changed = instant(item.texts.get("timestamp"))
    if item.deleted:
        gone.append(item.case)
        return
    for kind, raw in item.prints:
        if kind in KINDS:
            algorithm, value, case, _ = checked(KINDS[kind], raw, item.case)
            review = Review.MANUAL if (kind, "affirmativefeedback") in item.votes else Review.UNREVIEWED
            disputed = (kind, "negativefeedback") in item.votes
            yield Entry(algorithm, value, case, review=review, disputed=disputed, changed_at=changed, source=source)
