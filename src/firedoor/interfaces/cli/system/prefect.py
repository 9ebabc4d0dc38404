"""`prefect`: the way into Prefect's own pages, for the user who runs Firedoor.

Decides that the password is printed only when it is asked for, and only to whoever can read its file: the user of the
data folder. Leaves making the password to the start of the server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from firedoor.interfaces.cli.terminal import render
from firedoor.interfaces.cli.terminal.client import load_settings
from firedoor.interfaces.cli.terminal.options import Format, FormatOption, told

if TYPE_CHECKING:
    from firedoor.runtime.config.settings import Settings


def prefect(
    password: Annotated[
        bool, typer.Option("--password", help="Print the password of the private server, and nothing else.")
    ] = False,
    browser: Annotated[bool, typer.Option("--open", help="Open Prefect's pages in a browser.")] = False,
    written: FormatOption = Format.TEXT,
) -> None:
    """Show the address of the Prefect UI and how to sign in; the password changes at every start."""
    url, secret = where(load_settings())
    if password:
        typer.echo(_needed(secret))
        return
    page = url.removesuffix("/api")
    if written is Format.JSON:
        render.as_json({"url": page, "api_url": url, "password_known": secret is not None})
        return
    render.line(f"Prefect's pages: [bold]{render.escape(page)}[/]")
    if secret:
        render.plain("They ask once in each browser; `firedoor prefect --password` prints what to give them.")
    if browser:
        typer.launch(page)


def where(settings: Settings) -> tuple[str, str | None]:
    """The address of the API of Prefect, and its password where this user can read it. Raises Refused without one."""
    import os

    from firedoor.runtime.prefect.settings import named_server, password_for, private_address

    home = settings.data_dir / "prefect"
    url = named_server() or private_address(home)
    if url is None:
        message = f"no Prefect server was ever started on {settings.data_dir}"
        raise told("Refused", "U123", message, "`firedoor up` starts one beside the server")
    return url, password_for(home, url, os.environ)


def _needed(secret: str | None) -> str:
    if secret is None:
        message = "the password of this Prefect server is not known here"
        do = "run this as the user who runs Firedoor; of a server of your own its operator knows the password"
        raise told("Refused", "U124", message, do)
    return secret
