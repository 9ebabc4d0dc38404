"""Values of somebody else's JSON, brought to the types that our form has.

Decides how numbers in quotes, times as numbers or without a zone, levels of severity, and words of a status are read.
What has a foreign form becomes None and a note that names the field and never the value: no alert is lost over it.
Leaves where the values stand to `paths`, and what is written into a mapping to `mapping`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeGuard
from zoneinfo import ZoneInfo

from firedoor.alerts.paths import said
from firedoor.core.alerts.alert import severity_of
from firedoor.core.dates.arithmetic import local
from firedoor.core.json_types import Json
from firedoor.core.language.json_payload import one_line
from firedoor.core.lifecycle import IncidentType
from firedoor.core.problems import InvalidInput
from firedoor.core.severity import Severity

Status = Literal["firing", "resolved"]
PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
FRACTIONS = ("confidence", "score", "threshold")
WHOLES = ("occurrences", "distinct_values", "match_distance", "match_quality", "subjects")
FIRING = frozenset(
    ("firing", "fired", "triggered", "alarm", "alerting", "alert", "problem", "open", "opened", "active")
)
RANGE = re.compile(r"(?P<low>-?\d+(?:\.\d+)?)?\.\.(?P<high>-?\d+(?:\.\d+)?)?")
_WHOLE, _FRACTION = re.compile(r"\d{1,20}"), re.compile(r"-?\d{1,20}(?:\.\d{1,12})?(?:[eE]-?\d{1,2})?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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


def moment(value: Json, instants: str, zone: ZoneInfo | None, reading: Reading) -> Json:
    """An instant as RFC 3339. A number counts in the unit of the mapping; a time without a zone in its zone."""
    counted = value if instants == "rfc3339" else number("score", value)
    if isinstance(counted, (int, float)):
        return _counted(counted, instants, reading)
    if not isinstance(value, str):
        return value
    try:
        naive = datetime.fromisoformat(value.strip())
    except ValueError:
        return value  # the reader of our form says what is wrong with it
    if naive.tzinfo is not None:
        return naive.isoformat()
    return _placed(naive, zone, reading)


def _counted(value: float, instants: str, reading: Reading) -> str | None:
    if instants == "rfc3339" or isinstance(value, bool):
        reading.note("occurred_at", "is a number, and the mapping does not say in which unit (instants)")
        return None
    try:
        return (_EPOCH + timedelta(seconds=value / PER_SECOND[instants])).isoformat()
    except OverflowError:
        reading.note("occurred_at", "lies outside of all time")
        return None


def _placed(naive: datetime, zone: ZoneInfo | None, reading: Reading) -> str | None:
    if zone is None:
        reading.note("occurred_at", "names no zone, and neither does the mapping (zone)")
        return None
    try:
        return local(naive, zone).isoformat()
    except InvalidInput as error:
        reading.note("occurred_at", f"cannot be placed: {error.problems[0].message}")
        return None


def severity(value: Json, known: Mapping[str, Severity], reading: Reading) -> Severity | None:
    """What a word or a number of the sender's means; None, with a note, for one that nobody has explained."""
    if value is None:
        return None
    word = said(value) if scalar(value) else ""
    read = known.get(word) or known.get(str(value)) or _in_range(word, known) or severity_of(word)
    if read is None:
        reading.notes.append("The severity that was sent is not in the mapping; it is unknown.")
    return read


def _in_range(word: str, known: Mapping[str, Severity]) -> Severity | None:
    """`7..11`, `12..` and `..3`: both ends count."""
    level = number("score", word)
    if not isinstance(level, (int, float)):
        return None
    for key, meant in known.items():
        if (found := RANGE.fullmatch(key)) is None:
            continue
        low, high = (float(end) if end else None for end in found.group("low", "high"))
        if (low is None or level >= low) and (high is None or level <= high):
            return meant
    return None


def status(value: Json, known: Mapping[str, Status], reading: Reading) -> Status | None:
    """`resolved` only for a word that means it. A word that nobody has explained ends nothing, and a note says so."""
    if value is None:
        return None
    word = said(value) if scalar(value) else ""
    if (mapped := known.get(word) or known.get(str(value))) is not None:
        return mapped
    if word.strip().lower() == "resolved":
        return "resolved"
    if word.strip().lower() not in FIRING:
        reading.notes.append("The status that was sent is not in the mapping; it counts as not resolved.")
    return "firing"


def incident(value: Json, known: Mapping[str, IncidentType]) -> Json:
    """What a category of the sender's means; a word that nobody has explained is left to the reader of our form."""
    word = said(value) if scalar(value) else ""
    return known.get(word, value)


def text(name: str, value: Json) -> Json:
    """A number or a truth where we name things; line ends of a title become spaces."""
    if name == "possible_minor" or not scalar(value):
        return value
    return one_line(str(value), 200) if name == "title" else said(value)
