"""Figures for managers: counts, times, how clocks ended, and the last drills, over a period.

Decides how they are drawn. Which incidents count for whom is decided in `interfaces.web.figures`, for the API as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from firedoor.core.history.durations import span
from firedoor.core.journal import Body
from firedoor.core.lifecycle import IncidentType
from firedoor.core.problems import FiredoorError, Problem
from firedoor.interfaces.web.api.figures import figures_for, shown, wanted
from firedoor.interfaces.web.console.drill_runs import results_of
from firedoor.interfaces.web.http.pages import page
from firedoor.interfaces.web.http.words import SEVERITIES
from firedoor.interfaces.web.security.auth import Asking, Running
from firedoor.interfaces.web.security.route_table import Access

router = APIRouter(tags=["console"], include_in_schema=False)

WIDE, BAR = 140, 26  # units of a picture
AGAIN = 5  # seconds until a page is loaded anew on which not everything is counted
BAD = frozenset(("late", "missed"))
ENDS = {
    "met": "sent in time", "late": "sent late", "missed": "missed", "waived": "ended by decision",
    "open": "still running", "fell_away": "no longer applied",
}  # fmt: skip
Word = Annotated[str, Query(max_length=60)]


@router.get("/figures", summary="Figures over incidents")
async def show(  # the parameters on the wire
    request: Request, runtime: Running, caller: Asking, since: Word = "", until: Word = "", type: Word = "",  # noqa: A002 - on the wire
    severity: Word = "",
) -> Response:  # fmt: skip
    """The last ninety days, unless other days are asked for."""
    now, status = runtime.world.now(), 200
    problems: tuple[Problem, ...] = ()
    try:
        asked = wanted(now, since, until, type, severity)
    except FiredoorError as error:
        problems, status, asked = error.problems, error.http_status, wanted(now, "", "", "", "")
    counted, total = await asyncio.to_thread(figures_for, runtime, caller, asked)
    found = shown(asked, counted, total)
    drills = [run for run in await results_of(runtime) if run.playbook in runtime.shelf.plans]
    given = {"since": asked.since, "until": asked.until, "type": asked.type, "severity": asked.severity}
    made = page(
        request, "figures.html.j2", status, caller=caller, found=found, given=given, problems=problems,
        types=list(IncidentType), severities=SEVERITIES, query=urlencode(given), span=span,
        clocks=_bars({ENDS[name]: (count, name in BAD) for name, count in found["clocks"].items()}),
        months=_bars({month: (count, False) for month, count in found["by_month"].items()}),
        times=_times(found["times"]), drills=drills, leads_year=caller.may(Access.YEAR),
    )  # fmt: skip
    if counted.waiting and not problems:
        made.headers["Refresh"] = str(AGAIN)
    return made


def _bars(counts: Mapping[str, tuple[int, bool]]) -> Body:
    """A bar for each; the longest fills the width."""
    longest = max((count for count, _ in counts.values()), default=0) or 1
    bars = [
        {"name": name, "value": str(count), "y": place * BAR, "width": round(WIDE * count / longest), "bad": bad}
        for place, (name, (count, bad)) in enumerate(counts.items())
    ]
    return {"bars": bars, "height": max(BAR, len(counts) * BAR), "any": any(count for count, _ in counts.values())}


def _times(times: Sequence[Body]) -> list[Body]:
    return [
        {**time, "median": span(time["median_seconds"]), "p90": span(time["p90_seconds"])} for time in times
    ]  # fmt: skip
