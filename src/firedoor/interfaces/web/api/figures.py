"""Figures over incidents, for managers: as JSON, and as one line an incident for a spreadsheet.

Decides which incidents are counted: those in the period that the caller may read. One that is closed to the caller
counts in the number of all incidents and nowhere else, so that no filter tells anything about it. And that an answer
says what is not counted yet. Leaves what is counted to `core.figures`, and counting to `runtime.counting`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from firedoor.core.access.need_to_know import may_read
from firedoor.core.access.security import Export
from firedoor.core.journal import Body
from firedoor.core.language.validation import off_list
from firedoor.core.lifecycle import IncidentType
from firedoor.core.problems import InvalidInput, NotRead, Problem
from firedoor.core.reporting.metrics import as_csv, summary
from firedoor.core.severity import UNSAID, Severity
from firedoor.interfaces.web.http.responses import answer
from firedoor.interfaces.web.leaving import exported
from firedoor.interfaces.web.security.auth import Asking, Caller, Running
from firedoor.runtime.loops.metrics import Found
from firedoor.runtime.process.application import Runtime
from firedoor.store.database.sql import table
from firedoor.store.database.tables import IncidentRow
from firedoor.store.incidents import figure_rows

router = APIRouter(prefix="/api/v1", tags=["incidents"])

PERIOD = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which incidents are counted: opened from a day to a day (UTC, both included), of a type, of a severity."""

    since: date
    until: date
    type: str = ""
    severity: str = ""


def wanted(now: datetime, since: str, until: str, kind: str, severity: str) -> Wanted:
    """Read the filters; empty ones are the last ninety days, and everything. Raises InvalidInput with every problem."""
    problems: list[Problem] = []
    first = _day("since", since, (now - PERIOD).date(), problems)
    last = _day("until", until, now.date(), problems)
    for name, given, known in (("type", kind, IncidentType), ("severity", severity, (*Severity, UNSAID))):
        if given and given not in list(known):
            problems.append(off_list(name, given, known, "W140"))
    if problems:
        raise InvalidInput(problems)
    return Wanted(first, last, kind, severity)


@router.get("/figures", summary="How many incidents, how long they took, how their clocks ended")
async def get_figures(
    runtime: Running, caller: Asking, since: str = "", until: str = "", type: str = "", severity: str = "",  # noqa: A002 - the parameter's name
    format: Annotated[Literal["json", "csv"], Query()] = "json",  # noqa: A002 - the parameter's name
) -> Response:  # fmt: skip
    """`since` and `until` are days such as 2026-11-01. `format=csv` has a line for each incident."""
    asked = wanted(runtime.world.now(), since, until, type, severity)
    found, total = await asyncio.to_thread(figures_for, runtime, caller, asked)
    if format == "json":
        return answer(shown(asked, found, total))
    made = _as_csv(found)
    exported(runtime, caller, Export.FIGURES, format=format)
    return made


def shown(asked: Wanted, found: Found, total: int) -> Body:
    """The figures with what was asked. `all_incidents` counts every one of this house, whoever may read it.

    `not_counted_yet` are those of the period that are counted in the background right now, and `cannot_be_counted`
    those whose journal does not hold what it must: neither stands in any other number.
    """
    filters = {"since": asked.since.isoformat(), "until": asked.until.isoformat(), "type": asked.type or None,
               "severity": asked.severity or None}  # fmt: skip
    missing = {"not_counted_yet": found.waiting, "cannot_be_counted": found.unreadable}
    return {**filters, "all_incidents": total, **missing, **summary(found.figures)}


def figures_for(runtime: Runtime, caller: Caller, asked: Wanted) -> tuple[Found, int]:
    """The figures of the incidents that this caller may read, and the number of all that there are."""
    columns = table(IncidentRow).c
    where = (columns.opened_at >= asked.since.isoformat()) & (columns.opened_at < _after(asked.until))
    for column, given in ((columns.type, asked.type), (columns.severity, asked.severity)):
        where = where & (column == given) if given else where
    rows, total = figure_rows.wanted(runtime.world.store, where)
    readable = [row for row in rows if caller.local or may_read(row.readers, caller.person)]
    return runtime.counting.figures(readable), total


def _as_csv(found: Found) -> Response:
    """A line for each; a sheet that lacks some and does not say so would be worse than none."""
    if found.waiting:
        message = f"{found.waiting} incidents are not counted yet"
        raise NotRead(Problem(code="W170", message=message, do="ask again in a few seconds: they are being counted"))
    headers = {"Content-Disposition": 'attachment; filename="firedoor-figures.csv"'}
    return Response(as_csv(found.figures), media_type="text/csv; charset=utf-8", headers=headers)


def _day(name: str, given: str, otherwise: date, problems: list[Problem]) -> date:
    try:
        return date.fromisoformat(given) if given else otherwise
    except ValueError:
        problems.append(Problem(code="W141", field=name, message=f"{given[:40]} is no day", do="write 2026-11-21"))
        return otherwise


def _after(day: date) -> str:
    return (day + timedelta(days=1)).isoformat() if day < date.max else "9999-12-32"
