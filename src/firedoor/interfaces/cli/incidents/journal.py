"""`journal` and `report`: the record itself, whether it is whole, and its story for others.

Decides that verification reads the database directly, so that it needs no server and
trusts none. Leaves what makes a chain whole to the core.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from firedoor.core.json_types import JsonObject, object_at
from firedoor.interfaces.cli.terminal import render
from firedoor.interfaces.cli.terminal.client import call, load_settings
from firedoor.interfaces.cli.terminal.options import EntryOption, Format, FormatOption, IncidentArgument, incident_name
from firedoor.interfaces.shapes.records import Chain, Verified

if TYPE_CHECKING:
    from firedoor.store.incidents.anchors import Anchor

UNTOLD = "since when nothing is anchored is told to administrators and the DPO, where no incident is closed to them"


TRANSPARENCY = "transparency"  # in the place of an incident


class ReportFormat(StrEnum):
    """How a report is written."""

    HTML = "html"
    MD = "md"
    JSON = "json"
    PDF = "pdf"
    CSV = "csv"  # of a year


def journal(
    words: Annotated[list[str], typer.Argument(metavar="INCIDENT | verify [INCIDENT]", show_default=False)],
    limit: Annotated[int | None, typer.Option("--limit", min=1, max=10_000, help="Maximum number of entries.")] = None,
    after: EntryOption = 0,
    written: FormatOption = Format.TEXT,
) -> None:
    """Show an incident's journal, or verify the chains of one or of all. Exit 1 names the first entry that is wrong."""
    words = [words[0], *(str(incident_name(word)) for word in words[1:])]
    if words[0] != "verify":
        _one(words, written, {"after": str(after)} | ({} if limit is None else {"limit": str(limit)}))
    elif len(words) > 2:
        raise typer.BadParameter("verify takes one incident, or none for all")
    else:
        _verify(words[1] if len(words) > 1 else None, written)


def _one(words: list[str], written: Format, cut: dict[str, str]) -> None:
    if len(words) > 1:
        raise typer.BadParameter("write one incident, or `verify`")
    import json

    incident_name(words[0])
    answer = call(lambda api: api.send("GET", f"/incidents/{words[0]}/journal", params=cut))
    entries = [json.loads(line) for line in answer.text.splitlines()]
    following = answer.headers.get("x-firedoor-next")
    if written is Format.JSON:
        render.as_json({"incident": words[0], "entries": entries, "next": int(following) if following else None})
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
    render.more({"next": following}, f"journal {words[0]}")


def _about(body: JsonObject) -> str:
    """The part of an entry that says most in one line."""
    names = ("op", "task", "id", "name", "subject", "state", "about", "title", "playbook")
    first = next((str(body[name]) for name in names if body.get(name)), "")
    second = next(
        (str(body[name]) for name in ("outcome", "choice", "problem", "sha256", "due", "point") if body.get(name)), ""
    )
    facts = ", ".join(object_at(body, "values"))
    return " ".join(part for part in (first or facts, second[:60]) if part)


def verify_chain(name: str | None, written: Format) -> None:
    """Verify one chain by its name, or all, and exit."""
    _verify(name, written)


def _verify(incident: str | None, written: Format) -> None:
    """Read every entry and work out every hash anew."""
    settings = load_settings()
    found, anchor = _remote(incident) if settings.api_url else (_here(incident), _anchor())
    whole = all(chain["fault"] is None for chain in found)
    if written is Format.JSON:
        render.as_json({"holds": whole, "chains": found, "anchor": anchor and anchor.as_json()})
    else:
        _write(found)
        for line in anchor.lines() if anchor else [UNTOLD]:
            render.line(line)
    raise typer.Exit(0 if whole else 1)


def _here(incident: str | None) -> list[Chain]:
    from firedoor.runtime.process.application import open_store

    store = open_store(load_settings())
    try:
        return [
            {"incident": name, "entries": number, "fault": {"seq": fault.seq, "what": fault.what} if fault else None}
            for name, number, fault in store.verify(incident)
        ]
    finally:
        store.close()


def _anchor() -> Anchor:
    """Since when nobody outside knows how the journals end: without that a chain can be written anew as a whole."""
    from firedoor.store.database.engine import open_read_only
    from firedoor.store.incidents.anchors import last_anchor

    engine = open_read_only(load_settings().database)
    try:
        with engine.connect() as connection:
            return last_anchor(connection)
    finally:
        engine.dispose()


def _remote(incident: str | None) -> tuple[list[Chain], Anchor | None]:
    from firedoor.store.incidents.anchors import Anchor

    path = f"/journal/verify?incident={incident}" if incident else "/journal/verify"
    answer = call(lambda api: api.get(path, Verified))
    told = answer.get("anchor")
    return list(answer["chains"]), Anchor(told["at"] or "", told["newer"]) if told else None


def _write(found: list[Chain]) -> None:
    if not found:
        render.line("no journals yet")
    for chain in found:
        name = f"[bold]{render.escape(chain['incident'])}[/]"
        fault = chain["fault"]
        if fault is None:
            render.line(
                f"{name}  [green]intact[/]  {chain['entries']} entries, every hash follows from the one before it"
            )
        else:
            render.line(f"{name}  [bold red]BROKEN[/]  entry {fault['seq']} {render.escape(fault['what'])}")


def report(
    incident: IncidentArgument,
    written: Annotated[
        ReportFormat,
        typer.Option(
            "--format", help="html for printing; pdf needs the extra `documents`; json for programs; csv of a year."
        ),
    ] = ReportFormat.HTML,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Output file; default: standard output.")
    ] = None,
    year: Annotated[int, typer.Option("--year", min=0, max=9999, help="Of `report transparency`; else this one.")] = 0,
) -> None:
    """Write the incident report: who decided what, when, on which facts, with proof.

    `firedoor report transparency --year 2026` writes the report of a year over requests of people, by law.
    """
    if incident == TRANSPARENCY:
        query = {"format": str(written), "year": str(year)}
        made = call(lambda api: api.send("GET", "/transparency", params=query)).content
        deliver(made, out, text=written is not ReportFormat.PDF)
        return
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
