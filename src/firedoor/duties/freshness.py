"""How fresh the catalogue is: which duties must be looked at again, and what changed when.

Decides from the dates that every duty carries. Leaves today to the caller, and looking at
the law again to qualified people.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from firedoor.core.law.duty import Duty
from firedoor.core.problems import InvalidInput, Problem
from firedoor.duties.catalogue import Catalogue

HEAD = """# Changes of the duties

Written from the `changelog` of each duty in `src/firedoor/duties/`; a test compares the two. An entry is dated by the
day on which the catalogue changed, not by the day on which the law did: that day stands in the duty's versions.
[Duties](duties.md) says what a duty holds.
"""


def stale(catalogue: Catalogue, today: date) -> tuple[Duty, ...]:
    """Return the duties whose day of review has passed, the longest overdue first; later stages go with their duty."""
    over = (duty for duty in catalogue.values() if not duty.stage_of and duty.review_by < today)
    return tuple(sorted(over, key=lambda duty: (duty.review_by, duty.id)))


def changelog(catalogue: Catalogue) -> str:
    """Return the changes of all duties as a page, the newest day first. Raises InvalidInput for one without a day."""
    days: defaultdict[str, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for duty in catalogue.values():
        for entry in () if duty.stage_of else duty.changelog:
            day, what = _parts(duty, entry)
            days[day][what].append(duty.id)
    return "\n".join([HEAD, *(_day(day, days[day]) for day in sorted(days, reverse=True))])


def _parts(duty: Duty, entry: str) -> tuple[str, str]:
    day, colon, what = entry.partition(": ")
    try:
        return date.fromisoformat(day).isoformat(), what if colon else ""
    except ValueError:
        message = f'"{entry[:60]}" of {duty.id} does not begin with a day'
        raise InvalidInput(
            Problem(code="L108", field=duty.id, message=message, do='write "2026-11-21: what changed"')
        ) from None


def _day(day: str, changes: dict[str, list[str]]) -> str:
    order = sorted(changes, key=lambda what: (-len(changes[what]), what))
    lines = (
        f"- {what[:1].upper()}{what[1:]}: {', '.join(f'`{key}`' for key in sorted(changes[what]))}." for what in order
    )
    return "\n".join([f"## {day}", "", *lines, ""])
