"""What an examination of evidence finds, and how its inputs are read.

Decides the shape of a finding and that inputs of the wrong form are told by name, all at
once. Leaves each examination to its own file and reading the artefacts to the runtime.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from firedoor.core.problems import InvalidInput, Problem

Json = dict[str, Any]
ONE_IN = 5  # at least one in five must match, or a count is no fact: the sides are then keyed differently
MAXIMUM_LISTED = 10_000  # lines of a report; the counts are always whole


@dataclass(frozen=True, slots=True)
class Plausibility:
    """How many of what had to fit together did. Below one in `ONE_IN` a count tells of keys, not of people."""

    matched: int
    of: int
    what: str

    @property
    def fails(self) -> bool:
        """Whether too few fit. Nothing to match is no mismatch."""
        return self.of > 0 and self.matched * ONE_IN < self.of

    @property
    def words(self) -> str:
        """How many of how many."""
        return f"{self.matched} of {self.of} {self.what}"


@dataclass(frozen=True, slots=True)
class Finding:
    """A report for the vault (JSON without fractions), facts that follow from it, and a sentence for people.

    `facts` are one statement: they are set together or not at all. `method` says how they were found, `plausible` how
    much fitted together where something is counted.

    `people` is whatever names people: it is kept apart from the report, and only who may know sealed facts reads it.
    """

    report: Json
    summary: str
    facts: Json = field(default_factory=dict)
    people: list[Json] = field(default_factory=list)
    method: str = ""
    plausible: Plausibility | None = None


@dataclass(frozen=True, slots=True)
class Examination:
    """One examination: its name, the artefacts that it reads, the function, and every fact that it may set."""

    name: str
    inputs: tuple[str, ...]
    examine: Callable[[Mapping[str, object]], Finding]
    says: str
    sets: tuple[str, ...] = ()


def rows(inputs: Mapping[str, object], name: str, key: str, *needed: str) -> list[Json]:
    """The rows of an artefact: a list, or a mapping with the list under `key`. Every row has the needed fields."""
    found = inputs.get(name)
    found = found.get(key) if isinstance(found, Mapping) else found
    if not isinstance(found, list):
        raise InvalidInput(_problem(name, f"holds no list of {key}", f'send [...] or {{"{key}": [...]}}'))
    problems = list(_faults(name, found, needed))
    if problems:
        raise InvalidInput(problems[:20])
    return found


def instant(name: str, raw: object) -> datetime:
    """An instant with its offset. Raises InvalidInput naming the artefact."""
    try:
        read = datetime.fromisoformat(str(raw))
    except ValueError:
        message = f'"{str(raw)[:40]}" is not an instant'
        raise InvalidInput(_problem(name, message, "write 2026-10-01T00:00:00Z")) from None
    if read.tzinfo is None:
        raise InvalidInput(_problem(name, f'"{raw}" has no offset', "add Z or +02:00"))
    return read


def number(name: str, raw: object) -> float:
    """A number, also when it is written as text."""
    try:
        return float(raw if isinstance(raw, (int, float)) else str(raw))
    except ValueError:
        raise InvalidInput(_problem(name, f'"{str(raw)[:40]}" is not a number', "")) from None


def tally(words: Iterator[str]) -> Json:
    """How often each word comes, in alphabetical order."""
    counts: dict[str, int] = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    return dict(sorted(counts.items()))


def _faults(name: str, found: list[object], needed: tuple[str, ...]) -> Iterator[Problem]:
    for index, row in enumerate(found):
        if not isinstance(row, dict):
            yield _problem(name, f"row {index} is not a mapping", "")
            continue
        for field_name in needed:
            if field_name not in row:
                yield _problem(name, f'row {index} has no "{field_name}"', "")


def _problem(name: str, message: str, do: str) -> Problem:
    return Problem(code="X101", field=name, message=f"{name} {message}", do=do or "see docs/how-to/examine-evidence.md")
