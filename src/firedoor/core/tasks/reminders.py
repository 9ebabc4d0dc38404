"""When a person is reminded of a task, and who hears of it when nobody answers.

Decides the points: half of the time, its end, and then on and on at growing distances, at most so many times, until
somebody answers. At the end of its time a task goes to whom the step names next; at each later point to the next of the
chain (the step's own, then the organisation's), and when that is at its end everybody hears of it. Those of clocks are
in `clock.reminder_points`. Leaves writing to the watch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

HALF, OVER = "half", "T"
AFTER = "T+"
TIMES = 24  # reminders after the end, at most: whoever has ignored so many is not woken by another one
SHORTEST, LONGEST = timedelta(seconds=1), timedelta(days=1)  # between two of them


def task_points(opened_at: datetime, due_at: datetime) -> list[tuple[str, datetime]]:
    """The points of a task up to the end of its time, in order."""
    if due_at <= opened_at:
        return [(OVER, due_at)]
    return [(HALF, opened_at + (due_at - opened_at) / 2), (OVER, due_at)]


def later_points(opened_at: datetime, due_at: datetime) -> list[tuple[str, datetime]]:
    """The points after it: the time that was given, doubled each time, and never more than a day apart."""
    gap = min(max(due_at - opened_at, SHORTEST), LONGEST)
    at, points = due_at, []
    for number in range(1, TIMES + 1):
        at += gap
        points.append((f"{AFTER}{number}", at))
        gap = min(gap * 2, LONGEST)
    return points


def next_point(opened_at: datetime, due_at: datetime, fired: str, now: datetime) -> tuple[str, datetime] | None:
    """The point to wait for once one has fired; those that passed meanwhile are left out. None before the end."""
    if fired != OVER and not number_of(fired):
        return None
    points = later_points(opened_at, due_at)[number_of(fired) :]
    return next(((name, at) for name, at in points if at > now), None)


def number_of(point: str) -> int:
    """Which reminder after the end it is, from 1; 0 for another point."""
    digits = point.removeprefix(AFTER)
    return int(digits) if point.startswith(AFTER) and digits.isdecimal() else 0


def next_in(chain: Iterable[str], asked: Iterable[str]) -> str | None:
    """The first role of the chain that has not been asked; None at its end."""
    known = set(asked)
    return next((role for role in chain if role not in known), None)


def everybody(asked: Iterable[str], chain: Sequence[str], roles: Sequence[str]) -> list[str]:
    """Who hears of a task of which the whole chain has heard in vain."""
    return sorted({*asked, *chain, *roles})
