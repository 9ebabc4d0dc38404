"""Calendars: public holidays are closed, optional closing days are not."""

from __future__ import annotations

from datetime import date

import pytest

from firedoor.core.dates.calendars import calendar
from firedoor.core.problems import InvalidInput


@pytest.mark.parametrize(
    ("name", "day", "closed"),
    [
        ("BR", date(2026, 2, 16), False),  # Carnival Monday, ponto facultativo
        ("BR", date(2026, 2, 17), False),  # Carnival Tuesday, ponto facultativo
        ("BR", date(2026, 6, 4), False),  # Corpus Christi, ponto facultativo
        ("BR", date(2026, 4, 3), True),  # Good Friday
        ("BR", date(2026, 11, 20), True),  # Consciencia Negra, national since Lei 14.759/2023
        ("BR", date(2023, 11, 20), False),
        ("US", date(2026, 7, 3), True),  # Independence Day, observed on Friday
        ("US", date(2026, 6, 19), True),  # Juneteenth
        ("US", date(2026, 11, 27), False),  # the day after Thanksgiving is a business day
        ("DE", date(2026, 10, 3), True),
        ("weekends", date(2026, 12, 25), False),
        ("JP", date(2026, 12, 29), True),  # closing of authorities, 29 December to 3 January
        ("JP", date(2027, 1, 3), True),
        ("JP", date(2027, 1, 4), False),
        ("JP", date(2026, 9, 22), True),  # between two holidays
        ("JP", date(2026, 5, 6), True),  # substitute for Constitution Day on a Sunday
        ("SG", date(2026, 8, 10), True),  # National Day falls on a Sunday
        ("SG", date(2026, 2, 18), True),  # second day of Chinese New Year
        ("SG", date(2026, 8, 8), True),  # a Saturday
        ("SG+SAT", date(2026, 8, 8), False),
        ("SG+SAT", date(2026, 8, 9), True),
        ("SG+SAT", date(2026, 3, 21), True),  # Hari Raya Puasa, a Saturday
        ("SG+SAT", date(2025, 5, 3), True),  # polling day, a Saturday
        ("SG", date(2027, 2, 8), True),  # Chinese New Year falls on a weekend
        ("BR", date(2027, 2, 8), False),  # Carnival Monday
        ("BR", date(2027, 3, 26), True),  # Good Friday
        ("JP", date(2027, 3, 22), True),  # substitute for the vernal equinox
        ("DK", date(2026, 5, 1), False),  # Great Prayer Day was abolished
        ("AU", date(2026, 1, 26), True),
        ("IE", date(2026, 4, 3), False),  # Good Friday is no public holiday
        ("IE", date(2026, 2, 2), True),  # St Brigid's Day
        ("FR", date(2026, 5, 8), True),
        ("NL", date(2026, 4, 27), True),  # King's Day
        ("IT", date(2026, 4, 25), True),
        ("PL", date(2026, 12, 24), True),  # since 2025
    ],
)
def test_a_day_is_open_or_closed(name: str, day: date, closed: bool) -> None:
    """As the statutes of the place have it."""
    assert bool(calendar(name).closed(day)) is closed


def test_an_unknown_calendar_is_refused() -> None:
    """No calendar is made up."""
    with pytest.raises(InvalidInput, match="no calendar is called"):
        calendar("XX")


def test_a_calendar_says_its_version() -> None:
    """The reasons of a limit can name what it was counted by."""
    assert calendar("BR").version.startswith("holidays ")
