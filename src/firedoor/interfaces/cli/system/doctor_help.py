"""What `doctor` says about the table of helplines: how many services it has, and which must be looked at again.

Decides that an entry past its day of review is a note: a number that is out of date is worse than none for whoever
dials it. Changes nothing.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Literal

SHOWN = 5  # entries named one by one


def state_of_help(today: date | None = None) -> tuple[Literal["well", "note"], str, str]:
    """The state, what was found, and what to do; `today` is a day in UTC."""
    from firedoor.helplines.catalogue import helplines

    table = helplines()
    over = table.stale(today or datetime.now(UTC).date())
    if not over:
        return "well", f"{len(table.entries)} services that help people, each within its day of review", ""
    named = ", ".join(f"{one.id} ({one.review_by})" for one in over[:SHOWN])
    do = (
        "read each at its source; correct `src/firedoor/helplines`, or tell people not to rely on it, and set review_by"
    )
    return "note", f"{len(over)} of {len(table.entries)} are past their day of review: {named}", do
