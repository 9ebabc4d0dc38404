"""Covers what is known about victims and witnesses from those who need not know it.

Decides that a sealed fact is covered by name wherever it stands, that its words are
covered wherever they were repeated (a question, a message, a title), and that an answer
which tells a sealed fact by itself is covered with its reason. Leaves who needs to know
it to the interfaces.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from firedoor.core.facts import FactDefinition
from firedoor.core.journal import Entry, Kind

SEALED = "[sealed]"
SHORTEST = 6  # characters; "yes" and "minor" stand everywhere and identify nobody
TOLD = frozenset(("choice", "label", "consequence", "why", "outcome", "result", "fields"))  # what an answer tells


@dataclass(frozen=True, slots=True)
class Seal:
    """What is covered: facts by name, words, and the answers to some tasks."""

    names: frozenset[str] = frozenset()
    words: tuple[str, ...] = ()
    tasks: frozenset[str] = frozenset()

    def cover(self, value: Any) -> Any:  # noqa: ANN401 - any JSON value
        """Return a JSON value with everything sealed covered."""
        if not self.names:
            return value
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, Mapping):
            hidden = self.names | TOLD if self.tasks & _subjects(value) else self.names
            return {
                key: SEALED if key in hidden and inner not in (None, "") else self.cover(inner)
                for key, inner in value.items()
            }
        return [self.cover(inner) for inner in value] if isinstance(value, (list, tuple)) else value

    def _text(self, text: str) -> str:
        for word in self.words:
            text = text.replace(word, SEALED)
        return text


OPEN = Seal()


def seal(definitions: Mapping[str, FactDefinition], entries: Iterable[Entry]) -> Seal:
    """Return the seal for an incident: every value that a sealed fact ever had is covered."""
    names = frozenset(name for name, definition in definitions.items() if definition.sealed)
    words: set[str] = set()
    tasks: set[str] = set()
    for entry in entries:
        if entry.kind == Kind.FACTS:
            words |= _words(entry.body["values"], names)
        elif entry.kind == Kind.TASK_ANSWERED:
            words |= _words(entry.body.get("fields", {}), names)
        elif entry.kind == Kind.TASK_OPENED and any(names & set(c.get("sets", {})) for c in entry.body["choices"]):
            tasks.add(entry.body["task"])
    return Seal(names, tuple(sorted(words, key=len, reverse=True)), frozenset(tasks))


def _subjects(value: Mapping[str, Any]) -> set[str]:
    """What a JSON object is about, as far as its usual keys say."""
    return {about for key in ("task", "id", "op") if isinstance(about := value.get(key), str)}


def _words(values: Mapping[str, Any], names: frozenset[str]) -> set[str]:
    found = [value for name, value in values.items() if name in names]
    texts = [text for value in found for text in (value if isinstance(value, list) else [value])]
    return {text for text in texts if isinstance(text, str) and len(text) >= SHORTEST}
