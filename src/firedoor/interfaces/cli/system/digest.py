"""`digest`: the week in a message, to be sent from a timer.

Decides nothing: which incidents are counted follows from whose token is used. Leaves the words to `core.digest`.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from firedoor.interfaces.cli.terminal import render
from firedoor.interfaces.cli.terminal.client import Api, call
from firedoor.interfaces.cli.terminal.options import Format, FormatOption
from firedoor.interfaces.shapes.incident import Clocks, Tasks

TRIES, PAUSE = 150, 2.0  # how often the figures are asked for while some are not counted, and the seconds between


def digest(
    days: Annotated[int, typer.Option("--days", min=1, max=366, help="How many days back, and ahead.")] = 7,
    written: FormatOption = Format.TEXT,
) -> None:
    """Write the weekly summary: missed and upcoming deadlines, overdue tasks, metrics."""
    from datetime import timedelta

    from firedoor.core.reporting.weekly_summary import digest_message
    from firedoor.runtime.config.container import utc_now

    now = utc_now()

    async def read(api: Api) -> tuple[dict[str, Any], Clocks, Tasks]:
        figures = await _figures(api, (now - timedelta(days=days)).date().isoformat())
        return figures, await api.get("/clocks", Clocks), await api.get("/tasks", Tasks)

    figures, clocks, tasks = call(read)
    subject, text = digest_message(figures, clocks["clocks"], tasks["tasks"], now, days)
    if written is Format.JSON:
        render.as_json({"subject": subject, "text": text})
        return
    typer.echo(f"{subject}\n\n{text}", nl=False)


async def _figures(api: Api, since: str) -> dict[str, Any]:
    """The figures once everything is counted. Raises Unanswered after some minutes: half a week is no week."""
    from asyncio import sleep

    from firedoor.core.problems import Problem, Unanswered

    for _ in range(TRIES):
        found = await api.get("/figures", dict, since=since)
        if not found.get("not_counted_yet"):
            return found
        await sleep(PAUSE)
    message = f"{found['not_counted_yet']} incidents are still not counted"
    raise Unanswered(Problem(code="W170", message=message, do="try again later"))
