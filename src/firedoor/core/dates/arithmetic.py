"""Counting: from an instant and a period to the end of the period.

Decides the arithmetic of every counting rule (elapsed hours, full hours,
calendar days with or without the first, months clamped, business days, days
after year end), how local times become instants, and between which bounds an
instant from outside is believed (`doubt`). Leaves which rule a law uses to its
file, and which calendar to `calendars`. Instants are aware; hours are counted in
UTC, so that a change of clocks moves the wall time, never the period.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from firedoor.core.dates.calendars import Calendar
from firedoor.core.problems import InvalidInput, Problem

_DAY = re.compile(r"\d{4}-?\d\d-?\d\d")
END_OF_DAY = time(23, 59, 59)
EARLIEST, LATEST = 1970, 2200  # years; outside them a date is a slip of the pen
AHEAD = timedelta(days=3653)  # ten years: nobody states a later instant about an incident of today
NO_TIME = "is what programs write when no time is given"
# What stands for "no time" though it lies within the bounds, each at the very second.
ZEROS = frozenset(
    datetime.fromisoformat(text)
    for text in (
        "1980-01-01T00:00:00+00:00",  # FAT, ZIP
        "1980-01-06T00:00:00+00:00",  # GPS
        "2000-01-01T00:00:00+00:00",  # PostgreSQL, and devices that never saw a clock
        "2001-01-01T00:00:00+00:00",  # Cocoa
        "2038-01-19T03:14:07+00:00",  # the largest 32-bit number of seconds
        "2106-02-07T06:28:15+00:00",  # the same without a sign
    )
)


@lru_cache(maxsize=1024)
def zone_named(name: str) -> ZoneInfo:
    """Return an IANA zone. Raises InvalidInput for an unknown name."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        message = f'no time zone is called "{name[:40]}"'
        raise InvalidInput(Problem(code="T101", field="tz", message=message, do=_nearest_zone(name))) from None


def doubt(at: datetime, now: datetime | None = None) -> str:
    """Why an aware instant from outside is not believed; "" for one that is.

    Never raises, also at the ends of what a datetime can hold. The zeros, minima and maxima of other languages (year 1
    of Go and .NET, FILETIME's 1601, the spreadsheets' 1899 and 1904, the epoch of 1970, year 9999) lie outside the
    bounds. With `now`, more than ten years ahead is doubted as well.
    """
    if at.year < EARLIEST or (at.year == EARLIEST and (at.month, at.day) == (1, 1)) or at.year == MAXYEAR:
        return NO_TIME
    if at.year > LATEST:
        return f"lies after the year {LATEST}"
    if at.replace(microsecond=0) in ZEROS:
        return NO_TIME
    return "lies more than ten years ahead" if now is not None and at > now + AHEAD else ""


def recorded(text: object) -> datetime | None:
    """An instant of a row that anybody may have altered meanwhile; None where it is none any more."""
    try:
        found = text if isinstance(text, datetime) else datetime.fromisoformat(str(text))
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def instant(text: str, zone: ZoneInfo | None = None) -> datetime:
    """Read an ISO 8601 instant; without an offset, as local time in the zone.

    Raises InvalidInput: unreadable, a day without a time, no offset and no zone, a
    local time that the change of clocks skips (T103) or that happens twice (T104:
    the offset decides).
    """
    if _DAY.fullmatch(text.strip()):
        raise _invalid(
            "T102", f'"{text[:40]}" is a day, not an instant', f"add the time: {text.strip()}T09:00:00+02:00"
        )
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise _invalid("T102", f'"{text[:40]}" is not an instant', "write 2026-10-24T10:00:00+02:00") from None
    if not EARLIEST <= given.year <= LATEST:
        raise _invalid("T102", f"the year {given.year} is not between {EARLIEST} and {LATEST}", "check the date")
    if why := doubt(given.replace(tzinfo=given.tzinfo or UTC)):
        raise _invalid("T102", f'"{text[:40]}" {why}', "leave it out if the time is not known")
    if given.tzinfo is not None:
        return given
    if zone is None:
        raise _invalid(
            "T102", f'"{text[:40]}" has no offset', "add the offset, for example +02:00 or Z, or name the time zone"
        )
    return local(given, zone)


def stated(text: str, zone: ZoneInfo | None) -> datetime:
    """Read an instant that somebody states, which must carry its offset: a limit must not hang on a guess.

    Raises InvalidInput as `instant` does, and for a time without an offset, naming the one that was probably meant.
    """
    given = instant(text, zone)
    if datetime.fromisoformat(text).tzinfo is None:
        raise _invalid("T102", f'"{text[:40]}" has no offset', f"write {given.isoformat()} if that is what is meant")
    return given


def local(naive: datetime, zone: ZoneInfo) -> datetime:
    """Place a wall-clock time in a zone. Raises InvalidInput where it never or twice happens."""
    first, second = naive.replace(tzinfo=zone, fold=0), naive.replace(tzinfo=zone, fold=1)
    if first.utcoffset() == second.utcoffset():
        return first
    if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != naive:
        raise _invalid(
            "T103",
            f"{naive.isoformat()} does not exist in {zone.key}: the clocks jump over it",
            "give the time with its offset",
        )
    offsets = f"{first.isoformat()} or {second.isoformat()}"
    raise _invalid(
        "T104", f"{naive.isoformat()} happens twice in {zone.key}: the clocks go back", f"give the offset: {offsets}"
    )


def add_hours(start: datetime, hours: int) -> datetime:
    """Elapsed hours in UTC; nights, weekends and holidays count."""
    return start.astimezone(UTC) + timedelta(hours=hours)


def add_full_hours(start: datetime, hours: int) -> datetime:
    """Hours from the next full hour: the hour of the event is not counted (Reg. (EEC) 1182/71 Art 3(1))."""
    floor = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return floor + timedelta(hours=hours + 1)


def local_day(start: datetime, zone: ZoneInfo) -> date:
    """The calendar day on which an instant falls in a zone."""
    return start.astimezone(zone).date()


def end_of_day(day: date, zone: ZoneInfo, at: time = END_OF_DAY) -> datetime:
    """The last second of a day in a zone, or another time of it; the earlier one if it happens twice."""
    return datetime.combine(day, at, zone)


def add_months(day: date, months: int, *, forward: bool = False) -> date:
    """The same day of a later month, clamped to its end (Reg. (EEC) 1182/71 Art 3(2)(c)).

    `forward` moves a day that does not exist to the first of the next month
    instead: for holds, where the later reading is the safe one.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = monthrange(year, month + 1)[1]
    if day.day <= last:
        return date(year, month + 1, day.day)
    end = date(year, month + 1, last)
    return end + timedelta(days=1) if forward else end


def days_after_year_end(day: date, days: int) -> date:
    """So many calendar days after 31 December of the year (45 CFR 164.408(c)): 60 is 1 March, or 29 February."""
    return date(day.year, 12, 31) + timedelta(days=days)


def noon_next_working_day(due: datetime, zone: ZoneInfo, working: Calendar) -> datetime:
    """Noon of the next working day for a limit on a closed day, else the limit (Reg. (EU) 2025/301 Art 5(4))."""
    day = local_day(due, zone)
    return due if not working.closed(day) else end_of_day(working.next_open(day), zone, time(12))


def end_of_next_working_day(due: datetime, zone: ZoneInfo, working: Calendar) -> datetime:
    """The end of the next working day for a limit on a closed day, else the limit."""
    day = local_day(due, zone)
    return due if not working.closed(day) else end_of_day(working.next_open(day), zone)


def _nearest_zone(name: str) -> str:
    """The zone that was probably meant, whatever its capitals and blanks: "berlin" is Europe/Berlin."""
    wanted = name.strip().replace(" ", "_").lower()
    known = {zone.lower(): zone for zone in sorted(available_timezones())}
    cities = {zone.rpartition("/")[2]: zone for zone in known}
    close = get_close_matches(wanted, known, n=1) or [cities[city] for city in get_close_matches(wanted, cities, n=1)]
    return f'did you mean "{known[close[0]]}"?' if close else "use an IANA name such as Europe/Berlin"


def _invalid(code: str, message: str, do: str) -> InvalidInput:
    return InvalidInput(Problem(code=code, field="at", message=message, do=do))
