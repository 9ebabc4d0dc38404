"""When a person is reminded of a task."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from firedoor.core.reminders import task_points

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def test_at_half_of_the_time_and_at_its_end() -> None:
    """Two points, in order."""
    points = task_points(NOW, NOW + timedelta(hours=4))
    assert points == [("half", NOW + timedelta(hours=2)), ("T", NOW + timedelta(hours=4))]


@pytest.mark.parametrize("due", [NOW, NOW - timedelta(days=3)])
def test_a_task_that_is_over_when_it_opens_is_escalated_at_once(due: datetime) -> None:
    """There is no half of no time, and the escalation is not lost."""
    assert task_points(NOW, due) == [("T", due)]
