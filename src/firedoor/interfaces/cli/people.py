"""`tasks`, `answer`, `clocks` and `submit`: what waits for people, and their answers.

Decides which calls these commands make. Who answers is the holder of the token; on
this machine, its user. Leaves who may answer what to the API.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from firedoor.interfaces.cli import render
from firedoor.interfaces.cli.options import (
    FactOption,
    Format,
    FormatOption,
    IncidentArgument,
    OptionalIncident,
    WhyOption,
    pairs,
)

if TYPE_CHECKING:
    from firedoor.interfaces.cli.client import Api

FieldOption = Annotated[
    list[str] | None,
    typer.Option("--field", metavar="NAME=VALUE", help="Something that the answer requires. Repeat it for more."),
]


def tasks(incident: OptionalIncident = None, written: FormatOption = Format.TEXT) -> None:
    """List what waits for people: who is asked, until when, and how to answer."""
    from firedoor.interfaces.cli import incident_page
    from firedoor.interfaces.cli.client import call

    answer = call(lambda api: api.get(f"/incidents/{incident}/tasks" if incident else "/tasks"))
    if written is Format.JSON:
        render.as_json(answer)
        return
    waiting = [task for task in answer["tasks"] if incident_page.is_open(task)]
    if waiting:
        (incident_page.write_tasks if incident else incident_page.write_all_tasks)(waiting)
    else:
        render.line("nothing waits for anybody")


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
        typer.Option("--break-glass", help="Answer without the role: everybody is told, and somebody else reviews it."),
    ] = False,
    written: FormatOption = Format.TEXT,
) -> None:
    """Answer a task. Your name, your reason and what you saw stand in the journal."""
    from firedoor.interfaces.cli.client import call

    body = {"choice": choice, "why": why, "facts": pairs(fact, "--fact"), "fields": pairs(field, "--field")}

    way = "break-glass" if break_glass else "answer"

    async def answered(api: Api) -> None:
        page = await api.post(f"/incidents/{incident}/tasks/{quote(task, safe='')}/{way}", body)
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
    """List the legal clocks: the one that runs out first is on top."""
    from firedoor.interfaces.cli import incident_page
    from firedoor.interfaces.cli.client import call

    answer = call(lambda api: api.get(f"/incidents/{incident}/clocks" if incident else "/clocks"))
    if written is ClocksFormat.JSON:
        render.as_json(answer)
        return
    found = [{"due": clock.get("due_at"), **clock} for clock in answer["clocks"]]  # the list over all calls it due_at
    if written is ClocksFormat.ICS:
        _write_calendar(found, incident)
        return
    if not found:
        render.line("no clock runs")
    incident_page.write_clocks(found, with_incident=incident is None)


def _write_calendar(found: list[dict[str, Any]], incident: str | None) -> None:
    import sys

    from firedoor.core.icalendar import calendar
    from firedoor.runtime.world import utc_now

    sys.stdout.write(calendar([{"incident": incident, **clock} for clock in found], utc_now()))


def submit(  # noqa: PLR0917 - options, which Typer gives by name
    incident: IncidentArgument,
    clock: Annotated[str, typer.Argument(metavar="CLOCK", help="The id that `clocks` shows.", show_default=False)],
    reference: Annotated[
        str, typer.Option("--reference", "--receipt", help="What the authority gave back: a reference or a receipt.")
    ] = "",
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="What was sent, as sent; it is kept as evidence.")
    ] = None,
    sent: Annotated[
        str,
        typer.Option(
            "--sent", help="Which version was sent, without a file: approved, edited, draft, none, or a digest."
        ),
    ] = "",
    why: Annotated[str, typer.Option("--why", help="A note for the journal.")] = "sent",
    field: FieldOption = None,
    written: FormatOption = Format.TEXT,
) -> None:
    """Record that a duty was met: the reference is what makes it more than a claim. The text sent is kept with it."""
    from firedoor.interfaces.cli.client import call

    fields = {**pairs(field, "--field"), **({"reference": reference} if reference else {})}
    version = sent if sent or file is not None else _asked()
    if version:
        fields["version"] = version

    async def submitted(api: Api) -> None:
        if file is not None:
            from firedoor.interfaces.cli.evidence import send

            kept = await send(api, incident, file, f"as sent for {clock}", "submission")
            fields["as_sent_sha256"] = str(kept["sha256"])
        page = await api.post(
            f"/incidents/{incident}/clocks/{quote(clock, safe='')}/submit", {"fields": fields, "why": why}
        )
        await _after(api, incident, page, written, f"submitted: {clock}")

    call(submitted)


def _asked() -> str:
    """Ask somebody at a terminal which version was sent; a program that says nothing means the approved one."""
    import sys

    if not sys.stdin.isatty():
        return ""
    words = "Which version was sent: approved, edited, draft, or none (Enter: the approved one, else the draft)"
    return str(typer.prompt(words, default="", show_default=False)).strip()


async def _after(api: Api, incident: str, page: Any, written: Format, words: str) -> None:  # noqa: ANN401 - any JSON value
    """Say what was written, and what waits now."""
    from firedoor.interfaces.cli import incident_page

    if written is Format.JSON:
        render.as_json(page)
        return
    render.line(f"[green]{render.escape(words)}[/]")
    now = await api.get(f"/incidents/{incident}")
    render.line(incident_page.headline(now))
    waiting = incident_page.tasks_of(now)
    if waiting:
        render.line()
        incident_page.write_tasks(waiting)
