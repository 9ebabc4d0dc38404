"""Covers what is known about victims and witnesses from those who need not know it.

Decides that a sealed fact is covered by name wherever it stands, that its words are
covered wherever they were repeated (a question, a message, a title), and that an answer
which tells a sealed fact by itself is covered with its reason. Leaves who needs to know
it to the interfaces.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar, cast

from firedoor.core.facts import FactDefinition
from firedoor.core.journal import Entry, Kind

Shown = TypeVar("Shown")  # what is shown of a kind is covered as one of that kind
SEALED = "[sealed]"
SHORTEST = 6  # characters; "yes" and "minor" stand everywhere and identify nobody
ALERTS = {"minor": "possible_minor", "content_locators": "locators"}  # what an alert calls such a fact
# Who asked, how to reach them and where the content is, in every journal that holds a request.
OF_REQUESTS = frozenset(("requester", "requester_contact", "request_locators"))
OF_COPIES = frozenset(("copy_locator",))  # where a copy of the content is
TOLD = frozenset(("choice", "label", "consequence", "why", "outcome", "result", "fields"))  # what an answer tells


@dataclass(frozen=True, slots=True)
class Seal:
    """What is covered: facts by name, words, and the answers to some tasks."""

    names: frozenset[str] = frozenset()
    words: tuple[str, ...] = ()
    tasks: frozenset[str] = frozenset()
    used: bool = False  # whether the journal holds anything that is covered

    def cover(self, value: Shown) -> Shown:
        """Return a JSON value with everything sealed covered: of the same shape, a tuple as a list."""
        return cast("Shown", self._covered(value)) if self.names else value

    def _covered(self, value: object) -> object:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, Mapping):
            hidden = self.names | TOLD if self.tasks & _subjects(value) else self.names
            return {
                key: SEALED if key in hidden and inner not in (None, "") else self._covered(inner)
                for key, inner in value.items()
            }
        return [self._covered(inner) for inner in value] if isinstance(value, (list, tuple)) else value

    def _text(self, text: str) -> str:
        for word in self.words:
            text = text.replace(word, SEALED)
        return text


OPEN = Seal()


def seal(definitions: Mapping[str, FactDefinition], entries: Iterable[Entry]) -> Seal:
    """Return the seal for an incident: every value that a sealed fact ever had is covered."""
    own = {name for name, definition in definitions.items() if definition.sealed}
    entries = list(entries)
    asked = any(entry.kind in (Kind.REQUEST_RECEIVED, Kind.REQUEST_COMPLETED) for entry in entries)
    of_requests = OF_REQUESTS if asked else frozenset[str]()
    if any(entry.kind == Kind.COPIES for entry in entries):
        of_requests |= OF_COPIES
    names = frozenset(own | {ALERTS[name] for name in own & ALERTS.keys()} | of_requests)
    texts: list[object] = []
    tasks: set[str] = set()
    answered = False
    for entry in entries:
        texts += _values(entry, names)
        if entry.kind == Kind.TASK_OPENED and any(own & set(c.get("sets", {})) for c in entry.body["choices"]):
            tasks.add(entry.body["task"])
        answered = answered or (entry.kind == Kind.TASK_ANSWERED and entry.body["task"] in tasks)
    words = {text for text in texts if isinstance(text, str) and len(text) >= SHORTEST}
    return Seal(names, tuple(sorted(words, key=len, reverse=True)), frozenset(tasks), used=bool(texts) or answered)


def _values(entry: Entry, names: frozenset[str]) -> list[object]:
    """What an entry says of sealed facts; lists give each of their words."""
    match entry.kind:
        case Kind.FACTS:
            told = entry.body["values"]
        case Kind.TASK_ANSWERED:
            told = entry.body.get("fields", {})
        case Kind.REQUEST_RECEIVED | Kind.REQUEST_COMPLETED | Kind.REQUEST_WITHDRAWN:
            told = entry.body
        case Kind.COPIES:
            return [said["copy_locator"] for said in entry.body["copies"] if said.get("copy_locator")]
        case Kind.ALERT:
            told = {**entry.body.get("facts", {}), **entry.body.get("alert", {})}
        case _:
            return []
    found = [value for name, value in told.items() if name in names and value not in (None, "", "unknown", [])]
    return [text for value in found for text in (value if isinstance(value, list) else [value])]


def _subjects(value: Mapping[str, object]) -> set[str]:
    """What a JSON object is about, as far as its usual keys say."""
    return {about for key in ("task", "id", "op") if isinstance(about := value.get(key), str)}
