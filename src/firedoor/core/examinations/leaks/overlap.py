"""How much of a corpus a text repeats word for word: the longest span, and how many there are.

Decides what a span is: at least `LEAST` words in the same order, whatever their case and what stands between them.
Words are kept as 32-bit numbers, and every eighth group of twelve in a table: any span of twenty words holds one of
them whole. A group that is found is extended in both directions, so that no span is longer than it was.
"""

from __future__ import annotations

import re
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass

WORD = re.compile(r"\w+")
GROUP, STEP, LEAST = 12, 8, 20
SAME = 16  # places of one group that are tried: what is repeated more often is no one's text


@dataclass(frozen=True, slots=True)
class Span:
    """A run of words that stands in the corpus: how many, and in which document (by its number)."""

    words: int
    document: int


class Corpus:
    """Documents that are compared with. Holds numbers for words and no text."""

    def __init__(self) -> None:
        self._words = array("I")
        self._groups: dict[bytes, list[int]] = {}
        self._starts: list[int] = []

    @property
    def words(self) -> int:
        """How many words there are."""
        return len(self._words) - len(self._starts)

    def add(self, text: str) -> None:
        """Add one document."""
        begun = len(self._words)
        self._starts.append(begun)
        self._words.extend(_numbers(text))
        for at in range(begun, len(self._words) - GROUP + 1, STEP):
            places = self._groups.setdefault(self._words[at : at + GROUP].tobytes(), [])
            if len(places) < SAME:
                places.append(at)
        self._words.append(0)  # no word: a span ends with its document

    def spans(self, text: str) -> Iterator[Span]:
        """The spans of a text, one after the other."""
        words, at, free = _numbers(text), 0, 0
        while at + GROUP <= len(words):
            found = [
                self._span(words, at, place, free) for place in self._groups.get(words[at : at + GROUP].tobytes(), ())
            ]
            first, end, place = max(found, key=lambda one: one[1] - one[0], default=(0, 0, 0))
            if end - first >= LEAST:
                yield Span(end - first, self._document(place))
                at = free = end
            else:
                at += 1

    def _span(self, words: array[int], at: int, place: int, free: int) -> tuple[int, int, int]:
        first, left = at, place
        while first > free and left > 0 and words[first - 1] == self._words[left - 1]:
            first, left = first - 1, left - 1
        end, right = at + GROUP, place + GROUP
        while end < len(words) and words[end] == self._words[right]:
            end, right = end + 1, right + 1
        return first, end, place

    def _document(self, place: int) -> int:
        from bisect import bisect_right

        return bisect_right(self._starts, place) - 1


def _numbers(text: str) -> array[int]:
    return array("I", (zlib.crc32(word.encode()) or 1 for word in WORD.findall(text.casefold())))
