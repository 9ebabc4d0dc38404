"""Values of somebody else's JSON, brought to the types that our form has.

Decides how numbers in quotes, times, levels of severity, categories and words of a status are read. What has a foreign
form becomes None and a note that names the field and never the value: no alert is lost over it. In every table of words
`*` stands for whatever else is sent. Leaves times to `foreign_times`, where the values stand to `paths`, and what is
written into a mapping to `mapping`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeGuard, TypeVar

from firedoor.alerts.paths import said
from firedoor.core.alerts.alert import severity_of
from firedoor.core.json_types import Json
from firedoor.core.language.json_fields import IDENTIFIER
from firedoor.core.language.json_payload import one_line
from firedoor.core.severity import Severity

Status = Literal["firing", "resolved", "unknown"]
Meaning = TypeVar("Meaning")
ANY_WORD = "*"
FRACTIONS = ("confidence", "score", "threshold")
WHOLES = ("occurrences", "distinct_values", "match_distance", "match_quality", "subjects")
FIRING = frozenset(
    ("firing", "fired", "triggered", "alarm", "alerting", "alert", "problem", "open", "opened", "active", "activated",
     "new", "created", "acknowledged", "acked", "reopened", "failed", "failure", "critical", "warning"),
)  # fmt: skip
ENDED = frozenset(
    ("ok", "resolved", "resolve", "recovered", "recovery", "closed", "close", "cleared", "clear", "normal", "inactive",
     "deactivated", "healthy", "up", "passed", "fixed", "ended"),
)  # fmt: skip
RANGE = re.compile(r"(?P<low>-?\d+(?:\.\d+)?)?\.\.(?P<high>-?\d+(?:\.\d+)?)?")
MAXIMUM_WORDS = 4  # of the name of a kind of data; more are a sentence
_WHOLE, _FRACTION = re.compile(r"\d{1,20}"), re.compile(r"-?\d{1,20}(?:\.\d{1,20})?(?:[eE][+-]?\d{1,2})?")


@dataclass
class Reading:
    """One alert while it is read: what could not be taken over is said here, by our name and the sender's path."""

    paths: Mapping[str, str]
    notes: list[str] = field(default_factory=list)

    def note(self, name: str, why: str) -> None:
        """Name a field that stays unknown, and why."""
        self.notes.append(f"{self.paths.get(name, name)} (our {name}) was left out: it {why}."[:300])


def scalar(value: object) -> TypeGuard[str | float]:
    """Whether a value is one word or number."""
    return isinstance(value, (str, int, float))


def number(name: str, value: Json) -> Json:
    """A number that stands in quotes; anything else as it is."""
    if not isinstance(value, str):
        return int(value) if name in WHOLES and isinstance(value, float) and value.is_integer() else value
    text = value.strip()
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if name in FRACTIONS and _FRACTION.fullmatch(text) else value


def meaning(value: Json, known: Mapping[str, Meaning]) -> Meaning | None:
    """What a table says of a value: by its word, whatever the case, by a range, or by `*`; None where it is silent."""
    if not scalar(value):
        return known.get(ANY_WORD)
    for word in (said(value), str(value)):
        if word in known:
            return known[word]
    lowered = said(value).strip().lower()
    alike = next((meant for word, meant in known.items() if word.lower() == lowered), None)
    return alike or _in_range(lowered, known) or known.get(ANY_WORD)


def _in_range(word: str, known: Mapping[str, Meaning]) -> Meaning | None:
    """`7..11`, `12..` and `..3`: both ends count, and of two that hold the first in the table."""
    level = number("score", word)
    if isinstance(level, bool) or not isinstance(level, (int, float)):
        return None
    return next((meant for key, meant in known.items() if within(level, key)), None)


def within(level: float, written: str) -> bool:
    """Whether a number lies in a range."""
    found = RANGE.fullmatch(written)
    if found is None:
        return False
    low, high = (float(end) if end else None for end in found.group("low", "high"))
    return (low is None or level >= low) and (high is None or level <= high)


def severity(value: Json, known: Mapping[str, Severity], reading: Reading) -> Severity | None:
    """What a word or a number of the sender's means; None, with a note, for one that nobody has explained."""
    if value is None:
        return None
    explained = {word: meant for word, meant in known.items() if word != ANY_WORD}
    read = meaning(value, explained) or (severity_of(said(value)) if scalar(value) else None) or known.get(ANY_WORD)
    if read is None:
        reading.notes.append("The severity that was sent is not in the mapping; it is unknown.")
    return read


def status(value: Json, known: Mapping[str, Status], reading: Reading) -> Status | None:
    """Whether it began or ended. A word that nobody has explained is neither, and a note says so: a person is asked."""
    if value is None:
        return None
    explained = {word: meant for word, meant in known.items() if word != ANY_WORD}
    if (mapped := meaning(value, explained)) is not None:
        return mapped
    word = said(value).strip().lower() if scalar(value) else ""
    if word in ENDED:
        return "resolved"
    if word in FIRING:
        return "firing"
    if ANY_WORD not in known:
        reading.notes.append("The status that was sent is not in the mapping; it is unknown whether this goes on.")
    return known.get(ANY_WORD, "unknown")


def one_of(
    name: str, values: Iterable[Json], known: Mapping[str, Meaning], ours: Iterable[str], reading: Reading
) -> Meaning | str | None:
    """The first of several categories that a table explains, or that is a word of ours; otherwise None, with a note."""
    found = list(values)
    explained = {word: meant for word, meant in known.items() if word != ANY_WORD}
    for value in found:
        if (meant := meaning(value, explained)) is not None:
            return meant
        if scalar(value) and said(value) in set(ours):
            return said(value)
    if found and ANY_WORD not in known:
        reading.note(name, "is not a word that is known here or in the mapping")
    return known.get(ANY_WORD) if found else None


def identifiers(name: str, values: Iterable[Json], reading: Reading) -> list[str]:
    """Names of kinds of data; blanks become `_`. What may be a sentence is left out and counted in a note."""
    good, left_out = dict[str, None](), 0
    for value in values:
        words = said(value).split() if scalar(value) else []
        text = "_".join(words)
        if 0 < len(words) <= MAXIMUM_WORDS and len(text) <= 128 and IDENTIFIER.fullmatch(text):
            good[text] = None
        else:
            left_out += 1
    if left_out:
        reading.note(name, f"holds {left_out} that are no names of kinds of data")
    return list(good)


def text(name: str, value: Json) -> Json:
    """A number or a truth where we name things; line ends of a title become spaces."""
    if name == "possible_minor" or not scalar(value):
        return value
    return one_line(said(value), 200) if name == "title" else said(value)
