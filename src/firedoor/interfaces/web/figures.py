"""Figures over incidents, for managers: as JSON, and as one line an incident for a spreadsheet.

Decides which incidents are counted: those in the period that the caller may read. One that is closed to the caller
counts in the number of all incidents and nowhere else, so that no filter tells anything about it. What was worked out
for a state of a journal is kept. Leaves what is counted to `core.figures`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from sqlalchemy import func, select
from starlette.responses import Response

from firedoor.core.figures import Figure, as_csv, figure_of, summary
from firedoor.core.incident import IncidentType
from firedoor.core.journal import Body
from firedoor.core.naming import Names
from firedoor.core.need_to_know import may_read
from firedoor.core.problems import InvalidInput, Problem
from firedoor.core.severity import Severity
from firedoor.core.view import fold
from firedoor.interfaces.web.answers import answer
from firedoor.interfaces.web.auth import Asking, Caller, Running
from firedoor.runtime.start import Runtime
from firedoor.runtime.world import World
from firedoor.store.projections import table
from firedoor.store.tables import IncidentRow

router = APIRouter(prefix="/api/v1", tags=["incidents"])

PERIOD = timedelta(days=90)
REMEMBERED = 20_000  # incidents
_known: dict[tuple[str, str], Figure] = {}


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
    for name, given, known in (("type", kind, IncidentType), ("severity", severity, Severity)):
        if given and given not in list(known):
            do = f"known: {', '.join(known)}"
            problems.append(Problem(code="W140", field=name, message=f'no {name} is called "{given[:60]}"', do=do))
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
    figures, total = await asyncio.to_thread(figures_for, runtime, caller, asked)
    if format == "csv":
        headers = {"Content-Disposition": 'attachment; filename="firedoor-figures.csv"'}
        return Response(as_csv(figures), media_type="text/csv; charset=utf-8", headers=headers)
    return answer(shown(asked, figures, total))


def shown(asked: Wanted, figures: list[Figure], total: int) -> Body:
    """The figures with what was asked. `all_incidents` counts every one of this house, whoever may read it."""
    filters = {"since": asked.since.isoformat(), "until": asked.until.isoformat(), "type": asked.type or None,
               "severity": asked.severity or None}  # fmt: skip
    return {**filters, "all_incidents": total, **summary(figures)}


def figures_for(runtime: Runtime, caller: Caller, asked: Wanted) -> tuple[list[Figure], int]:
    """The figures of each incident that is counted, and the number of all that there are."""
    columns, store = table(IncidentRow).c, runtime.world.store
    where = (columns.opened_at >= asked.since.isoformat()) & (columns.opened_at < _after(asked.until))
    for column, given in ((columns.type, asked.type), (columns.severity, asked.severity)):
        where = where & (column == given) if given else where
    rows = store.rows(IncidentRow, where, columns.opened_at, None)
    with store.engine.connect() as connection:
        total = int(connection.execute(select(func.count()).select_from(table(IncidentRow))).scalar_one())
    readable = [row for row in rows if caller.local or may_read(row["readers"], caller.person)]
    return [_figure(runtime.world, row) for row in readable], total


def _figure(world: World, row: Mapping[str, Any]) -> Figure:
    key = (str(row["id"]), str(row["head_hash"]))
    found = _known.get(key)
    if found is None:
        entries, plan = world.store.entries(key[0]), world.store.plan(row["plan_digest"])
        names = Names(plan, world.definitions(plan))
        found = figure_of(fold(key[0], entries), entries, names)
        if len(_known) >= REMEMBERED:
            _known.clear()
        _known[key] = found
    return found


def _day(name: str, given: str, otherwise: date, problems: list[Problem]) -> date:
    try:
        return date.fromisoformat(given) if given else otherwise
    except ValueError:
        problems.append(Problem(code="W141", field=name, message=f"{given[:40]} is no day", do="write 2026-11-21"))
        return otherwise


def _after(day: date) -> str:
    return (day + timedelta(days=1)).isoformat() if day < date.max else "9999-12-32"
