"""`journal` and `report`: the record itself, whether it is whole, and its story for others.

Decides that verification reads the database directly, so that it needs no server and
trusts none. Leaves what makes a chain whole to the core.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from firedoor.interfaces.cli import render
from firedoor.interfaces.cli.options import Format, FormatOption, IncidentArgument, incident_name


class ReportFormat(StrEnum):
    """How a report is written."""

    HTML = "html"
    MD = "md"
    JSON = "json"
    PDF = "pdf"


def journal(
    words: Annotated[list[str], typer.Argument(metavar="INCIDENT | verify [INCIDENT]", show_default=False)],
    written: FormatOption = Format.TEXT,
) -> None:
    """Show an incident's journal, or verify the chains of one or of all. Exit 1 names the first entry that is wrong."""
    words = [words[0], *(str(incident_name(word)) for word in words[1:])]
    if words[0] != "verify":
        _one(words, written)
    elif len(words) > 2:
        raise typer.BadParameter("verify takes one incident, or none for all")
    else:
        _verify(words[1] if len(words) > 1 else None, written)


def _one(words: list[str], written: Format) -> None:
    from firedoor.interfaces.cli.client import call

    if len(words) > 1:
        raise typer.BadParameter("write one incident, or `verify`")
    import json

    incident_name(words[0])
    lines = call(lambda api: api.send("GET", f"/incidents/{words[0]}/journal")).text.splitlines()
    entries = [json.loads(line) for line in lines]
    if written is Format.JSON:
        render.as_json({"incident": words[0], "entries": entries})
        return
    rows = [
        [
            str(e["seq"]),
            f"[dim]{render.clock_time(e['at'])}[/]",
            e["kind"],
            render.escape(e["actor"]),
            f"[dim]{e['hash'][:16]}[/]",
            render.escape(_about(e["body"])),
        ]
        for e in entries
    ]
    render.table(rows, ("seq", f"at ({render.offset_now()})", "kind", "by", "hash", "about"))


def _about(body: dict[str, Any]) -> str:
    """The part of an entry that says most in one line."""
    names = ("op", "task", "id", "name", "subject", "state", "about", "title", "playbook")
    first = next((str(body[name]) for name in names if body.get(name)), "")
    second = next(
        (str(body[name]) for name in ("outcome", "choice", "problem", "sha256", "due", "point") if body.get(name)), ""
    )
    facts = ", ".join(body["values"]) if isinstance(body.get("values"), dict) else ""
    return " ".join(part for part in (first or facts, second[:60]) if part)


def _verify(incident: str | None, written: Format) -> None:
    """Read every entry and work out every hash anew."""
    from firedoor.interfaces.cli.client import load_settings

    settings = load_settings()
    found = _remote(incident) if settings.api_url else _here(incident)
    whole = all(chain["fault"] is None for chain in found)
    if written is Format.JSON:
        render.as_json({"holds": whole, "chains": found})
    else:
        _write(found)
    raise typer.Exit(0 if whole else 1)


def _here(incident: str | None) -> list[dict[str, Any]]:
    from firedoor.interfaces.cli.client import load_settings
    from firedoor.runtime.start import open_store

    store = open_store(load_settings())
    try:
        return [
            {"incident": name, "entries": number, "fault": {"seq": fault.seq, "what": fault.what} if fault else None}
            for name, number, fault in store.verify(incident)
        ]
    finally:
        store.close()


def _remote(incident: str | None) -> list[dict[str, Any]]:
    from firedoor.interfaces.cli.client import call

    answer = call(lambda api: api.get(f"/incidents/{incident}/verify" if incident else "/journal/verify"))
    return list(answer["chains"])


def _write(found: list[dict[str, Any]]) -> None:
    if not found:
        render.line("there is no journal yet")
    for chain in found:
        name = f"[bold]{render.escape(chain['incident'])}[/]"
        fault = chain["fault"]
        if fault is None:
            render.line(
                f"{name}  [green]whole[/]  {chain['entries']} entries, every hash follows from the one before it"
            )
        else:
            render.line(f"{name}  [bold red]BROKEN[/]  entry {fault['seq']} {render.escape(fault['what'])}")


def report(
    incident: IncidentArgument,
    written: Annotated[
        ReportFormat,
        typer.Option("--format", help="html prints well; pdf needs the extra `documents`; json is for programs."),
    ] = ReportFormat.HTML,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Where to write it; otherwise standard output.")
    ] = None,
) -> None:
    """Write the report of an incident: who decided what, when, knowing what, with the proof."""
    from firedoor.interfaces.cli.client import call

    found = call(lambda api: api.send("GET", f"/incidents/{incident}/report", params={"format": str(written)})).content
    deliver(found, out, text=written is not ReportFormat.PDF)


def deliver(content: bytes, out: Path | None, *, text: bool) -> None:
    """Write a document to a file, or to standard output. Raises InvalidInput for a path that cannot be written."""
    if out is None and text:
        render.plain(content.decode())
        return
    if out is None:
        import sys

        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    try:
        out.write_bytes(content)
    except OSError as error:
        from firedoor.core.problems import InvalidInput, Problem

        raise InvalidInput(
            Problem(code="U104", message=f"{out} cannot be written: {error.strerror}", do="give another path")
        ) from None
    render.line(f"{render.escape(out)}  {render.size(len(content))}")
