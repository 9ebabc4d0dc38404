"""How much of one kind of work is done at once, for one person and for all: printing, searching, taking in pieces.

Decides that whoever came first is served first, that nobody holds more than a few places, waiting ones included, and
that more than that is refused at once with the time after which to ask again. Leaves which work is so bounded to the
routes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from firedoor.core.problems import FiredoorError, Problem


class TooMany(FiredoorError):
    """There is too much of this kind of work already: ask again after `seconds`."""

    exit_code = 3
    http_status = 429

    def __init__(self, problem: Problem, seconds: int) -> None:
        super().__init__(problem)
        self.seconds = seconds


@dataclass
class Slots:
    """One kind of work. `at_once` of it is done at a time, `each` may one person have, `most` may be there in all."""

    what: str
    at_once: int
    each: int
    most: int
    seconds: int = 5  # after which to ask again
    _places: asyncio.Semaphore = field(init=False)
    _held: Counter[str] = field(init=False, default_factory=Counter)

    def __post_init__(self) -> None:
        """Asyncio serves those who wait in the order in which they came."""
        self._places = asyncio.Semaphore(self.at_once)

    @contextlib.asynccontextmanager
    async def place(self, person: str) -> AsyncIterator[None]:
        """Wait for a place and hold it. Raises TooMany where this person, or all together, have too many."""
        if self._held[person] >= self.each:
            raise self._refusal(f"{person} has {self.each} of them already", "wait until one of them is done")
        if self._held.total() >= self.most:
            raise self._refusal(f"{self.most} are waiting already", f"try again in {self.seconds} seconds")
        self._held[person] += 1
        try:
            async with self._places:
                yield
        finally:
            self._held[person] -= 1
            self._held += Counter()  # forgets whoever holds none

    def _refusal(self, why: str, do: str) -> TooMany:
        return TooMany(Problem(code="W129", message=f"too many {self.what} at once: {why}", do=do), self.seconds)


@dataclass
class Places:
    """The bounded kinds of work of one process."""

    papers: Slots = field(default_factory=lambda: Slots("documents", at_once=2, each=2, most=20, seconds=10))
    searches: Slots = field(default_factory=lambda: Slots("searches", at_once=4, each=4, most=100, seconds=2))
    uploads: Slots = field(default_factory=lambda: Slots("uploads", at_once=16, each=4, most=32, seconds=10))

    @contextlib.asynccontextmanager
    async def looking(self, person: str, words: str) -> AsyncIterator[None]:
        """Hold a place for a search; a list without words to look for needs none."""
        async with self.searches.place(person) if words.strip() else contextlib.nullcontext():
            yield
