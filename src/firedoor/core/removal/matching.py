"""What is looked for, and which rows of an index are a copy of it.

Decides that an equal digest of the whole file is the same file, that a PDQ hash within 31 of 256 bits is a candidate
for a person, and that the hashes of content whose place somebody named are looked for as well. Never sees content.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from firedoor.core.hashing.lookup import DISTANCE
from firedoor.core.removal.copy import How

MAXIMUM_COPIES = 5_000  # of one search; more is told, and done in the store's own tools


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for. `locators` are the places that people named, as they named them."""

    sha256: frozenset[str] = frozenset()
    pdq: frozenset[str] = frozenset()
    locators: tuple[str, ...] = ()
    distance: int = DISTANCE


@dataclass(frozen=True, slots=True)
class ContentRow:
    """One row of an index of stored content. What is not known is empty."""

    locator: str
    sha256: str = ""
    pdq: str = ""
    quality: int | None = None
    turns: tuple[str, ...] = ()  # the picture's other PDQ hashes: mirrored, rotated


@dataclass(frozen=True, slots=True)
class Found:
    """A place at which a copy is, or may be."""

    locator: str
    how: How
    distance: int | None = None
    quality: int | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """What a search came to. `looked_at` counts rows; `not_looked` says in words what could not be searched."""

    found: tuple[Found, ...] = ()
    looked_at: int = 0
    not_looked: tuple[str, ...] = ()
    wanted: Wanted = field(default_factory=Wanted)


def search(wanted: Wanted, rows: Callable[[], Iterable[ContentRow]], key_of: Callable[[str], str | None]) -> Search:
    """Look through an index twice: for the hashes of what was named, then for every copy."""
    named = {key for place in wanted.locators if (key := key_of(place))}
    known = [row for row in rows() if named and key_of(row.locator) in named]
    wider = replace(
        wanted,
        sha256=wanted.sha256 | {row.sha256 for row in known if row.sha256},
        pdq=wanted.pdq | {row.pdq for row in known if row.pdq},
    )
    found: list[Found] = []
    count, looked_for = 0, [int(value, 16) for value in sorted(wider.pdq)]
    for row in rows():
        count += 1
        if (one := matched(row, wider, looked_for)) is not None and len(found) <= MAXIMUM_COPIES:
            found.append(one)
    return Search(tuple(found), count, wanted=wider)


def matched(row: ContentRow, wanted: Wanted, looked_for: list[int] | None = None) -> Found | None:
    """How a row is a copy; None where it is none. The same file counts before a similar picture."""
    if row.sha256 and row.sha256.lower() in wanted.sha256:
        return Found(row.locator, How.SAME_FILE, quality=row.quality)
    values = [int(value, 16) for value in sorted(wanted.pdq)] if looked_for is None else looked_for
    own = [int(value, 16) for value in (row.pdq, *row.turns) if value]
    bits = min(((one ^ value).bit_count() for one in own for value in values), default=257)
    return Found(row.locator, How.NEAR, bits, row.quality) if bits <= wanted.distance else None
