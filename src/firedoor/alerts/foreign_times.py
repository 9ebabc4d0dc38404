"""Times of somebody else's JSON as instants: texts with and without a zone, other forms, and numbers.

Decides that RFC 3339 and its relatives, the form of e-mail (RFC 5322) and the forms that a mapping names are read;
that a time without a zone needs one from the mapping; and that a number counts in the unit of the mapping, or, where it
names none, in the one that its size allows: between the years 2001 and 2286 no other fits. Leaves instants that nobody
can mean ("zero" times) to `source`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from zoneinfo import ZoneInfo

from firedoor.alerts.foreign import Reading, number
from firedoor.core.dates.arithmetic import local
from firedoor.core.json_types import Json
from firedoor.core.problems import InvalidInput

NAME = "occurred_at"
PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
MAXIMUM_TEXT = 64  # characters of a time
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SIZES = ((1e9, 1e10, "s"), (1e12, 1e13, "ms"), (1e15, 1e16, "us"), (1e18, 1e19, "ns"))
_NAMED_UTC = re.compile(r"(?<=\d) ?(?:UTC|GMT|Z)$")
_BEYOND_MICROSECONDS = re.compile(r"(\.\d{6})\d+")


def moment(value: Json, instants: str, formats: tuple[str, ...], zone: ZoneInfo | None, reading: Reading) -> Json:
    """An instant as RFC 3339; None, with a note, for what cannot be placed. What is no time at all stays as it is."""
    counted = value if instants == "rfc3339" else number("score", value)
    if isinstance(counted, (int, float)):
        return _counted(counted, instants, reading)
    if not isinstance(value, str) or len(value) > MAXIMUM_TEXT:
        return value
    read = _read(value.strip(), formats)
    if read is None:
        return value  # the reader of our form says what is wrong with it
    return read.isoformat() if read.tzinfo is not None else _placed(read, zone, reading)


def _read(text: str, formats: tuple[str, ...]) -> datetime | None:
    for written in formats:
        try:
            return datetime.strptime(text, written)  # noqa: DTZ007 - a zone may come from the mapping
        except ValueError:
            continue
    try:
        return datetime.fromisoformat(_BEYOND_MICROSECONDS.sub(r"\1", _NAMED_UTC.sub("+00:00", text)))
    except ValueError:
        pass
    try:
        return parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _counted(value: float, instants: str, reading: Reading) -> str | None:
    fitting = next((unit for low, high, unit in _SIZES if low <= value < high), None)
    unit = fitting if instants == "auto" else instants
    if unit not in PER_SECOND or isinstance(value, bool):
        reading.note(NAME, "is a number, and neither its size nor the mapping (instants) says in which unit")
        return None
    try:
        return (_EPOCH + timedelta(seconds=value / PER_SECOND[unit])).isoformat()
    except OverflowError:
        reading.note(NAME, "lies outside of all time")
        return None


def _placed(naive: datetime, zone: ZoneInfo | None, reading: Reading) -> str | None:
    if zone is None:
        reading.note(NAME, "names no zone, and neither does the mapping (zone)")
        return None
    try:
        return local(naive, zone).isoformat()
    except InvalidInput as error:
        reading.note(NAME, f"cannot be placed: {error.problems[0].message}")
        return None
