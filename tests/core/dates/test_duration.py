"""Durations as people write them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firedoor.core.dates.duration import parse_duration, show_duration
from firedoor.core.problems import InvalidInput


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("30m", 1800), ("72h", 259_200), ("10d", 864_000), ("1d2h3m4s", 93_784), (" 5m ", 300)],
)
def test_the_usual_forms(text: str, seconds: int) -> None:
    """Days, hours, minutes and seconds, alone and together; a day is 24 hours."""
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["", "0h", "5", "m", "1w", "-1h", "1.5h", "2h1d", "1 h", "999999d", "\u0661h", None, 30, True]
)
def test_anything_else_is_refused_with_an_example(text) -> None:
    """Nothing, zero, a bare number, another unit or order, more digits than a life has days, and no text at all."""
    with pytest.raises(InvalidInput) as caught:
        parse_duration(text)
    assert (caught.value.problems[0].code, "72h" in caught.value.problems[0].do) == ("P110", True)


@given(st.integers(1, 99_999 * 86_400))
def test_what_is_shown_reads_back(seconds: int) -> None:
    """Showing and reading are each other's inverse."""
    assert parse_duration(show_duration(seconds)) == timedelta(seconds=seconds)


def test_nothing_is_shown_as_nothing() -> None:
    """Zero seconds are shown, though they cannot be written in a playbook."""
    assert show_duration(0) == "0s"
