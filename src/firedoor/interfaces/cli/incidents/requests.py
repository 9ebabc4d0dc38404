"""`request list`, `show`, `add`, `complete`, `letter` and `answer`: requests of people, each answered for by itself.

Decides which calls these commands make and how a request reads in a terminal. Leaves every rule to the API.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, TypeVar
from urllib.parse import quote

import typer

from firedoor.interfaces.cli.terminal import render
from firedoor.interfaces.cli.terminal.client import call
from firedoor.interfaces.cli.terminal.options import Format, FormatOption, IncidentArgument, WhyOption, pairs
from firedoor.interfaces.shapes.records import OneRequest, Request, Requests

T = TypeVar("T")
app = typer.Typer(no_args_is_help=True, help="Requests from people: removal, complaints, data rights.")
RequestArgument = Annotated[str, typer.Argument(metavar="REQUEST", help="Such as R2.", show_default=False)]
ElementOption = Annotated[
    list[str] | None,
    typer.Option("--element", metavar="NAME=yes|no|unknown", help="What it contains or lacks. Repeat it for more."),
]
RequesterOption = Annotated[str, typer.Option("--requester", help="Who asks; sealed.")]
ContactOption = Annotated[str, typer.Option("--contact", help="How to reach them; sealed.")]
LocatorOption = Annotated[list[str] | None, typer.Option("--locator", help="Where the content is; sealed.")]
AtOption = Annotated[str | None, typer.Option("--at", metavar="INSTANT", help="ISO 8601 with its offset; else now.")]
ReferenceOption = Annotated[str, typer.Option("--reference", help="Where it is found again: a ticket, a message.")]


FilesArgument = Annotated[
    list[Path], typer.Argument(metavar="FILE...", exists=True, dir_okay=False, help=".eml files, or .mbox mailboxes.")
]


@app.command("import")
def import_mail(files: FilesArgument) -> None:
    """Read removal requests from e-mails. Attachments are counted and dropped; a human writes back."""
    from firedoor.interfaces.cli.incidents import mailed

    mailed.take_in(files)


@app.command("list")
def list_requests(
    incident: IncidentArgument,
    after: Annotated[str, typer.Option("--after", metavar="REQUEST", help="Begin behind this one.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="Maximum number to list.")] = 100,
    written: FormatOption = Format.TEXT,
) -> None:
    """List requests from people in an incident: content, legal assessment, deadlines."""
    answer = _get(incident, "", Requests, limit=str(limit), after=after)
    if written is Format.JSON:
        render.as_json(answer)
        return
    for one in answer["requests"]:
        _line(one)
    if not answer["requests"]:
        render.line("no more requests" if after else "no requests yet")
    if answer["next"]:
        render.line(f"more: add --after {answer['next']}")


@app.command()
def show(incident: IncidentArgument, request: RequestArgument, written: FormatOption = Format.TEXT) -> None:
    """One request in full."""
    _shown(_get(incident, f"/{quote(request, safe='')}", OneRequest), written)


@app.command()
def add(  # noqa: PLR0917 - options of a command
    incident: IncidentArgument,
    why: WhyOption,
    kind: Annotated[str, typer.Option("--kind", help="removal, complaint, rights or appeal.")] = "removal",
    at: AtOption = None,
    element: ElementOption = None,
    requester: RequesterOption = "",
    contact: ContactOption = "",
    locator: LocatorOption = None,
    reference: ReferenceOption = "",
    written: FormatOption = Format.TEXT,
) -> None:
    """Add a request. The same person about the same content counts as the same request."""
    said = _said(why, element, requester, contact, locator, reference)
    _post(incident, "", {**said, "kind": kind, "received_at": at}, written)


@app.command()
def complete(  # noqa: PLR0917 - options of a command
    incident: IncidentArgument,
    request: RequestArgument,
    why: WhyOption,
    element: ElementOption = None,
    at: AtOption = None,
    requester: RequesterOption = "",
    contact: ContactOption = "",
    locator: LocatorOption = None,
    reference: ReferenceOption = "",
    written: FormatOption = Format.TEXT,
) -> None:
    """Add details to a request."""
    said = _said(why, element, requester, contact, locator, reference)
    _post(incident, f"/{quote(request, safe='')}/complete", {**said, "at": at}, written)


@app.command()
def letter(
    incident: IncidentArgument,
    request: RequestArgument,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="acknowledgement, question or answer.")],
    reference: ReferenceOption,
    at: AtOption = None,
    written: FormatOption = Format.TEXT,
) -> None:
    """Record a letter sent to the person. The request stays open."""
    body = {"letter": kind, "reference": reference, "at": at}
    _post(incident, f"/{quote(request, safe='')}/letter", body, written)


@app.command()
def answer(  # noqa: PLR0917 - options of a command
    incident: IncidentArgument,
    request: RequestArgument,
    outcome: Annotated[str, typer.Argument(metavar="OUTCOME", help="removed, refused or withdrawn.")],
    why: WhyOption,
    reference: ReferenceOption = "",
    channel: Annotated[str, typer.Option("--channel", help="By which the person was told.")] = "",
    sent_at: Annotated[str, typer.Option("--sent-at", metavar="INSTANT", help="When they were told, or now.")] = "",
    version: Annotated[str, typer.Option("--version", help="The text sent: approved, a digest, file or none.")] = "",
    reasons_for_delay: Annotated[
        str, typer.Option("--reasons-for-delay", help="Reasons, if a deadline was missed.")
    ] = "",
    ground: Annotated[str, typer.Option("--ground", help="Of a refusal, for the yearly report: not_found, ...")] = "",
    alone: Annotated[str, typer.Option("--alone", help="Why nobody else can, once enough cases were decided.")] = "",
    written: FormatOption = Format.TEXT,
) -> None:
    """Answer a request and close its own deadlines and tasks. The person reads the reasons of a refusal.

    A refusal counts once a second person answers so too.
    """
    body = {
        "outcome": outcome, "why": why, "reference": reference, "channel": channel, "sent_at": sent_at,
        "version": version, "reasons_for_delay": reasons_for_delay, "ground": ground or None, "alone": alone,
    }  # fmt: skip
    _post(incident, f"/{quote(request, safe='')}/answer", body, written)


def _said(
    why: str, element: list[str] | None, requester: str, contact: str, locator: list[str] | None, reference: str
) -> dict[str, object]:
    return {
        "why": why, "elements": pairs(element, "--element"), "requester": requester, "requester_contact": contact,
        "locators": locator or [], "reference": reference,
    }  # fmt: skip


def _get(incident: str, rest: str, form: type[T], **query: str) -> T:
    return call(lambda api: api.get(f"/incidents/{quote(incident, safe='')}/requests{rest}", form, **query))


def _post(incident: str, rest: str, body: Mapping[str, object], written: Format) -> None:
    path = f"/incidents/{quote(incident, safe='')}/requests{rest}"
    _shown(call(lambda api: api.post(path, body, OneRequest)), written)


def _shown(answer: OneRequest, written: Format) -> None:
    if written is Format.JSON:
        render.as_json(answer)
        return
    one = answer["request"]
    _line(one)
    for law in one["laws"]:
        lacks = f": not {'; '.join(law['missing'])}" if law["missing"] else ""
        render.line(f"    {render.escape(law['title'])}: {law['valid_words']}{render.escape(lacks)}")
    for sentence in one["ask"]:
        render.line(f"    ask the person: {render.escape(sentence)}")
    if (waits := one["proposed"]) is not None:
        words = f"{waits['by']} proposed to refuse it: {waits['why']} A second person has to agree."
        render.line(f"    {render.escape(words)}")
    for sent in one["letters"]:
        render.line(f"    {sent['letter']} sent {sent['at']} ({render.escape(sent['reference'])})")


def _line(one: Request) -> None:
    words = f"{one['kind_words']}  {render.escape(one['status_words'])}"
    render.line(f"[bold]{one['name']}[/]  {words}  received {one['received_at']}")
    for clock in one["clocks"]:
        due = render.due(clock["due"])
        render.line(f"    {render.escape(clock['title'])}  {render.styled(clock['state'])}  {due}")
