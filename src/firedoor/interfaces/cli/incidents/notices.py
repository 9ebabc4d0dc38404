"""`notice` and `lessons`: notices to read, edit, approve and export, and what an incident leaves to talk about.

Decides that a text is edited in a file or in the editor that EDITOR names, and that what is approved is what was read
a moment ago. Leaves versions and who may do what to the API.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from firedoor.core.problems import InvalidInput, Problem
from firedoor.interfaces.cli.incidents.evidence import send
from firedoor.interfaces.cli.incidents.journal import deliver
from firedoor.interfaces.cli.terminal import render
from firedoor.interfaces.cli.terminal.client import Api, call
from firedoor.interfaces.cli.terminal.options import Format, FormatOption, IncidentArgument, WhyOption, content
from firedoor.interfaces.shapes.records import HandledNotice, Lessons, Notice, NoticeLine, Notices

app = typer.Typer(no_args_is_help=True, help="Notices: drafts, edits, approval, export, receipts. Nothing is sent.")


class Paper(StrEnum):
    """The forms of paper."""

    PDF = "pdf"
    DOCX = "docx"
    HTML = "html"
    TXT = "txt"
    MD = "md"
    XML = "xml"
    JSON = "json"


ClockArgument = Annotated[
    str, typer.Argument(metavar="CLOCK", help="The id that `notice list` shows, or press.", show_default=False)
]
LanguageOption = Annotated[str, typer.Option("--language", help="en, de, fr or es; otherwise as the facts say.")]
OutOption = Annotated[
    Path | None, typer.Option("--out", "-o", metavar="FILE", help="Output file; default: standard output.")
]


@app.command("list")
def list_(incident: IncidentArgument, written: FormatOption = Format.TEXT) -> None:
    """List the notices of an incident and what each still needs."""
    answer = call(lambda api: api.get(f"/incidents/{incident}/notices", Notices))
    if written is Format.JSON:
        render.as_json(answer)
        return
    rows = [
        [
            render.escape(one["clock"]),
            one["language"],
            render.escape(one["state"]),
            _lacks(one),
            render.escape(one["title"]),
        ]
        for one in answer["notices"]
    ]
    render.table(rows, ("clock", "language", "text", "to be filled", "title"))


@app.command()
def show(
    incident: IncidentArgument, clock: ClockArgument, language: LanguageOption = "", written: FormatOption = Format.TEXT
) -> None:
    """Show the current text of a notice, generated from the facts unless someone has edited it."""
    one = _read(incident, clock, language)
    if written is Format.JSON:
        render.as_json(one)
        return
    render.plain(one["text"])
    render.line(f"[dim]{render.escape(one['state'])}, SHA-256 {one['sha256']}[/]")
    if one["stale"]:
        for changed in one["facts_changed"]:
            words = f"{changed['fact']}: {changed['now']} (before: {changed['before']})"
            render.line(f"[yellow]changed since it was worded: {render.escape(words)}[/]")
        render.line("[yellow]today's draft differs so (`firedoor notice take-over` takes over what it can):[/]")
        render.plain(one["news"])
    for draft in one["drafts"]:
        because = f", followed {', '.join(draft['facts'])}" if draft["facts"] else ""
        render.line(f"[dim]{draft['seq']}  draft, version {draft['number']}{render.escape(because)}[/]")
    for version in one["history"]:
        render.line(f"[dim]{version['seq']}  {render.escape(version['name'])}, {render.escape(version['by'])}[/]")


@app.command()
def edit(
    incident: IncidentArgument, clock: ClockArgument, why: WhyOption,
    file: Annotated[Path | None, typer.Option("--file", metavar="FILE", help="The new text, or - for standard input; otherwise EDITOR opens.")] = None,  # noqa: E501
    language: LanguageOption = "", written: FormatOption = Format.TEXT,
) -> None:  # fmt: skip
    """Edit a notice; the journal records what you changed and why."""
    seen = _read(incident, clock, language)
    text = _in_editor(seen["text"]) if file is None else content(file).decode("utf-8", "replace")
    body = {"text": text, "base": seen["sha256"], "why": why, "language": language}
    _told(_post(incident, clock, "edit", body), written)


@app.command()
def approve(
    incident: IncidentArgument, clock: ClockArgument, why: WhyOption, language: LanguageOption = "",
    written: FormatOption = Format.TEXT,
) -> None:  # fmt: skip
    """Approve a notice as it is. Refused while fields are still to be filled in. Nothing is sent."""
    seen = _read(incident, clock, language)
    body = {"base": seen["sha256"], "why": why, "language": language}
    _told(_post(incident, clock, "approve", body), written)


@app.command("take-over")
def take_over(
    incident: IncidentArgument, clock: ClockArgument,
    why: Annotated[str, typer.Option("--why", help="A note for the record.")] = "",
    language: LanguageOption = "", written: FormatOption = Format.TEXT,
) -> None:  # fmt: skip
    """Update an edited notice with new facts; edited lines stay as they are."""
    seen = _read(incident, clock, language)
    _told(_post(incident, clock, "take-over", {"base": seen["sha256"], "why": why, "language": language}), written)


@app.command()
def sent(  # noqa: PLR0917 - options of a command
    incident: IncidentArgument, clock: ClockArgument,
    channel: Annotated[str, typer.Option("--channel", help="By which it was sent.")],
    reference: Annotated[str, typer.Option("--reference", help="The receipt, the message or the ticket.")],
    sent_at: Annotated[str, typer.Option("--sent-at", metavar="INSTANT", help="When, or now.")] = "now",
    version: Annotated[str, typer.Option("--version", help="approved, or an approved text's SHA-256.")] = "approved",
    language: LanguageOption = "", written: FormatOption = Format.TEXT,
) -> None:  # fmt: skip
    """Record that a notice was sent that no deadline asks for. One with a deadline is recorded by `submit`."""
    said = {"channel": channel, "reference": reference, "sent_at": sent_at, "version": version, "language": language}
    _told(_post(incident, clock, "sent", said), written)


@app.command("as-sent")
def as_sent(
    incident: IncidentArgument, clock: ClockArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file that was sent.", show_default=False)],
    why: WhyOption, language: LanguageOption = "", written: FormatOption = Format.TEXT,
) -> None:  # fmt: skip
    """Store the file that was actually sent, instead of the approved version; also possible later."""
    _told(_handed(incident, clock, (file, "what was sent", "as-sent"), why, language), written)


@app.command()
def receipt(
    incident: IncidentArgument, clock: ClockArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The receipt from the authority.", show_default=False)],
    why: WhyOption, language: LanguageOption = "", written: FormatOption = Format.TEXT,
) -> None:  # fmt: skip
    """Store the receipt for a notice as evidence."""
    _told(_handed(incident, clock, (file, "the receipt", "receipt"), why, language), written)


@app.command()
def export(
    incident: IncidentArgument, clock: ClockArgument,
    form: Annotated[Paper, typer.Option("--format", help="pdf and docx need the extra `documents`.")] = Paper.PDF,
    version: Annotated[str, typer.Option("--version", help="now, draft, or the SHA-256 of a version.")] = "now",
    language: LanguageOption = "", out: OutOption = None,
) -> None:  # fmt: skip
    """Export a notice as PDF, DOCX, HTML, plain text or Markdown, or an approved form as its own file."""
    own = form in (Paper.XML, Paper.JSON)
    query = {"kind": str(form)} if own else {"format": str(form), "version": version}
    where = f"{_address(incident, clock)}/{'file' if own else 'export'}"
    made = call(lambda api: api.send("GET", where, params={**query, "language": language})).content
    deliver(made, out, text=form not in (Paper.PDF, Paper.DOCX))


def lessons(
    incident: IncidentArgument,
    diff: Annotated[bool, typer.Option("--diff", help="Only the proposed changes of the playbook, as a diff.")] = False,
    written: FormatOption = Format.TEXT,
) -> None:
    """Show topics for the lessons-learned session, open measures and proposed playbook changes."""
    found = call(lambda api: api.get(f"/incidents/{incident}/lessons", Lessons))
    if written is Format.JSON:
        render.as_json(found)
        return
    if not diff:
        _agenda(found)
    render.plain(found["diff"])


def _agenda(found: Lessons) -> None:
    for point in found["agenda"]:
        entry = f" [dim](entry {point['entry']})[/]" if point["entry"] else ""
        about = f"[bold]{render.escape(point['heading'])}[/]  {render.escape(point['about'])}"
        render.line(f"{about}{entry}\n    {render.escape(point['question'])}")
    if not found["agenda"]:
        render.line("nothing to discuss on the record")
    for one in found["measures"]:
        words = f"{render.escape(one['task'])}  {render.escape(one['what'])}"
        render.line(
            f"{words}  [dim]{render.escape(one['owner'])}, due {one['due_at']}, {render.escape(one['state'])}[/]"
        )
    render.line()


def _read(incident: str, clock: str, language: str) -> Notice:
    return call(lambda api: api.get(_address(incident, clock), Notice, language=language))


def _post(incident: str, clock: str, verb: str, body: dict[str, str]) -> HandledNotice:
    return call(lambda api: api.post(f"{_address(incident, clock)}/{verb}", body, HandledNotice))


def _handed(incident: str, clock: str, what: tuple[Path, str, str], why: str, language: str) -> HandledNotice:
    """Keep a file as evidence, then say what it is of the notice: (file, its name for people, the verb of the API)."""
    file, named, verb = what

    async def handed(api: Api) -> HandledNotice:
        kept = await send(api, incident, file, f"file of {named} for {clock}"[:200], why)
        body = {"sha256": kept["sha256"], "why": why, "language": language}
        return await api.post(f"{_address(incident, clock)}/{verb}", body, HandledNotice)

    return call(handed)


def _address(incident: str, clock: str) -> str:
    return f"/incidents/{incident}/notices/{quote(clock, safe='')}"


def _told(one: HandledNotice, written: Format) -> None:
    if written is Format.JSON:
        render.as_json(one)
        return
    left = f"; {len(one['missing'])} places are still to be filled" if one["missing"] else ""
    render.line(
        f"[green]{render.escape(one['state'])}[/]  {render.escape(one['title'])}{left}  [dim]{one['sha256'][:16]}[/]"
    )


def _lacks(one: NoticeLine) -> str:
    return "sealed" if one["missing"] is None else str(len(one["missing"]))


def _in_editor(text: str) -> str:
    """Open the text in the editor that VISUAL or EDITOR names. Raises InvalidInput where nothing was changed."""
    import os
    import shlex
    import subprocess
    import tempfile

    program = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "notice.md"
        file.write_text(text, encoding="utf-8")
        try:
            ended = subprocess.run([*program, str(file)], check=False).returncode  # noqa: S603 - the person's own editor
        except OSError as error:
            ended = error.errno or 1
        changed = file.read_text(encoding="utf-8")
    if ended or changed == text:
        raise InvalidInput(Problem(code="U106", message="no changes were made in the editor", do="or give --file"))
    return changed
