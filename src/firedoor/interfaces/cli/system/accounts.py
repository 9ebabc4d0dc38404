"""`account` and `console`: who may sign in on the console, and the way in for this machine's own user.

Decides that a password is typed or read from standard input and never given as an argument. Leaves everything else to
the API.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import quote

import typer

from firedoor.interfaces.cli.system.tokens import waiting
from firedoor.interfaces.cli.terminal import render
from firedoor.interfaces.cli.terminal.client import call, server_address
from firedoor.interfaces.cli.terminal.options import Format, FormatOption
from firedoor.interfaces.shapes.installation import Account, Accounts, ChangedAccount, Codes, MadeAccount, Ticket

app = typer.Typer(no_args_is_help=True, help="Manage accounts that can sign in.")

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="The account; the journal shows this name.", show_default=False)
]
Roles = Annotated[
    list[str] | None,
    typer.Option(
        "--role", metavar="ROLE", help="Such as commander, dpo, viewer. Repeat it for more.", show_default=False
    ),
]
Stdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]
Display = Annotated[str | None, typer.Option("--display", help="The name that people read.", show_default=False)]
Email = Annotated[str | None, typer.Option("--email", help="Where messages go.", show_default=False)]
Slack = Annotated[str | None, typer.Option("--slack", metavar="ID", help="The user's id in Slack.", show_default=False)]


@app.command()
def create(
    name: Name,
    role: Roles = None,
    display: Display = None,
    email: Email = None,
    slack: Slack = None,
    password_stdin: Stdin = False,
    no_password: Annotated[bool, typer.Option("--no-password", help="Only Slack knows the account.")] = False,
) -> None:
    """Create an account. Prompts for the password."""
    body = {"name": name, "roles": role or [], **_given(display=display, email=email, slack_id=slack)}
    if not no_password:
        body["password"] = _password(from_stdin=password_stdin)
    made = call(lambda api: api.post("/accounts", body, MadeAccount))
    if not made.get("waits_for"):
        render.line(f"{render.escape(made['name'])} may sign in: {', '.join(made['roles']) or 'no role'}")
    waiting(made)


@app.command()
def change(name: Name, role: Roles = None, display: Display = None, email: Email = None, slack: Slack = None) -> None:
    """Change an account. `--role` replaces all of its roles."""
    _patch(name, _given(roles=role, display=display, email=email, slack_id=slack))


@app.command()
def password(name: Name, password_stdin: Stdin = False) -> None:
    """Set another password; the person is signed out everywhere."""
    _patch(name, {"password": _password(from_stdin=password_stdin)})


@app.command()
def disable(name: Name) -> None:
    """Disable an account at once and sign it out everywhere."""
    _patch(name, {"disabled": True})


@app.command()
def enable(name: Name) -> None:
    """Enable a disabled account."""
    _patch(name, {"disabled": False})


@app.command()
def codes(
    name: Name,
    remove: Annotated[bool, typer.Option("--remove", help="Turn one-time codes off.")] = False,
) -> None:
    """Require one-time codes for an account; prints the authenticator secret once."""
    if remove:
        _patch(name, {"totp": None})
        return
    made = call(lambda api: api.post(f"/accounts/{quote(name, safe='')}/one-time-codes", {}, Codes))
    render.line("[dim]For an authenticator app. It is shown once.[/]", error=True)
    render.plain(made["address"])
    waiting(made)


@app.command("list")
def list_(written: FormatOption = Format.TEXT) -> None:
    """List accounts; secrets are not shown."""
    answer = call(lambda api: api.get("/accounts", Accounts))
    if written is Format.JSON:
        render.as_json(answer)
        return
    rows = [
        [f"[bold]{render.escape(a['name'])}[/]", render.escape(a["display"]), ", ".join(a["roles"]), _notes(a)]
        for a in answer["accounts"]
    ]
    render.table(rows, ("account", "name", "roles", ""))
    if not rows:
        render.line("no accounts yet; `firedoor console` signs you in as this machine's user")


def console(
    show: Annotated[bool, typer.Option("--print", help="Print the address; do not open a browser.")] = False,
) -> None:
    """Open the console in a browser, signed in as this machine's user."""
    import webbrowser

    server = server_address()
    made = call(lambda api: api.post("/console-ticket", {}, Ticket))
    address = f"{server}{made['path']}"
    if show or not webbrowser.open(address):
        render.line(f"[dim]Good for {made['seconds']} seconds, once.[/]", error=True)
        render.plain(address)


def _patch(name: str, changes: Mapping[str, object]) -> None:
    path = f"/accounts/{quote(name, safe='')}"
    answer: ChangedAccount = call(lambda api: api.send("PATCH", path, json=changes)).json()
    if not answer.get("waits_for"):
        render.line(f"changed: {', '.join(answer['changed']) or 'nothing'}")
    waiting(answer)


def _given(**values: object) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


def _notes(account: Account) -> str:
    said = (
        (account["disabled_at"], "disabled"),
        (account["one_time_codes"], "one-time codes"),
        (account["single_sign_on"], "single sign-on"),
    )
    return ", ".join(words for holds, words in said if holds)
