"""When a person is reminded of a task."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from firedoor.core.tasks.reminders import TIMES, later_points, next_in, next_point, task_points

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def test_at_half_of_the_time_and_at_its_end() -> None:
    """Two points, in order."""
    points = task_points(NOW, NOW + timedelta(hours=4))
    assert points == [("half", NOW + timedelta(hours=2)), ("T", NOW + timedelta(hours=4))]


@pytest.mark.parametrize("due", [NOW, NOW - timedelta(days=3)])
def test_a_task_that_is_over_when_it_opens_is_escalated_at_once(due: datetime) -> None:
    """There is no half of no time, and the escalation is not lost."""
    assert task_points(NOW, due) == [("T", due)]


def test_they_go_on_at_growing_distances_and_end() -> None:
    """Doubled each time, at most a day apart, and no more than is written down."""
    due = NOW + timedelta(hours=4)
    points = later_points(NOW, due)
    assert [at - due for _, at in points[:4]] == [timedelta(hours=hours) for hours in (4, 12, 28, 52)]
    gaps = {after - before for (_, before), (_, after) in pairwise(points[3:])}
    assert (len(points), gaps) == (TIMES, {timedelta(days=1)})


@pytest.mark.parametrize("within", [timedelta(0), timedelta(seconds=4), timedelta(minutes=30), timedelta(days=90)])
def test_the_noise_is_bounded_whatever_time_was_given(within: timedelta) -> None:
    """Never less than a second apart, never more often than is written down."""
    ats = [at for _, at in later_points(NOW, NOW + within)]
    gaps = [after - before for before, after in pairwise(ats)]
    assert min(gaps) >= timedelta(seconds=1)
    assert (max(gaps), len(ats)) == (timedelta(days=1), TIMES)


def test_what_passed_in_a_silence_is_left_out() -> None:
    """After a night nobody gets six messages at once: the next point lies ahead; after the last there is none."""
    due = NOW + timedelta(hours=1)
    assert next_point(NOW, due, "T", due) == ("T+1", due + timedelta(hours=1))
    assert next_point(NOW, due, "T", due + timedelta(hours=5)) == ("T+3", due + timedelta(hours=7))
    assert next_point(NOW, due, "half", NOW) is None
    assert next_point(NOW, due, f"T+{TIMES}", NOW) is None


def test_the_chain_has_an_end() -> None:
    """One after the other, each once."""
    assert next_in(("dpo", "manager"), {"commander", "dpo"}) == "manager"
    assert next_in(("dpo",), {"commander", "dpo"}) is None
