"""`tasks`, `answer`, `clocks` and `submit`: what waits for people, and their answers.

Decides which calls these commands make. Who answers is the holder of the token; on
this machine, its user. Leaves who may answer what to the API.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar
from urllib.parse import quote

import typer

from firedoor.interfaces.cli.incidents.evidence import send
from firedoor.interfaces.cli.terminal import incident_page, render
from firedoor.interfaces.cli.terminal.client import Api, call
from firedoor.interfaces.cli.terminal.options import (
    AfterOption,
    FactOption,
    Format,
    FormatOption,
    IncidentArgument,
    LimitOption,
    OptionalIncident,
    WhyOption,
    pairs,
)
from firedoor.interfaces.shapes.incident import Clock, Clocks, Incident, IncidentTasks, Tasks

T = TypeVar("T")
FieldOption = Annotated[
    list[str] | None,
    typer.Option("--field", metavar="NAME=VALUE", help="Something that the answer requires. Repeat it for more."),
]


def tasks(
    incident: OptionalIncident = None, limit: LimitOption = 500, after: AfterOption = "",
    written: FormatOption = Format.TEXT,
) -> None:  # fmt: skip
    """List open tasks: who is asked, when they are due, how to answer."""
    if incident:
        own = call(lambda api: api.get(f"/incidents/{incident}/tasks", IncidentTasks))
        _waiting(
            own, [task for task in own["tasks"] if incident_page.is_open(task)], incident_page.write_tasks, written
        )
    else:
        every = call(lambda api: api.get("/tasks", Tasks, limit=str(limit), after=after))
        waiting = [task for task in every["tasks"] if incident_page.is_open(task)]
        _waiting(every, waiting, incident_page.write_all_tasks, written)


def _waiting(
    page: Mapping[str, object], tasks: Sequence[T], write: Callable[[Sequence[T]], None], written: Format
) -> None:
    if written is Format.JSON:
        render.as_json(page)
        return
    if tasks:
        write(tasks)
    else:
        render.line("no task is open in the incidents that you may read")
    render.more(page, "tasks")


def answer(  # noqa: PLR0917 - a command has as many parameters as options
    incident: IncidentArgument,
    task: Annotated[str, typer.Argument(metavar="TASK", help="Its number (3 or T3) or its id.", show_default=False)],
    choice: Annotated[
        str, typer.Argument(metavar="CHOICE", help="One of the choices that `tasks` lists.", show_default=False)
    ],
    why: WhyOption = "",
    fact: FactOption = None,
    field: FieldOption = None,
    break_glass: Annotated[
        bool,
        typer.Option(
            "--break-glass",
            help="Emergency access: answer without the role. Everyone is notified and someone else must review it.",
        ),
    ] = False,
    written: FormatOption = Format.TEXT,
) -> None:
    """Answer a task. Recorded with your name, your reason and what you saw."""
    body = {"choice": choice, "why": why, "facts": pairs(fact, "--fact"), "fields": pairs(field, "--field")}

    way = "break-glass" if break_glass else "answer"

    async def answered(api: Api) -> None:
        page = await api.post(f"/incidents/{incident}/tasks/{quote(task, safe='')}/{way}", body, object)
        await _after(api, incident, page, written, f"answered: {choice}")

    call(answered)


class ClocksFormat(StrEnum):
    """How the clocks are written."""

    TEXT = "text"
    JSON = "json"
    ICS = "ics"


def clocks(
    incident: OptionalIncident = None,
    written: Annotated[
        ClocksFormat, typer.Option("--format", help="text for people, json for programs, ics for a calendar.")
    ] = ClocksFormat.TEXT,
) -> None:
    """List legal deadlines, most urgent first."""
    answer = call(lambda api: api.get(f"/incidents/{incident}/clocks" if incident else "/clocks", Clocks))
    if written is ClocksFormat.JSON:
        render.as_json(answer)
        return
    found: list[Clock] = [
        {"due": clock.get("due_at"), **clock} for clock in answer["clocks"]
    ]  # the list over all calls it due_at
    if written is ClocksFormat.ICS:
        _write_calendar(found, incident)
        return
    if not found:
        render.line("no open legal deadlines")
    incident_page.write_clocks(found, with_incident=incident is None)


def _write_calendar(found: list[Clock], incident: str | None) -> None:
    import sys

    from firedoor.core.reporting.icalendar import calendar
    from firedoor.runtime.config.container import utc_now

    sys.stdout.write(calendar([{"incident": incident, **clock} for clock in found], utc_now()))


def submit(  # noqa: PLR0917 - options, which Typer gives by name
    incident: IncidentArgument,
    clock: Annotated[str, typer.Argument(metavar="CLOCK", help="The id that `clocks` shows.", show_default=False)],
    reference: Annotated[
        str, typer.Option("--reference", "--receipt", help="The authority's reference or receipt number.")
    ] = "",
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="The file that was sent; stored as evidence.")
    ] = None,
    sent: Annotated[
        str,
        typer.Option(
            "--sent", help="Which text was sent: approved, a digest, file (handed in before), or none: no copy kept."
        ),
    ] = "",
    channel: Annotated[
        str, typer.Option("--channel", help="Channel: the authority's portal, e-mail, post ...", show_default=False)
    ] = "",
    sent_at: Annotated[
        str, typer.Option("--sent-at", metavar="INSTANT", help="When it was sent, ISO 8601 with its offset, or now.")
    ] = "",
    why: Annotated[str, typer.Option("--why", help="A note for the record.")] = "sent",
    field: FieldOption = None,
    written: FormatOption = Format.TEXT,
) -> None:
    """Record that a notice was sent: which text, how, when, and its reference."""
    fields = {**pairs(field, "--field"), **({"reference": reference} if reference else {})}
    said = {"version": sent, "channel": channel, "sent_at": sent_at}
    fields |= {name: word for name, given in said.items() if (word := given or _asked(name, file is not None))}

    async def submitted(api: Api) -> None:
        if file is not None:
            kept = await send(api, incident, file, f"as sent for {clock}", "submission")
            fields["as_sent_sha256"] = str(kept["sha256"])
        page = await api.post(
            f"/incidents/{incident}/clocks/{quote(clock, safe='')}/submit", {"fields": fields, "why": why}, object
        )
        await _after(api, incident, page, written, f"submitted: {clock}")

    call(submitted)


ASKED = {
    "version": "Which text was sent (approved, file: one handed in before, a digest, or none: no copy is kept)",
    "channel": "By which channel (the authority's portal, e-mail, post ...)",
    "sent_at": "When it was sent (with its offset, or now)",
}


def _asked(name: str, has_file: bool) -> str:
    """Ask somebody at a terminal for what a sending needs; to a program the server says what is missing."""
    import sys

    if not sys.stdin.isatty() or (name == "version" and has_file):
        return ""
    return str(typer.prompt(ASKED[name], default="", show_default=False)).strip()


async def _after(api: Api, incident: str, page: object, written: Format, words: str) -> None:
    """Say what was written, and what waits now."""
    if written is Format.JSON:
        render.as_json(page)
        return
    render.line(f"[green]{render.escape(words)}[/]")
    now = await api.get(f"/incidents/{incident}", Incident)
    render.line(incident_page.headline(now))
    waiting = incident_page.tasks_of(now)
    if waiting:
        render.line()
        incident_page.write_tasks(waiting)
