"""`evidence`: what is under custody, and adding a file to it.

Decides that a file goes to the server as it is, with its name and media type. Leaves
custody to the API and the vault.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from firedoor.interfaces.cli.terminal import incident_page, render
from firedoor.interfaces.cli.terminal.client import Api, call
from firedoor.interfaces.cli.terminal.options import (
    EntryOption,
    Format,
    FormatOption,
    IncidentArgument,
    LimitOption,
    WhyOption,
    content,
)
from firedoor.interfaces.shapes.records import Kept, Piece, Pieces

app = typer.Typer(no_args_is_help=True, help="Preserved evidence.")


@app.command("list")
def list_(
    incident: IncidentArgument, limit: LimitOption = 1000, after: EntryOption = 0, written: FormatOption = Format.TEXT
) -> None:
    """List preserved evidence with its SHA-256."""
    answer = call(lambda api: api.get(f"/incidents/{incident}/evidence", Pieces, limit=str(limit), after=str(after)))
    if written is Format.JSON:
        render.as_json(answer)
    elif answer["evidence"]:
        incident_page.write_evidence(answer["evidence"])
    else:
        render.line("no evidence yet")
    if written is Format.TEXT:
        for gap in answer.get("gaps", ()):
            said = f"not kept: {gap['artefact']} of {gap['target']}, {gap['why']}; {gap['state']}"
            render.line(f"[yellow]{render.escape(said)}[/]")
    if written is Format.TEXT:
        render.more(answer, f"evidence list {incident}")


@app.command()
def add(
    incident: IncidentArgument,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The file, or - for standard input.", show_default=False)
    ],
    name: Annotated[str, typer.Option("--name", help="Description; default: the file's name.")] = "",
    digest_only: Annotated[bool, typer.Option("--digest-only", help="Store only the SHA-256, not the file.")] = False,
    why: Annotated[str, typer.Option("--why", help="Where it comes from and why it matters.")] = "added by hand",
    written: FormatOption = Format.TEXT,
) -> None:
    """Add a file as evidence. Never intimate material or anything that may show a child: add only its hash."""
    kept = call(lambda api: send(api, incident, file, name or file.name, why, digest_only=digest_only))
    if written is Format.JSON:
        render.as_json(kept)
    else:
        told(kept)


@app.command()
def point(
    incident: IncidentArgument,
    name: Annotated[
        str, typer.Option("--name", help="Description; no addresses, no personal names.", show_default=False)
    ],
    why: WhyOption,
    hashes: Annotated[list[str] | None, typer.Option("--hash", help="Hash in hexadecimal; may be repeated.")] = None,
    algorithm: Annotated[str, typer.Option("--algorithm", help="Hash algorithm: sha256, pdq, md5 ...")] = "sha256",
    locators: Annotated[
        list[str] | None, typer.Option("--locator", help="Location: an address or object key; may be repeated.")
    ] = None,
    written: FormatOption = Format.TEXT,
) -> None:
    """Add hashes and locations of content that must never be uploaded. Nothing is fetched."""
    body = {"name": name, "why": why, "algorithm": algorithm, "hashes": hashes or [], "locators": locators or []}
    kept = call(lambda api: api.post(f"/incidents/{incident}/evidence/locators", body, Kept))["evidence"]
    if written is Format.JSON:
        render.as_json(kept)
    else:
        render.line(f"kept  {kept['sha256']}  {render.escape(kept['name'])}  [dim]nothing was fetched[/]")


@app.command()
def export(
    incident: IncidentArgument,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new folder to write to.", show_default=False)],
    why: WhyOption = "",
    written: FormatOption = Format.TEXT,
) -> None:
    """Export all evidence with the journal. The export is recorded in the journal."""
    from firedoor.interfaces.cli.incidents import bundle

    contents = call(lambda api: bundle.export(api, incident, folder, why or "exported"))
    if written is Format.JSON:
        render.as_json(contents)
    else:
        held = f"{len(contents['pieces'])} pieces and the journal, head {contents['head'][:24]}"
        render.line(f"{render.escape(folder)}  {held}")
        _withheld(one["name"] + ": " + one["why"] for one in contents["withheld"])
        render.line(
            "[dim]`firedoor evidence verify` checks it; without Firedoor, python3 -I verify_journal.py journal.jsonl[/]"
        )


@app.command()
def verify(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="A folder written by `evidence export`.", show_default=False)
    ],
    written: FormatOption = Format.TEXT,
) -> None:
    """Verify an exported folder without a server: the hash chain and every file. Exit 1 if anything is wrong."""
    from firedoor.interfaces.cli.incidents import bundle

    entries, pieces, wrong = bundle.faults(folder)
    if written is Format.JSON:
        named = bundle.withheld(folder)
        render.as_json({"holds": not wrong, "entries": entries, "pieces": pieces, "faults": wrong, "withheld": named})
    else:
        for fault in wrong:
            render.line(f"[bold red]BROKEN[/]  {render.escape(fault)}")
        _withheld(bundle.withheld(folder).values())
        if not wrong:
            render.line(f"[green]intact[/]  {entries} entries, and {pieces} pieces as they were kept")
    raise typer.Exit(1 if wrong else 0)


def _withheld(named: Iterable[str]) -> None:
    for one in named:
        render.line(f"[yellow]withheld[/]  {render.escape(one)}")


def told(kept: Piece) -> None:
    """Say what was kept of a file, and why it was not the bytes."""
    form = "kept  " if kept["mode"] == "vault" else "digest"
    render.line(f"{form}  {kept['sha256']}  {render.size(kept['size'])}  {render.escape(kept['name'])}")
    if kept.get("refused"):
        why = f"[yellow]the bytes were not kept: {render.escape(kept['refused'])}[/]"
        render.line(f"{why}\n[dim]Keep the original where it is, on hold; `firedoor evidence point` says where.[/]")


async def send(api: Api, incident: str, file: Path, name: str, why: str, *, digest_only: bool = False) -> Piece:
    """Send a file; returns what was written about it. The server looks at its bytes and says what it kept."""
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    query = {"name": name, "why": why, "mode": "digest" if digest_only else "auto"}
    path, headers = f"/incidents/{incident}/evidence", {"content-type": kind}
    answer = await api.send("POST", path, content=content(file), params=query, headers=headers)
    kept: Kept = answer.json()
    return kept["evidence"]
