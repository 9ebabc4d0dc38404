"""Which days are business days, for the authority that counts them.

Decides the calendar behind a name: weekends, public holidays from the
`holidays` package, and our own corrections, each with its source. Leaves how
days are counted to `dates`. Optional closing days (Brazil's Carnival) are not
public holidays and therefore count: the earliest defensible day wins.

Names are ISO 3166 codes (`BR`, `DE`), `US` for federal holidays, or `weekends`.
`SG+SAT` is a calendar in which Saturdays are business days: only Sundays and public
holidays are closed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from firedoor.core.problems import InvalidInput, Problem

if TYPE_CHECKING:
    from holidays import HolidayBase

WEEKENDS = "weekends"
_FRIDAY, _SATURDAY = 4, 5  # Monday is 0
_WITH_SATURDAY = "+SAT"
_LONGEST = 60  # days; no calendar closes for longer

# Days that the package has and the authority works on, or the other way round: {calendar: {day: (closed, source)}}.
_JAPAN = "closing of authorities from 29 December to 3 January (guideline of the PPC, 3-5-3-4; from memory)"
CORRECTIONS: Mapping[str, Mapping[date, tuple[bool, str]]] = {
    "JP": {
        date(year, month, day): (True, _JAPAN)
        for year in range(2018, 2101)
        for month, day in ((12, 29), (12, 30), (12, 31), (1, 2), (1, 3))
    },
}


@dataclass(frozen=True)
class Calendar:
    """A named, versioned set of business days."""

    name: str
    version: str
    days: HolidayBase | None = field(default=None, repr=False, compare=False)
    last_day: int = _FRIDAY  # of the working week

    def closed(self, day: date) -> str:
        """Return why nobody works on this day, or "" for a business day."""
        correction = CORRECTIONS.get(self.name.removesuffix(_WITH_SATURDAY), {}).get(day)
        if correction is not None:
            return correction[1] if correction[0] else ""
        if day.weekday() > self.last_day:
            return f"{day:%A}"
        return "" if self.days is None else str(self.days.get(day) or "")

    def add(self, day: date, count: int) -> date:
        """Return the count-th business day after this day; the day itself is not counted."""
        while count > 0:
            day += timedelta(days=1)
            count -= not self.closed(day)
        return day

    def next_open(self, day: date) -> date:
        """Return this day if it is a business day, else the next one."""
        for ahead in range(_LONGEST):
            if not self.closed(day + timedelta(days=ahead)):
                return day + timedelta(days=ahead)
        raise AssertionError(f"{self.name} is closed for {_LONGEST} days from {day}")


@lru_cache(maxsize=128)
def calendar(name: str) -> Calendar:
    """Return a calendar by name. Raises InvalidInput for an unknown one."""
    if name == WEEKENDS:
        return Calendar(WEEKENDS, "1")
    import holidays
    from holidays.version import __version__

    place = name.removesuffix(_WITH_SATURDAY)
    try:
        days = holidays.country_holidays(place)
    except (NotImplementedError, KeyError):
        problem = Problem(
            code="T110", message=f'no calendar is called "{name[:20]}"', do='name an ISO 3166 country, or "weekends"'
        )
        raise InvalidInput(problem) from None
    return Calendar(name, f"holidays {__version__}", days, _FRIDAY if place == name else _SATURDAY)
