"""`security`: the security journal of this installation, whether it is whole, and in the forms that others read.

Decides that verification reads the database itself, as `journal verify` does. Leaves the forms to
`core.security_export`.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from firedoor.core.json_types import Json, JsonObject
from firedoor.interfaces.cli.terminal import render
from firedoor.interfaces.cli.terminal.client import call
from firedoor.interfaces.cli.terminal.options import Format, FormatOption
from firedoor.interfaces.shapes.installation import EntryLine, EntryPage

app = typer.Typer(no_args_is_help=True, help="The audit log: sign-ins, role changes, exports.")
PAGE = 1000  # entries that one request brings


class Form(StrEnum):
    """What an export is written as, one event a line."""

    JSON = "json"
    OCSF = "ocsf"
    SYSLOG = "syslog"


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="Number of newest events.")] = 50,
    written: FormatOption = Format.TEXT,
) -> None:
    """List the newest events, oldest first."""
    found = call(lambda api: api.get(f"/security-events?newest=true&limit={limit}", EntryPage))["entries"][::-1]
    if written is Format.JSON:
        render.as_json({"entries": found})
        return
    rows = [
        [str(one["seq"]), f"[dim]{render.instant(one['at'])}[/]", one["kind"], render.escape(one["actor"]),
         render.escape(_about(one["body"]))]
        for one in found
    ]  # fmt: skip
    render.table(rows, ("seq", "at", "what", "by", "about"))
    if not rows:
        render.line("no events yet")


@app.command()
def verify(written: FormatOption = Format.TEXT) -> None:
    """Verify the hash chain. Exit 1 names the first wrong entry."""
    from firedoor.core.access.security import CHAIN
    from firedoor.interfaces.cli.incidents.journal import verify_chain

    verify_chain(CHAIN, written)


@app.command()
def export(
    form: Annotated[Form, typer.Option("--format", help="ocsf is version 1.2.0, syslog is RFC 5424.")] = Form.JSON,
    after: Annotated[int, typer.Option("--after", min=0, help="Only events after this entry.")] = 0,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Output file; default: standard output.")
    ] = None,
) -> None:
    """Export the events, one per line, for a SIEM or an auditor."""
    from firedoor.interfaces.cli.incidents.journal import deliver

    lines = [_line(form, entry) for entry in _all(after, form)]
    deliver("".join(f"{line}\n" for line in lines).encode(), out, text=True)


def _all(after: int, form: Form) -> Iterator[EntryLine]:
    at: int | None = after
    while at is not None:
        page = _page(at, form)
        yield from page["entries"]
        at = page["next"]


def _page(after: int, form: Form) -> EntryPage:
    path = f"/security-events?after={after}&limit={PAGE}&export={form}"
    return call(lambda api: api.get(path, EntryPage))


def _line(form: Form, entry: EntryLine) -> str:
    import json
    import socket

    from firedoor import __version__
    from firedoor.core.access.security_export import ocsf, syslog
    from firedoor.core.journal import Entry

    match form:
        case Form.JSON:
            return json.dumps(entry, ensure_ascii=False, sort_keys=True)
        case Form.OCSF:
            return json.dumps(ocsf(Entry(**entry), __version__), ensure_ascii=False, sort_keys=True)
        case Form.SYSLOG:
            return syslog(Entry(**entry), socket.gethostname())


def _about(body: JsonObject) -> str:
    """An event's body in one line."""
    said = {key: value for key, value in body.items() if key != "settings" and value not in ("", [], {})}
    return ", ".join(f"{key} {_words(value)}" for key, value in said.items())[:160]


def _words(value: Json) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key} ({number})" for key, number in value.items())
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
