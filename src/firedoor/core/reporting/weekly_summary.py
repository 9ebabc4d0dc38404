"""The week in a message: what was opened and closed, which limits come next, who is waited for.

Decides the words and their order: first what may still be missed. Of an incident it holds the number and the duty,
never a title, a fact or a question: messages are forwarded. Leaves counting to `figures` and sending to whoever asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any

from firedoor.core.dates.arithmetic import recorded
from firedoor.core.history.durations import span

SHOWN = 10
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)  # an instant that cannot be read counts as passed
NEVER = datetime.min.replace(tzinfo=UTC)
Row = Mapping[str, Any]


def digest_message(
    figures: Row, clocks: Sequence[Row], tasks: Sequence[Row], now: datetime, days: int = 7
) -> tuple[str, str]:
    """Return subject and text. `clocks` and `tasks` are the open ones, each with incident and due_at (ISO 8601)."""
    soon = now + timedelta(days=days)
    late = [row for _, row in _due(clocks, NEVER, now)]
    coming = [row for _, row in sorted(_due(clocks, now, soon), key=itemgetter(0))]
    waiting = [row for _, row in sorted(_due(tasks, NEVER, now), key=itemgetter(0))]
    subject = f"Firedoor, {days} days to {now.astimezone(UTC):%d %B %Y}: {_headline(late, coming, waiting)}"
    return subject, "\n".join(_lines(figures, late, coming, waiting, days)) + "\n"


def _due(rows: Sequence[Row], since: datetime, until: datetime) -> Iterator[tuple[datetime, Row]]:
    """The rows that are due from an instant on and before another, each with when."""
    return ((at, row) for row in rows if (at := _at(row)) is not None and since <= at < until)


def _headline(late: Sequence[Row], coming: Sequence[Row], waiting: Sequence[Row]) -> str:
    parts = [(late, "limit has", "limits have", "passed"), (coming, "limit comes", "limits come", "next"),
             (waiting, "task is", "tasks are", "overdue")]  # fmt: skip
    said = [f"{len(rows)} {one if len(rows) == 1 else many} {end}" for rows, one, many, end in parts if rows]
    return ", ".join(said) or "nothing is due"


def _lines(
    figures: Row, late: Sequence[Row], coming: Sequence[Row], waiting: Sequence[Row], days: int
) -> Iterator[str]:
    for title, rows in (("Limits that have passed", late), (f"Limits of the next {days} days", coming),
                        ("Overdue tasks", waiting)):  # fmt: skip
        if rows:
            yield f"{title}:"
            yield from (f"  {_at(row):%a %d %b %H:%M} UTC  {row['incident']}  {_what(row)}" for row in rows[:SHOWN])
            if len(rows) > SHOWN:
                yield f"  and {len(rows) - SHOWN} more"
            yield ""
    yield f"In the last {days} days:"
    yield (
        f"  {figures['incidents']} incidents were opened; of these {figures['open']} are open, {figures['closed']} "
        f"closed, {figures['false_alarms']} were false alarms, {figures['reopened']} opened again."
    )
    if figures["practice"]:
        yield f"  Practice runs are excluded: {figures['practice']} in this period."
    ends = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in figures["clocks"].items())
    yield f"  Their clocks: {ends}."
    yield from (f"  {_time(time)}" for time in figures["times"] if time["known"])


def _time(time: Row) -> str:
    return f"{time['about']}: median {span(time['median_seconds'])}, 90 % within {span(time['p90_seconds'])}"


def _what(row: Row) -> str:
    """What is due: of a clock its duty, of a task its number and role; never a question, which may hold facts.

    Of an incident that only some need to know about neither duty nor role, which would tell what happened.
    """
    if row.get("restricted"):
        return f"T{row['number']}" if row.get("number") else "a limit"
    if row.get("number"):
        return f"T{row['number']} for {str(row.get('role', '')).replace('_', ' ')}"
    return str(row.get("title") or "")


def _at(row: Row) -> datetime | None:
    due = row.get("due_at")
    return (recorded(due) or LONG_AGO) if due else None
