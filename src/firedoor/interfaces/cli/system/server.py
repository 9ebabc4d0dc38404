"""`up` and `serve`: the server on this machine.

Decides the order: the port is taken first, so that connections wait and are not refused;
then the libraries are loaded; alerts are accepted before Prefect has started. Says which
part is ready when, and stops cleanly on SIGINT and SIGTERM. Leaves the parts to the
runtime and the routes to `interfaces.web`.
"""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Annotated

import typer

from firedoor.interfaces.cli.terminal.client import listens, load_settings, server_note
from firedoor.interfaces.cli.terminal.options import told

if TYPE_CHECKING:
    from firedoor.runtime.config.settings import Settings

BACKLOG = 2048

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
    no_prefect: Annotated[bool, typer.Option("--no-prefect", help="Run without Prefect; incidents still run.")] = False,
    with_parent: ParentOption = False,
) -> None:
    """Run everything on this machine: API, deadline checks, recovery and a private Prefect server."""
    _serve(host, port, prefect=not no_prefect, with_parent=with_parent)


def serve(
    host: HostOption = None,
    port: PortOption = None,
    no_prefect: Annotated[
        bool, typer.Option("--no-prefect", help="Without any Prefect, even if PREFECT_API_URL names one.")
    ] = False,
    with_parent: ParentOption = False,
) -> None:
    """Run the API, deadline checks and recovery with your own Prefect server (PREFECT_API_URL) or without one."""
    import os

    own = os.environ.get("FIREDOOR_PREFECT_API_URL") or os.environ.get("PREFECT_API_URL")
    _serve(host, port, prefect=bool(own) and not no_prefect, with_parent=with_parent)


def _serve(host: str | None, port: int | None, *, prefect: bool, with_parent: bool) -> None:
    began = time.monotonic()

    settings = load_settings()
    settings.host, settings.port = host or settings.host, settings.port if port is None else port
    settings.prefect = settings.prefect and prefect
    _only_one(settings)
    _need_tls(settings)
    listener = _listen(settings)
    settings.port = listener.getsockname()[1]
    from firedoor.interfaces.cli.system import serving

    serving.run(settings, listener, began, with_parent=with_parent)


def _only_one(settings: Settings) -> None:
    """Refuse a second server on the same data folder, unless its database is made for several."""
    note = server_note(settings)
    if note is not None and not settings.database_url and listens(str(note["url"])):
        message = f"Firedoor runs already at {note['url']} (process {note['pid']}) on {settings.data_dir}"
        raise told("Refused", "U120", message, "use it, stop it, or give this one another FIREDOOR_DATA_DIR")


def _need_tls(settings: Settings) -> None:
    """Refuse to be reached from other machines in clear: a proxy that speaks TLS has to be named."""
    from firedoor.connectors.parts.loopback import is_loopback

    if is_loopback(settings.host) or settings.trusted_proxies:
        return
    message = f"{settings.host or 'every address'} is reached from other machines, and Firedoor speaks no TLS itself"
    do = (
        "listen on 127.0.0.1 behind a proxy on this machine, or name the address of the proxy that speaks TLS: "
        "FIREDOOR_TRUSTED_PROXIES; see docs/how-to/install-for-a-team.md"
    )
    raise told("Refused", "U125", message, do)


def _listen(settings: Settings) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        message = f"{settings.host}:{settings.port} cannot be listened on: {getattr(error, 'strerror', None) or error}"
        raise told(
            "Refused", "U121", message, "choose another with --port or FIREDOOR_PORT; 0 takes a free one"
        ) from None
    # asyncio sets this only on sockets whose protocol is named; without it each answer waits 40 ms for an ACK.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
