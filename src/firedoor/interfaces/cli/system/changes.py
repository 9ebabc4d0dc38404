"""`change`: changes of access that wait for another administrator.

Decides the words. Leaves who may approve what to the server.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import typer

from firedoor.interfaces.cli.terminal import render
from firedoor.interfaces.cli.terminal.client import call
from firedoor.interfaces.cli.terminal.options import Format, FormatOption
from firedoor.interfaces.shapes.installation import ProposedChanges, SettledChange

app = typer.Typer(no_args_is_help=True, help="Access changes waiting for a second administrator.")

Change = Annotated[str, typer.Argument(metavar="CHANGE", help="The id that `change list` shows.", show_default=False)]


@app.command("list")
def list_(written: FormatOption = Format.TEXT) -> None:
    """List pending changes and why each needs a second administrator."""
    found = call(lambda api: api.get("/changes", ProposedChanges))
    if written is Format.JSON:
        render.as_json(found)
        return
    rows = [
        [f"[bold]{one['change']}[/]", one["what"], render.escape(one["about"]),
         render.escape("; ".join(one["reasons"])),
         render.escape(one["proposed_by"].partition(":")[2]), render.instant(one["expires_at"])]
        for one in found["changes"]
    ]  # fmt: skip
    render.table(rows, ("change", "what", "about", "why", "proposed by", "lapses"))
    if not rows:
        render.line("nothing waits")


@app.command()
def approve(change: Change) -> None:
    """Approve a change proposed by someone else. Needs the FIREDOOR_TOKEN of another administrator."""
    _settle(change, "approve")


@app.command()
def decline(change: Change) -> None:
    """Decline a change, or withdraw your own."""
    _settle(change, "decline")


def _settle(change: str, how: str) -> None:
    done = call(lambda api: api.post(f"/changes/{quote(change, safe='')}/{how}", {}, SettledChange))
    render.line(f"{done['state']}: {done['what']}, {render.escape(done['about'])}")
