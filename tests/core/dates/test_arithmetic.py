"""Counting rules, one by one, on the days where a mistake would show."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firedoor.core.dates import arithmetic
from firedoor.core.dates.calendars import WEEKENDS, calendar
from firedoor.core.problems import InvalidInput

BERLIN = arithmetic.zone_named("Europe/Berlin")


def test_hours_run_through_the_change_of_clocks() -> None:
    """72 elapsed hours from Saturday 10:00 summer time end at 09:00 winter time."""
    end = arithmetic.add_hours(datetime.fromisoformat("2026-10-24T10:00:00+02:00"), 72)
    assert end.astimezone(BERLIN).isoformat() == "2026-10-27T09:00:00+01:00"


@pytest.mark.parametrize(("minute", "hour"), [("10:00:00", 12), ("10:59:59", 12), ("11:00:00", 13)])
def test_full_hours_leave_out_the_hour_of_the_event(minute: str, hour: int) -> None:
    """Regulation 1182/71 Art 3(1): one full hour from 10:xx ends at 12:00."""
    end = arithmetic.add_full_hours(datetime.fromisoformat(f"2026-05-05T{minute}+00:00"), 1)
    assert end == datetime(2026, 5, 5, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "months", "forward", "end"),
    [
        (date(2026, 1, 31), 1, False, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, False, date(2028, 2, 29)),
        (date(2026, 12, 31), 2, False, date(2027, 2, 28)),
        (date(2028, 2, 29), 12, False, date(2029, 2, 28)),
        (date(2028, 2, 29), 12, True, date(2029, 3, 1)),
        (date(2026, 3, 15), 1, True, date(2026, 4, 15)),
    ],
)
def test_months_are_clamped_and_holds_go_forward(day: date, months: int, forward: bool, end: date) -> None:
    """A day that a month does not have is its last, or for a hold the first of the next."""
    assert arithmetic.add_months(day, months, forward=forward) == end


@pytest.mark.parametrize(("year", "end"), [(2026, date(2027, 3, 1)), (2027, date(2028, 2, 29))])
def test_sixty_days_after_the_year(year: int, end: date) -> None:
    """1 March, and 29 February when the next year is a leap year."""
    assert arithmetic.days_after_year_end(date(year, 6, 1), 60) == end


def test_a_local_time_that_the_clocks_skip_is_refused_by_name() -> None:
    """02:30 on the night of the change to summer time does not exist."""
    with pytest.raises(InvalidInput, match="does not exist in Europe/Berlin") as refused:
        arithmetic.instant("2026-03-29T02:30:00", BERLIN)
    assert refused.value.problems[0].code == "T103"


def test_a_local_time_that_happens_twice_needs_its_offset() -> None:
    """02:30 on the night of the change to winter time; the offset decides which."""
    with pytest.raises(InvalidInput, match="happens twice"):
        arithmetic.instant("2026-10-25T02:30:00", BERLIN)
    summer = arithmetic.instant("2026-10-25T02:30:00+02:00", BERLIN)
    assert arithmetic.instant("2026-10-25T02:30:00+01:00", BERLIN) - summer == (
        arithmetic.add_hours(summer, 1) - summer
    )


@pytest.mark.parametrize("text", ["tomorrow", "2026-10-24T10:00:00", "0026-10-24T10:00:00Z", "9999-12-31T23:59:59Z"])
def test_an_instant_that_cannot_be_one_is_refused(text: str) -> None:
    """No words, no missing offset, no slip of the pen in the year."""
    with pytest.raises(InvalidInput):
        arithmetic.instant(text)


def test_an_unknown_zone_is_refused() -> None:
    """Names that are not zones, and paths, are no zones."""
    for name in ("Europe/Berlyn", "../etc/passwd", ""):
        with pytest.raises(InvalidInput):
            arithmetic.zone_named(name)


def test_the_noon_rule_moves_only_a_limit_on_a_closed_day() -> None:
    """Regulation 2025/301 Art 5(4): Saturday becomes Monday noon, Friday stays."""
    weekends = calendar(WEEKENDS)
    saturday = datetime.fromisoformat("2026-06-06T02:00:00+02:00")
    friday = datetime.fromisoformat("2026-06-05T23:00:00+02:00")
    assert arithmetic.noon_next_working_day(saturday, BERLIN, weekends).isoformat() == "2026-06-08T12:00:00+02:00"
    assert arithmetic.noon_next_working_day(friday, BERLIN, weekends) == friday


@given(st.dates(date(2021, 1, 1), date(2031, 1, 1)), st.integers(1, 20), st.sampled_from(["BR", "US", "DE", WEEKENDS]))
def test_business_days_end_open_and_never_overtake(day: date, count: int, name: str) -> None:
    """The last day is a business day, and a later start never ends earlier."""
    working = calendar(name)
    end = working.add(day, count)
    assert not working.closed(end)
    assert working.add(date.fromordinal(day.toordinal() + 1), count) >= end


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00+00:00",  # Go, .NET DateTime.MinValue
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59.999999+00:00",  # .NET DateTime.MaxValue, SQL
        "9999-12-31T00:00:00-12:00",
        "1970-01-01T00:00:00+00:00",
        "1970-01-01T01:00:00+01:00",
        "1601-01-01T00:00:00+00:00",  # FILETIME
        "1899-12-30T00:00:00+00:00",  # spreadsheets
        "1904-01-01T00:00:00+00:00",
        "2001-01-01T00:00:00+00:00",
        "2038-01-19T03:14:07+00:00",
        "2201-01-01T00:00:00+00:00",
    ],
)
def test_a_zero_of_another_language_is_no_time(text: str) -> None:
    """What programs write when no time is given is not believed, and whoever types it is told."""
    assert arithmetic.doubt(datetime.fromisoformat(text))
    with pytest.raises(InvalidInput):
        arithmetic.instant(text)


def test_ten_years_ahead_are_the_bound_of_what_is_stated() -> None:
    """Without the present only the written bounds count."""
    now, far = datetime(2026, 11, 21, tzinfo=UTC), datetime(2037, 1, 1, tzinfo=UTC)
    assert (arithmetic.doubt(far), arithmetic.doubt(now)) == ("", "")
    assert arithmetic.doubt(far, now) == "lies more than ten years ahead"


@given(st.datetimes(timezones=st.timezones()))
def test_no_instant_makes_the_doubt_itself_raise(at: datetime) -> None:
    """Also at both ends of what a datetime can hold, in every zone."""
    assert isinstance(arithmetic.doubt(at, datetime(2026, 11, 21, tzinfo=UTC)), str)
