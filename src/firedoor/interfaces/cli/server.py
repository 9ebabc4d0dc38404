"""`up` and `serve`: the server on this machine.

Decides the order: the port is taken first, so that connections wait and are not refused;
then the libraries are loaded; alerts are accepted before Prefect has started. Says which
part is ready when, and stops cleanly on SIGINT and SIGTERM. Leaves the parts to the
runtime and the routes to `interfaces.web`.
"""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from firedoor.interfaces.cli import render

if TYPE_CHECKING:
    from firedoor.runtime.settings import Settings

BACKLOG = 2048
ANYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, not bound to

HostOption = Annotated[
    str | None, typer.Option("--host", help="Where to listen; FIREDOOR_HOST otherwise.", show_default=False)
]
PortOption = Annotated[
    int | None,
    typer.Option(
        "--port", min=0, max=65535, help="Which port; 0 takes a free one. FIREDOOR_PORT otherwise.", show_default=False
    ),
]
ParentOption = Annotated[
    bool, typer.Option("--with-parent", hidden=True, help="Stop when the process that started this one is gone.")
]


def up(
    host: HostOption = None,
    port: PortOption = None,
    no_prefect: Annotated[
        bool, typer.Option("--no-prefect", help="Run without Prefect; incidents are run all the same.")
    ] = False,
    with_parent: ParentOption = False,
) -> None:
    """Run everything on this machine: API, watch, recovery, and a private Prefect. Alerts are accepted at once."""
    _serve(host, port, prefect=not no_prefect, with_parent=with_parent)


def serve(
    host: HostOption = None,
    port: PortOption = None,
    no_prefect: Annotated[
        bool, typer.Option("--no-prefect", help="Without any Prefect, even if PREFECT_API_URL names one.")
    ] = False,
    with_parent: ParentOption = False,
) -> None:
    """Run the API, watch and recovery beside a Prefect server of your own (PREFECT_API_URL), or without any."""
    import os

    own = os.environ.get("FIREDOOR_PREFECT_API_URL") or os.environ.get("PREFECT_API_URL")
    _serve(host, port, prefect=bool(own) and not no_prefect, with_parent=with_parent)


def _serve(host: str | None, port: int | None, *, prefect: bool, with_parent: bool) -> None:
    began = time.monotonic()
    from firedoor.interfaces.cli.client import load_settings

    settings = load_settings()
    settings.host, settings.port = host or settings.host, settings.port if port is None else port
    settings.prefect = settings.prefect and prefect
    _only_one(settings)
    listener = _listen(settings)
    settings.port = listener.getsockname()[1]
    from firedoor.interfaces.cli import serving

    serving.run(settings, listener, began, with_parent=with_parent)


def _only_one(settings: Settings) -> None:
    """Refuse a second server on the same data folder, unless its database is made for several."""
    from firedoor.core.problems import Problem, Refused
    from firedoor.interfaces.cli.client import listens, server_note

    note = server_note(settings)
    if note is not None and not settings.database_url and listens(str(note["url"])):
        message = f"Firedoor runs already at {note['url']} (process {note['pid']}) on {settings.data_dir}"
        raise Refused(
            Problem(code="U120", message=message, do="use it, stop it, or give this one another FIREDOOR_DATA_DIR")
        )


def _listen(settings: Settings) -> socket.socket:
    from firedoor.core.problems import Problem, Refused

    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        message = f"{settings.host}:{settings.port} cannot be listened on: {getattr(error, 'strerror', None) or error}"
        raise Refused(
            Problem(code="U121", message=message, do="choose another with --port or FIREDOOR_PORT; 0 takes a free one")
        ) from None
    # asyncio sets this only on sockets whose protocol is named; without it each answer waits 40 ms for an ACK.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def address(settings: Settings) -> str:
    """The address at which this machine reaches the server."""
    host = "127.0.0.1" if settings.host in ANYWHERE else settings.host
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def say(word: str, text: str, began: float) -> None:
    """One line about a part, with the seconds since the start."""
    render.line(f"{render.styled(word)}{' ' * max(1, 10 - len(word))}{text}  [dim]{time.monotonic() - began:.1f} s[/]")


def health_word(state: Any) -> str:  # noqa: ANN401 - a word of the health report
    """The word that stands for a state."""
    return "ready" if state == "well" else str(state)
