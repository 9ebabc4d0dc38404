"""`clock extend`, `clock pause` and `clock resume`: more time for a legal clock, by a document.

Decides which calls these commands make. Leaves to the API that whoever asks for more time
cannot grant it.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import typer

from firedoor.interfaces.cli.terminal import render
from firedoor.interfaces.cli.terminal.client import Api, call
from firedoor.interfaces.cli.terminal.options import Format, FormatOption, IncidentArgument, WhyOption
from firedoor.interfaces.shapes.incident import ChangedClock

app = typer.Typer(no_args_is_help=True, help="Extend or pause a legal deadline; a second person must agree.")
ClockArgument = Annotated[str, typer.Argument(metavar="CLOCK", help="The id that `clocks` shows.", show_default=False)]
UntilOption = Annotated[
    str, typer.Option("--until", metavar="INSTANT", help="ISO 8601 with UTC offset.", show_default=False)
]
DocumentOption = Annotated[
    str, typer.Option("--document", help="The document that grants it: its reference or SHA-256.", show_default=False)
]


@app.command()
def extend(
    incident: IncidentArgument,
    clock: ClockArgument,
    until: UntilOption,
    document: DocumentOption,
    why: WhyOption,
    written: FormatOption = Format.TEXT,
) -> None:
    """Request an extension granted by the law or the authority. The deadline stays until someone else agrees."""
    _call(incident, clock, "extend", {"until": until, "document": document, "why": why}, written)


@app.command()
def pause(
    incident: IncidentArgument,
    clock: ClockArgument,
    until: UntilOption,
    document: DocumentOption,
    why: WhyOption,
    written: FormatOption = Format.TEXT,
) -> None:
    """Request a pause for law enforcement. The deadline resumes automatically at its end."""
    _call(incident, clock, "pause", {"until": until, "document": document, "why": why}, written)


@app.command()
def resume(
    incident: IncidentArgument, clock: ClockArgument, why: WhyOption, written: FormatOption = Format.TEXT
) -> None:
    """End a pause now. A deadline that passed in the meantime is due at once."""
    _call(incident, clock, "resume", {"why": why}, written)


def _call(incident: str, clock: str, verb: str, body: dict[str, str], written: Format) -> None:
    async def asked(api: Api) -> ChangedClock:
        path = f"/incidents/{quote(incident, safe='')}/clocks/{quote(clock, safe='')}/{verb}"
        return await api.post(path, body, ChangedClock)

    answer = call(asked)
    if written is Format.JSON:
        render.as_json(answer)
        return
    now = answer["clock"]
    render.line(f"[bold]{render.escape(now['id'])}[/]  {render.styled(now['state'])}  {render.due(now.get('due'))}")
    if verb != "resume":
        render.line("requested; a second person must agree (see `firedoor tasks`)")
