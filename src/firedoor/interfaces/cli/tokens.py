"""`token`: who may call the API, with which roles.

Decides that tokens are made by whoever may read the data folder, without a server; on
another machine by an administrator over the API. Leaves checking them to the API.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import typer

from firedoor.interfaces.cli import render
from firedoor.interfaces.cli.options import Format, FormatOption

app = typer.Typer(no_args_is_help=True, help="Who may call, with which roles.")


@app.command()
def create(
    role: Annotated[
        list[str],
        typer.Option(
            "--role",
            metavar="ROLE",
            help="Such as commander, dpo, responder, source. Repeat it for more.",
            show_default=False,
        ),
    ],
    name: Annotated[str, typer.Option("--name", help="Whose it is; the journal shows this name.")] = "",
    written: FormatOption = Format.TEXT,
) -> None:
    """Make a token. It is shown once and not stored."""
    from firedoor.interfaces.cli.client import call

    body = {"name": name or " and ".join(role), "roles": role}
    made = call(lambda api: api.post("/tokens", body))
    if written is Format.JSON:
        render.as_json(made)
        return
    render.line(
        f"[dim]{made['id']}, for {render.escape(made['name'])}: {', '.join(made['roles'])}. It is shown once.[/]",
        error=True,
    )
    render.plain(made["token"])


@app.command("list")
def list_(written: FormatOption = Format.TEXT) -> None:
    """List the tokens, without anything secret."""
    from firedoor.interfaces.cli.client import call

    answer = call(lambda api: api.get("/tokens"))
    if written is Format.JSON:
        render.as_json(answer)
        return
    rows = [
        [
            f"[bold]{t['id']}[/]",
            render.escape(t["name"]),
            _roles(t["roles"]),
            render.instant(t["created_at"]),
            "revoked" if t.get("revoked_at") else "",
        ]
        for t in answer["tokens"]
    ]
    render.table(rows, ("token", "name", "roles", "made", ""))
    if not rows:
        render.line("no token was made")


@app.command()
def revoke(
    token: Annotated[str, typer.Argument(metavar="TOKEN", help="The id that `token list` shows.", show_default=False)],
) -> None:
    """Revoke a token; it is refused at once."""
    from firedoor.interfaces.cli.client import call

    call(lambda api: api.send("DELETE", f"/tokens/{quote(token, safe='')}"))
    render.line(f"revoked: {render.escape(token)}")


def _roles(roles: list[str] | str) -> str:
    return roles.replace(",", ", ") if isinstance(roles, str) else ", ".join(roles)
