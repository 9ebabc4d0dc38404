"""Counting: from an instant and a period to the end of the period.

Decides the arithmetic of every counting rule (elapsed hours, full hours,
calendar days with or without the first, months clamped, business days, days
after year end) and how local times become instants. Leaves which rule a law
uses to its file, and which calendar to `calendars`. Instants are aware; hours
are counted in UTC, so that a change of clocks moves the wall time, never the
period.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from firedoor.core.calendars import Calendar
from firedoor.core.problems import InvalidInput, Problem

_DAY = re.compile(r"\d{4}-?\d\d-?\d\d")
END_OF_DAY = time(23, 59, 59)
EARLIEST, LATEST = 1970, 2200  # years; outside them a date is a slip of the pen


@lru_cache(maxsize=1024)
def zone_named(name: str) -> ZoneInfo:
    """Return an IANA zone. Raises InvalidInput for an unknown name."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        message = f'no time zone is called "{name[:40]}"'
        raise InvalidInput(Problem(code="T101", field="tz", message=message, do=_nearest_zone(name))) from None


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
