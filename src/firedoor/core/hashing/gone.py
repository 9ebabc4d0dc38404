"""The proof that a withdrawn hash is nowhere any more: every place is searched, and what was found is named.

Decides what proves it: at least one place was searched, and none of them holds the hash, whoever else lists it. Leaves
what a place is to whoever has one: a bank, an index, a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol


class Searched(Protocol):
    """A place that may hold hashes."""

    @property
    def name(self) -> str:
        """As people call it."""

    def holding(self, algorithm: str, value: str) -> Iterator[str]:
        """Where it holds the hash, in words; nothing where it does not."""


@dataclass(frozen=True, slots=True)
class Absence:
    """What a search for a withdrawn hash came to. The hash itself is not among it."""

    algorithm: str
    searched: tuple[str, ...]
    found: tuple[tuple[str, str], ...]  # the place, and where in it

    @property
    def proved(self) -> bool:
        """Whether it is gone from everywhere that was searched."""
        return bool(self.searched) and not self.found

    @property
    def words(self) -> str:
        """In one sentence."""
        if not self.searched:
            return "No place was searched, so nothing is proved."
        if self.found:
            return "The hash is still there: " + "; ".join(f"{place}, {where}" for place, where in self.found) + "."
        return f"The hash is gone from {', '.join(self.searched)}."


def absence(algorithm: str, value: str, places: Iterable[Searched]) -> Absence:
    """Search all places for a hash that was withdrawn."""
    every = tuple(places)
    found = tuple((place.name, where) for place in every for where in place.holding(algorithm, value))
    return Absence(algorithm, tuple(place.name for place in every), found)
