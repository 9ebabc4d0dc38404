"""An index of PDQ hashes in memory: every hash within a distance, and none left out.

Decides how it is searched. Each hash is cut into bands; two hashes that differ in few bits differ in fewer still in at
least one band (the pigeonhole principle), so only the hashes that are nearly equal in a band are compared as a whole.
Parts hold up to millions, sorted by band; what was added last lies unsorted in a tail and is compared one by one.
Distances beyond what the bands promise are answered by comparing everything: slower, never wrong.
Figures and the choice against faiss: docs/decisions/0012-an-index-of-our-own.md. NumPy comes with the extra `hashing`.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from firedoor.core.hashing.bands import Part, compared, part_of
from firedoor.core.problems import InvalidInput, Problem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from firedoor.core.hashing.bands import Words

TAIL = 100_000  # hashes that are compared one by one, in about a millisecond
_PDQ = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Near:
    """A hash that was found, and in how many of 256 bits it differs."""

    value: str
    distance: int


class PdqIndex:
    """Hashes that can be searched while others are added and withdrawn; readers see the state before or after."""

    name = "the index"

    def __init__(self, values: Iterable[str] = (), tail: int = TAIL) -> None:
        import numpy as np

        self._longest = tail
        self._lock = threading.Lock()  # of writers; a reader takes what is held at once, and it is replaced at once
        self._held: tuple[tuple[Part, ...], Words] = ((), np.empty((0, 4), np.uint64))
        self.add(values)

    def __len__(self) -> int:
        """How many hashes it holds; one that was added twice counts once for each."""
        parts, tail = self._held
        return sum(part.living for part in parts) + len(tail)

    @property
    def memory(self) -> int:
        """Bytes of all tables."""
        parts, tail = self._held
        return sum(part.memory for part in parts) + int(tail.nbytes)

    def add(self, values: Iterable[str]) -> None:
        """Add hashes in hexadecimal. Raises InvalidInput for what is no PDQ hash, and adds none then."""
        import numpy as np

        digits = "".join(_checked(value) for value in values)
        self.add_packed(np.frombuffer(bytes.fromhex(digits), np.uint8).reshape(-1, 32))

    def add_packed(self, hashes: NDArray[np.uint8]) -> None:
        """Add rows of 32 bytes."""
        import numpy as np

        with self._lock:
            parts, tail = self._held
            tail = np.concatenate((tail, np.ascontiguousarray(hashes).view(np.uint64).reshape(-1, 4)))
            self._held = (parts, tail) if len(tail) <= self._longest else (_with(parts, tail), tail[:0].copy())

    def withdraw(self, value: str) -> int:
        """Take a hash out, wherever it stands, and return how often it stood there. Its bytes are overwritten."""
        with self._lock:
            wanted = _words(value)
            parts, tail = self._held
            keep = compared(tail, wanted) > 0
            self._held = (parts, tail[keep])
            tail[~keep] = 0
            return int(len(keep) - keep.sum()) + sum(part.withdraw(wanted) for part in parts)

    def compact(self) -> None:
        """Rebuild without what was withdrawn, of which the sorted bands still hold the order."""
        import numpy as np

        with self._lock:
            parts, tail = self._held
            whole = np.concatenate([*(part.kept() for part in parts), tail])
            self._held = ((part_of(whole),) if len(whole) else (), whole[:0].copy())

    def search(self, value: str, distance: int = 31) -> list[Near]:
        """Every hash within a distance, nearest first. Raises InvalidInput for what is no PDQ hash."""
        import numpy as np

        wanted = _words(value)
        parts, tail = self._held
        bits = compared(tail, wanted)
        found = [(tail[bits <= distance], bits[bits <= distance])]
        found.extend(part.search(wanted, distance) for part in parts)
        rows, far = (np.concatenate(side) for side in zip(*found, strict=True))
        nearest = {row.tobytes().hex(): int(bit) for row, bit in zip(rows, far, strict=True)}
        return sorted((Near(one, bit) for one, bit in nearest.items()), key=lambda near: (near.distance, near.value))

    def values(self) -> Iterator[str]:
        """Every hash that it holds, in hexadecimal: for a proof that looks at all of them."""
        parts, tail = self._held
        for words in (*(part.kept() for part in parts), tail):
            for row in words:
                yield row.tobytes().hex()

    def holding(self, algorithm: str, value: str) -> Iterator[str]:
        """Where a hash stands here, for the proof that it is gone."""
        if algorithm == "pdq" and self.search(value, 0):
            yield "found at distance 0"


def _with(parts: Sequence[Part], words: Words) -> tuple[Part, ...]:
    """The parts with one more. It swallows those that are no larger, so that there are few and each is built rarely."""
    import numpy as np

    kept = list(parts)
    while kept and kept[-1].living <= len(words):
        words = np.concatenate((kept.pop().kept(), words))
    return (*kept, part_of(words))


def _words(value: str) -> Words:
    import numpy as np

    return np.frombuffer(bytes.fromhex(_checked(value)), np.uint64)


def _checked(value: str) -> str:
    lower = value.lower()
    if not _PDQ.fullmatch(lower):
        raise InvalidInput(Problem(code="X204", message="a hash is no PDQ hash", do="send 64 hexadecimal digits"))
    return lower
