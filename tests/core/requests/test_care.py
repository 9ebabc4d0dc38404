"""How many cases somebody decided, and who is the second person: counts, bounds and their words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from firedoor.core.requests.care import NO_BOUNDS, Bounds, Decided, load_of, reached, read_bounds

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def decided(incident: str, hours: float, severity: str = "high") -> Decided:
    """A decision so many hours ago."""
    return Decided("ann", incident, severity, NOW - timedelta(hours=hours))


def test_a_case_counts_once_and_only_for_so_long() -> None:
    """However many answers it took; by severity, in a day and in a week."""
    load = load_of([decided("A", 1), decided("A", 2), decided("B", 3, "low"), decided("C", 30), decided("D", 200)], NOW)
    assert load.day == {"high": 1, "low": 1}
    assert load.week == {"high": 2, "low": 1}
    assert reached(NO_BOUNDS, load) == ""


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        (Bounds(cases_in_24_hours=2), "2 cases in 24 hours were decided; the bound is 2"),
        (Bounds(cases_in_24_hours=3), ""),
        (Bounds(cases_in_7_days=3), "3 cases in 7 days were decided; the bound is 3"),
        (Bounds(severe_cases_in_24_hours=1), "1 severe cases in 24 hours were decided; the bound is 1"),
        (Bounds(severe_cases_in_24_hours=2), ""),
    ],
)
def test_each_bound_counts_its_own(bounds: Bounds, words: str) -> None:
    """A low case is no severe one; yesterday's count in the week."""
    assert reached(bounds, load_of([decided("A", 1), decided("B", 3, "low"), decided("C", 30)], NOW)) == words


@pytest.mark.parametrize("given", [[], {"cases": 3}, {"cases_in_7_days": 0}, {"cases_in_7_days": "many"}])
def test_a_bound_that_cannot_be_read_is_refused(given: object) -> None:
    """With what there is, in words."""
    with pytest.raises(ValueError, match=r"bounds|known|whole number"):
        read_bounds(given)


def test_what_is_left_out_is_not_bounded() -> None:
    """No section, no bound."""
    assert read_bounds(None) == NO_BOUNDS
    assert read_bounds({"cases_in_7_days": "40"}) == Bounds(cases_in_7_days=40)
