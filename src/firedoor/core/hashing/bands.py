"""A sorted part of an index of PDQ hashes: which rows are equal, or nearly equal, in a band.

Decides how many bands there are for how many hashes, and that a band is looked up in every spelling within its radius.
With `b` bands of which each is looked up with up to `r` wrong bits, no hash within b * (r + 1) - 1 bits is missed: with
more wrong bits than that in all, each band would have to have more than r.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Words: TypeAlias = NDArray[np.uint64]  # rows of four: 256 bits

LARGE = 2_000_000  # hashes; from here on wider bands leave fewer rows to compare and are worth their larger tables
WIDE, NARROW = (11, 23), (16, 16)  # bands, and bits of each
WIDEST_RADIUS = 2  # wrong bits in a band; three would be 2048 spellings of 23 bits


@dataclass(slots=True)
class Part:
    """Hashes, sorted once for each band. Only `alive` changes, and the bytes of what was withdrawn."""

    words: Words
    alive: NDArray[np.bool_]
    bands: int
    bits: int
    orders: list[NDArray[np.uint32]]  # of each band: the rows, sorted by what the band holds
    starts: list[NDArray[np.uint32]]  # of each band: where in the order the rows with a value begin

    @property
    def living(self) -> int:
        """How many hashes it holds."""
        return int(self.alive.sum())

    @property
    def memory(self) -> int:
        """Bytes of its tables."""
        return int(self.words.nbytes + self.alive.nbytes) + sum(one.nbytes for one in (*self.orders, *self.starts))

    def kept(self) -> Words:
        """The hashes that were not withdrawn."""
        return self.words[self.alive]

    def withdraw(self, wanted: Words) -> int:
        """Take a hash out and overwrite its bytes; return how often it stood there."""
        rows = self._rows(wanted, 0)
        rows = rows[self.alive[rows] & (compared(self.words[rows], wanted) == 0)]
        self.alive[rows] = False
        self.words[rows] = 0
        return len(rows)

    def search(self, wanted: Words, distance: int) -> tuple[Words, NDArray[np.int64]]:
        """The hashes within a distance, and how far each is."""
        rows = self._rows(wanted, distance)
        bits = compared(self.words[rows], wanted)
        near = (bits <= distance) & self.alive[rows]
        return self.words[rows[near]], bits[near]

    def _rows(self, wanted: Words, distance: int) -> NDArray[np.uint32]:
        """The rows that may lie within a distance, each once; all of them where the bands promise nothing."""
        import numpy as np

        radius = distance // self.bands
        if radius > WIDEST_RADIUS:
            return np.arange(len(self.words), dtype=np.uint32)
        flips = spellings(self.bits, radius)
        found = [self._bucket(band, flips ^ banded(wanted, band, self.bits)) for band in range(self.bands)]
        return np.unique(np.concatenate(found))

    def _bucket(self, band: int, values: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """The rows whose band holds one of the values. Slices of the order, put together without a loop."""
        import numpy as np

        begin = self.starts[band][values].astype(np.int64)
        count = self.starts[band][values + np.uint32(1)] - begin
        shift = begin - np.concatenate(([0], np.cumsum(count)[:-1]))
        rows: NDArray[np.uint32] = self.orders[band][np.arange(count.sum()) + np.repeat(shift, count)]
        return rows


def part_of(words: Words, shape: tuple[int, int] | None = None) -> Part:
    """Sort hashes by each band. `shape` is how many bands there are and of how many bits; otherwise by their number."""
    import numpy as np

    bands, bits = shape or (WIDE if len(words) >= LARGE else NARROW)
    orders, starts = [], []
    for band in range(bands):
        values = banded(words, band, bits)
        begin = np.zeros((1 << bits) + 1, np.uint32)
        np.cumsum(np.bincount(values, minlength=1 << bits), out=begin[1:])
        orders.append(_sorted(values))
        starts.append(begin)
    return Part(words, np.ones(len(words), np.bool_), bands, bits, orders, starts)


def compared(words: Words, wanted: Words) -> NDArray[np.int64]:
    """In how many bits each row differs."""
    import numpy as np

    bits: NDArray[np.int64] = np.bitwise_count(words ^ wanted).sum(axis=1, dtype=np.int64)
    return bits


def banded(words: Words, band: int, bits: int) -> NDArray[np.uint32]:
    """What a band of each hash holds; a band may lie across two words."""
    import numpy as np

    word, offset = divmod(band * bits, 64)
    found = words[..., word] >> np.uint64(offset)
    if offset + bits > 64:
        found = found | (words[..., word + 1] << np.uint64(64 - offset))
    return (found & np.uint64((1 << bits) - 1)).astype(np.uint32)


@cache
def spellings(bits: int, radius: int) -> NDArray[np.uint32]:
    """Every pattern of at most `radius` wrong bits."""
    import numpy as np

    chosen = [which for count in range(radius + 1) for which in combinations(range(bits), count)]
    return np.array([sum(1 << bit for bit in which) for which in chosen], np.uint32)


def _sorted(values: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The order of values under 32 bits. Twice by 16 bits, which NumPy sorts by radix, is faster than once by 32."""
    import numpy as np

    low = np.argsort(values.astype(np.uint16), kind="stable").astype(np.uint32)
    if not len(values) or int(values.max()) < 1 << 16:
        return low
    high = np.argsort((values >> np.uint32(16)).astype(np.uint16)[low], kind="stable")
    return low[high]
