"""`token`: who may call the API, with which roles.

Decides that tokens are made by whoever may read the data folder, without a server; on
another machine by an administrator over the API. Leaves checking them to the API.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from urllib.parse import quote

import typer

from firedoor.interfaces.cli.terminal import render
from firedoor.interfaces.cli.terminal.client import call
from firedoor.interfaces.cli.terminal.options import Format, FormatOption
from firedoor.interfaces.shapes.installation import MadeToken, Token, Tokens, Waiting

app = typer.Typer(no_args_is_help=True, help="Manage API tokens and their roles.")


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
    account: Annotated[
        str, typer.Option("--account", metavar="ACCOUNT", help="Who acts with it. A source's token has none.")
    ] = "",
    name: Annotated[str, typer.Option("--name", help="What lists call it; of a source: source:NAME.")] = "",
    expires: Annotated[
        str, typer.Option("--expires", metavar="DURATION", help="Validity, such as 30d; at most a year.")
    ] = "90d",
    written: FormatOption = Format.TEXT,
) -> None:
    """Create a token. It is shown once, not stored. For an alert source, name it so: `--name source:presidio`."""
    from datetime import UTC, datetime

    from firedoor.core.dates.duration import parse_duration

    end = datetime.now(UTC) + parse_duration(expires)
    named = name or account or " and ".join(role)
    body = {"name": named, "account": account, "roles": role, "expires_at": end.isoformat()}
    made = call(lambda api: api.post("/tokens", body, MadeToken))
    if written is Format.JSON:
        render.as_json(made)
        return
    render.line(
        f"[dim]{made['id']}, for {render.escape(made['name'])}: {', '.join(made['roles'])}. It is shown once.[/]",
        error=True,
    )
    render.plain(made["token"])
    waiting(made)


def waiting(made: Waiting) -> None:
    """Say that something waits for another administrator, if it does."""
    if made.get("waits_for"):
        render.line(f"[bold yellow]It waits:[/] {render.escape(made.get('do'))}", error=True)


@app.command("list")
def list_(written: FormatOption = Format.TEXT) -> None:
    """List tokens; secrets are not shown."""
    answer = call(lambda api: api.get("/tokens", Tokens))
    if written is Format.JSON:
        render.as_json(answer)
        return
    rows = [
        [
            f"[bold]{t['id']}[/]",
            render.escape(t["name"]),
            _roles(t["roles"]),
            render.instant(t["last_used_at"]) if t.get("last_used_at") else "never",
            render.instant(t["expires_at"]) if t.get("expires_at") else "never",
            _state(t),
        ]
        for t in answer["tokens"]
    ]
    render.table(rows, ("token", "name", "roles", "last used", "expires", ""))
    if not rows:
        render.line("no tokens yet")


@app.command()
def revoke(
    token: Annotated[str, typer.Argument(metavar="TOKEN", help="The id that `token list` shows.", show_default=False)],
) -> None:
    """Revoke a token; it stops working at once."""
    call(lambda api: api.send("DELETE", f"/tokens/{quote(token, safe='')}"))
    render.line(f"revoked: {render.escape(token)}")


def _state(token: Token) -> str:
    if token.get("revoked_at"):
        return "revoked"
    return "waits for approval" if token.get("waits_for") else ""


def _roles(roles: Sequence[str] | str) -> str:
    return roles.replace(",", ", ") if isinstance(roles, str) else ", ".join(roles)
