"""`evidence`: what is under custody, and adding a file to it.

Decides that a file goes to the server as it is, with its name and media type. Leaves
custody to the API and the vault.
"""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from firedoor.interfaces.cli import render
from firedoor.interfaces.cli.options import Format, FormatOption, IncidentArgument, WhyOption, content

if TYPE_CHECKING:
    from firedoor.interfaces.cli.client import Api

app = typer.Typer(no_args_is_help=True, help="What is kept as proof.")


@app.command("list")
def list_(incident: IncidentArgument, written: FormatOption = Format.TEXT) -> None:
    """List what is under custody, with its digests."""
    from firedoor.interfaces.cli import incident_page
    from firedoor.interfaces.cli.client import call

    answer = call(lambda api: api.get(f"/incidents/{incident}/evidence"))
    if written is Format.JSON:
        render.as_json(answer)
    elif answer["evidence"]:
        incident_page.write_evidence(answer["evidence"])
    else:
        render.line("nothing is kept yet")


@app.command()
def add(
    incident: IncidentArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file, or - for standard input.", show_default=False)],
    name: Annotated[str, typer.Option("--name", help="What it is; the file's name otherwise.")] = "",
    digest_only: Annotated[bool, typer.Option("--digest-only", help="Keep its SHA-256 and never the bytes.")] = False,
    why: Annotated[str, typer.Option("--why", help="Where it comes from and why it matters.")] = "added by hand",
    written: FormatOption = Format.TEXT,
) -> None:
    """Keep a file as evidence. Never intimate material or anything that may show a child: only its hash, by hand."""
    from firedoor.interfaces.cli.client import call

    kept = call(lambda api: send(api, incident, file, name or file.name, why, digest_only=digest_only))
    if written is Format.JSON:
        render.as_json(kept)
    else:
        render.line(
            f"kept  {kept['sha256']}  {render.size(kept['size'])}  {render.escape(kept.get('name') or file.name)}"
        )


@app.command()
def point(
    incident: IncidentArgument,
    name: Annotated[str, typer.Option("--name", help="What it is; no address, no person.", show_default=False)],
    why: WhyOption,
    hashes: Annotated[list[str] | None, typer.Option("--hash", help="Its hash, hexadecimal; may be repeated.")] = None,
    algorithm: Annotated[str, typer.Option("--algorithm", help="The kind of hash: sha256, pdq, md5 ...")] = "sha256",
    locators: Annotated[
        list[str] | None, typer.Option("--locator", help="Where it is: an address or a key; may be repeated.")
    ] = None,
    written: FormatOption = Format.TEXT,
) -> None:
    """Keep hashes and locators of what must never be brought here. Nothing is fetched."""
    from firedoor.interfaces.cli.client import call

    body = {"name": name, "why": why, "algorithm": algorithm, "hashes": hashes or [], "locators": locators or []}
    kept = call(lambda api: api.post(f"/incidents/{incident}/evidence/locators", body))["evidence"]
    if written is Format.JSON:
        render.as_json(kept)
    else:
        render.line(f"kept  {kept['sha256']}  {render.escape(kept['name'])}  [dim]nothing was fetched[/]")


@app.command()
def export(
    incident: IncidentArgument,
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="A folder that does not exist yet.", show_default=False)
    ],
    why: WhyOption = "",
    written: FormatOption = Format.TEXT,
) -> None:
    """Write everything that is kept, with the journal, for somebody outside; the journal notes it."""
    from firedoor.interfaces.cli import bundle
    from firedoor.interfaces.cli.client import call

    contents = call(lambda api: bundle.export(api, incident, folder, why or "exported"))
    if written is Format.JSON:
        render.as_json(contents)
    else:
        held = f"{len(contents['pieces'])} pieces and the journal, head {contents['head'][:24]}"
        render.line(f"{render.escape(folder)}  {held}")
        render.line(
            "[dim]`firedoor evidence verify` checks it; without Firedoor, python3 -I verify_journal.py journal.jsonl[/]"
        )


@app.command()
def verify(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="What `evidence export` has written.", show_default=False)
    ],
    written: FormatOption = Format.TEXT,
) -> None:
    """Verify an exported folder, without a server: the chain, and every piece against it. Exit 1 says what is off."""
    from firedoor.interfaces.cli import bundle

    entries, pieces, wrong = bundle.faults(folder)
    if written is Format.JSON:
        render.as_json({"holds": not wrong, "entries": entries, "pieces": pieces, "faults": wrong})
    else:
        for fault in wrong:
            render.line(f"[bold red]BROKEN[/]  {render.escape(fault)}")
        if not wrong:
            render.line(f"[green]whole[/]  {entries} entries, and {pieces} pieces as they were kept")
    raise typer.Exit(1 if wrong else 0)


async def send(api: Api, incident: str, file: Path, name: str, why: str, *, digest_only: bool = False) -> Any:  # noqa: ANN401 - any JSON value
    """Send a file to the vault; returns what was written about it."""
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    query = {"name": name, "why": why, "mode": "digest" if digest_only else "vault"}
    path, headers = f"/incidents/{incident}/evidence", {"content-type": kind}
    answer = await api.send("POST", path, content=content(file), params=query, headers=headers)
    return answer.json()["evidence"]
