"""One count: a trigger, a version of a law and a calendar, to the end of a period.

Decides which arithmetic of `dates` each counting rule means, and the words for
it. Leaves the choice among several readings to `due`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from firedoor.core.dates import arithmetic
from firedoor.core.dates.calendars import WEEKENDS, Calendar, calendar
from firedoor.core.facts import Facts, Value
from firedoor.core.law.duty import Duty, TriggerKind
from firedoor.core.law.period import Counting, Span, Version
from firedoor.core.problems import InvalidInput
from firedoor.core.ternary import UNKNOWN

EDGAR_CLOSES = time(17, 30)  # Regulation S-T, 17 CFR 232.13(a)(2): later is filed on the next business day


@dataclass(frozen=True, slots=True)
class CountBasis:
    """Everything a count needs besides the period."""

    duty: Duty
    version: Version
    start: datetime
    zone: ZoneInfo  # in which days end
    show: ZoneInfo  # in which hours are shown
    calendar: Calendar


RULE = {
    Counting.CLOCK_HOURS: "of elapsed time",
    Counting.FULL_HOURS: "from the next full hour",
    Counting.CALENDAR_DAYS: "by the calendar, the first day not counted",
    Counting.CALENDAR_DAYS_INCLUSIVE: "by the calendar, the first day counted",
    Counting.MONTHS: "by the calendar",
    Counting.BUSINESS_DAYS: "of business, the first day not counted",
    Counting.SEC_BUSINESS_DAYS: "of business, until 17:30 Eastern Time",
    Counting.AFTER_YEAR_END: "after the end of the year",
}


def end_of(count: CountBasis, span: Span, counting: Counting) -> datetime:
    """The end of a period by one rule: hours in the zone to show, days at their end in the zone of the authority."""
    start, day = count.start, arithmetic.local_day(count.start, count.zone)
    match counting:
        case Counting.CLOCK_HOURS:
            return arithmetic.add_hours(start, span.amount).astimezone(count.show)
        case Counting.FULL_HOURS:
            return arithmetic.add_full_hours(start, span.amount).astimezone(count.show)
        case Counting.CALENDAR_DAYS:
            last = day + timedelta(days=span.amount)
        case Counting.CALENDAR_DAYS_INCLUSIVE:
            last = day + timedelta(days=span.amount - 1)
        case Counting.MONTHS:
            last = arithmetic.add_months(day, span.months, forward=count.duty.hold)
        case Counting.BUSINESS_DAYS:
            last = count.calendar.add(day, span.amount)
        case Counting.SEC_BUSINESS_DAYS:
            return arithmetic.end_of_day(count.calendar.add(day, span.amount), count.zone, EDGAR_CLOSES)
        case Counting.AFTER_YEAR_END:
            last = arithmetic.days_after_year_end(day, span.amount)
        case Counting.SET_BY_NOTICE | Counting.NONE:
            raise AssertionError(f"{counting} has no period")
    return arithmetic.end_of_day(last, count.zone)


def rolled_to(count: CountBasis, rule: str, due: datetime, working: Calendar) -> datetime:
    """Where a rule of the law moves a limit on a closed day."""
    move = arithmetic.noon_next_working_day if rule == "noon_next_working_day" else arithmetic.end_of_next_working_day
    return move(due, count.zone, working)


def counted_from(count: CountBasis) -> str:
    """What it was counted from, in words, and by which version of a calendar."""
    trigger = count.duty.trigger
    kind = trigger.means if trigger.kind is TriggerKind.NONE else str(trigger.kind).replace("_", " ")
    named = f", by the calendar {count.calendar.name} ({count.calendar.version})"
    return f" from {kind} at {count.start.isoformat(timespec='seconds')}{named if uses_calendar(count.version) else ''}"


def uses_calendar(version: Version) -> bool:
    """Whether closed days matter."""
    return version.counting in (Counting.BUSINESS_DAYS, Counting.SEC_BUSINESS_DAYS) or version.roll is not None


def calendar_for(version: Version, facts: Facts) -> Calendar:
    """The calendar by its name, or by the fact that names it; weekends alone while that is unknown."""
    name: Value = version.calendar or WEEKENDS
    if name == str(name).lower() and name != WEEKENDS:  # the name of a fact that holds the calendar
        name = facts.get(str(name), UNKNOWN)
    try:
        return calendar(WEEKENDS if name in (UNKNOWN, WEEKENDS) else str(name).upper())
    except InvalidInput:
        return calendar(WEEKENDS)
