"""One copy of content: where it is, how it was found, and how far its removal has come.

Decides the states that a copy can be in and what each means: which are to be removed, which wait for a person, which
keep the removal open. Leaves how the journal builds copies to `view_copies`, and finding and removing to the runtime.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class CopyState(StrEnum):
    """How far the removal of one copy has come."""

    FOUND = "found"  # identical, or named in a request: removed once somebody has approved
    CANDIDATE = "candidate"  # looks alike by a perceptual hash: a person says whether it is the same
    ASKED = "removal_asked"  # approved; the store has not confirmed it
    REMOVED = "removed"  # the store says so; nobody has looked from outside yet
    GONE = "gone"  # proved from outside
    HIDDEN = "hidden"  # a stranger is refused, and the store does not count that as gone
    SERVING = "serving"  # looked at from outside after its removal: it is still there
    BACK = "back"  # was proved gone, and is there again
    UNSEEN = "unseen"  # nothing shows from outside whether it is gone
    NOT_OURS = "not_the_same"  # a person said that it is something else
    ELSEWHERE = "elsewhere"  # an address outside this store: it cannot be removed here
    BY_HAND = "removed_by_hand"  # a person says that it is gone, where nobody can look


class How(StrEnum):
    """How a copy was found."""

    NAMED = "named"  # in a request, an alert or a fact
    SAME_FILE = "same_file"  # an equal digest of the whole file
    NEAR = "near"  # a perceptual hash within the distance
    UPLOAD = "test_upload"  # our own drawn picture, which an upload let through


REMOVE = frozenset((CopyState.FOUND,))  # what an approval covers
APPROVED = frozenset((CopyState.ASKED, CopyState.SERVING, CopyState.BACK))  # removed again without asking
LOOK = frozenset((
    CopyState.ASKED, CopyState.REMOVED, CopyState.GONE, CopyState.HIDDEN, CopyState.SERVING, CopyState.BACK,
    CopyState.UNSEEN, CopyState.FOUND,
))  # fmt: skip
CLOSED = frozenset((CopyState.GONE, CopyState.NOT_OURS, CopyState.ELSEWHERE, CopyState.BY_HAND))

WORDS: Mapping[CopyState, str] = {
    CopyState.FOUND: "found, not removed yet",
    CopyState.CANDIDATE: "looks alike; a person has to say whether it is the same",
    CopyState.ASKED: "removal approved, not confirmed by the store",
    CopyState.REMOVED: "removed, not yet looked at from outside",
    CopyState.GONE: "gone, seen from outside",
    CopyState.HIDDEN: "hidden from strangers, not gone",
    CopyState.SERVING: "still there after its removal",
    CopyState.BACK: "was gone and is there again",
    CopyState.UNSEEN: "removed; nothing shows from outside whether it is gone",
    CopyState.NOT_OURS: "not the same content",
    CopyState.ELSEWHERE: "not in this store; it cannot be removed here",
    CopyState.BY_HAND: "removed by hand",
}
HOW_WORDS: Mapping[How, str] = {
    How.NAMED: "named in a request", How.SAME_FILE: "identical file", How.NEAR: "similar picture",
    How.UPLOAD: "test picture of ours",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a copy's story. `by` is empty where no person acted."""

    state: CopyState
    at: datetime
    by: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy. `locator` is its name within the store; `distance` in bits of 256, None where no PDQ hash was compared.

    `undo` is what the store gave back for putting it back. `story` holds every change, oldest first.
    """

    id: str
    number: int
    store: str
    locator: str
    how: How
    state: CopyState
    distance: int | None = None
    quality: int | None = None
    story: tuple[Step, ...] = ()
    undo: str = ""

    @property
    def name(self) -> str:
        """How people call it."""
        return f"C{self.number}"

    @property
    def open(self) -> bool:
        """Whether it keeps the removal open."""
        return self.state not in CLOSED

    def since(self, state: CopyState) -> datetime | None:
        """When it last came into a state; None where it never was in it."""
        return next((step.at for step in reversed(self.story) if step.state is state), None)


def copy_id(store: str, locator: str) -> str:
    """What recognises the same copy again: a digest of where it is."""
    return hashlib.sha256(f"firedoor.copy.v1\n{store}\n{locator}".encode()).hexdigest()[:32]


def of_store(copies: Iterable[Copy], store: str) -> list[Copy]:
    """The copies of one store."""
    return [one for one in copies if one.store == store]
