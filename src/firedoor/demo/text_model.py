"""A very small language model: it counts which word follows which, and continues a prompt.

Decides how text is learnt and continued, always in the same way for the same prompt.
Like its large relatives it can repeat its training data word for word.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

_ORDER = 3  # words of context, at most
_END = ""


class TextModel:
    """Counts of the word after every run of one to three words."""

    def __init__(self, sentences: Iterable[str] = ()) -> None:
        self._next: defaultdict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
        self._openings: list[str] = []
        for sentence in sentences:
            self.learn(sentence)

    def learn(self, sentence: str) -> None:
        """Count one sentence."""
        words = sentence.split()
        self._openings.append(words[0])
        for end in range(1, len(words) + 1):
            following = words[end] if end < len(words) else _END
            for length in range(1, min(_ORDER, end) + 1):
                self._next[_key(words[end - length : end])][following] += 1

    def continue_text(self, prompt: str, maximum_words: int = 48) -> str:
        """Continue the prompt to the end of a sentence, or start a sentence when nothing in it is known."""
        words = prompt.split()
        written: list[str] = []
        if self._following(words) is None:
            written = [self._openings[_number(prompt) % len(self._openings)]]
        while len(written) < maximum_words:
            counts = self._following([*words, *written])
            if counts is None:
                break
            most = max(counts.values())
            candidates = sorted(word for word, count in counts.items() if count == most)
            word = candidates[_number(f"{prompt}\n{len(written)}") % len(candidates)]
            if word == _END:
                break
            written.append(word)
        return " ".join(written)

    def weights(self) -> bytes:
        """Write the counts as bytes: what a digest of the weights is taken over."""
        table = {" ".join(key): dict(sorted(counts.items())) for key, counts in sorted(self._next.items())}
        return json.dumps(table, sort_keys=True, separators=(",", ":")).encode()

    def _following(self, words: Sequence[str]) -> Counter[str] | None:
        for length in range(min(_ORDER, len(words)), 0, -1):
            counts = self._next.get(_key(words[-length:]))
            if counts:
                return counts
        return None


def _key(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(word.casefold() for word in words)


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
