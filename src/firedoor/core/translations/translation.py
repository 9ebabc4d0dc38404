"""What a language is here: everything that a text of ours needs in it, in one file.

Decides the parts of a translation. Leaves the languages to the files beside this one (`de.py`), the structure of
letters and the facts that they place to `templates`, and which language goes where to `core.notices.languages`.
Why no library does this: docs/decisions/0011-libraries-that-were-looked-at.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Translation:
    """One language. English may leave out what the vocabulary says already: months, risks, kinds and questions."""

    english: str  # its name in English
    own: str  # its name in itself
    countries: Sequence[str]  # codes of countries whose people and authorities use it, and no other of ours
    months: Sequence[str] = ()
    instant: str = ""  # {day} {month} {year} {hour} {minute} {zone}
    at_least: str  # {low}
    between: str  # {low} {high}
    roughly: str  # {count}
    risks: Mapping[str, str] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)  # kinds of data
    asked: Mapping[str, str] = field(default_factory=dict)  # what a request lacks; "" is said after all of them
    notices: Mapping[str, Mapping[str, str]]  # by template and key
    tidy: Sequence[tuple[str, str]] = ()  # what is put in the place of what, in every word of a notice

    def words(self, notice: str) -> dict[str, str] | None:
        """The words of a notice by key; None where nobody has translated it."""
        found = self.notices.get(notice)
        return None if found is None else {key: self._tidied(words) for key, words in found.items()}

    def _tidied(self, words: str) -> str:
        for old, new in self.tidy:
            words = words.replace(old, new)
        return words
