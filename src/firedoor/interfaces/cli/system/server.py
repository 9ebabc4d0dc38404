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
ReportPortOption = Annotated[
    int | None,
    typer.Option(
        "--report-port", min=0, max=65535, show_default=False,
        help="A port of its own for the report page; FIREDOOR_REPORT_PORT otherwise.",
    ),
]  # fmt: skip
ParentOption = Annotated[
    bool, typer.Option("--with-parent", hidden=True, help="Stop when the process that started this one is gone.")
]


def up(
    host: HostOption = None,
    port: PortOption = None,
    report_port: ReportPortOption = None,
    no_prefect: Annotated[bool, typer.Option("--no-prefect", help="Run without Prefect; incidents still run.")] = False,
    with_parent: ParentOption = False,
) -> None:
    """Run everything on this machine: API, deadline checks, recovery and a private Prefect server."""
    _serve(host, (port, report_port), prefect=not no_prefect, with_parent=with_parent)


def serve(
    host: HostOption = None,
    port: PortOption = None,
    report_port: ReportPortOption = None,
    no_prefect: Annotated[
        bool, typer.Option("--no-prefect", help="Without any Prefect, even if PREFECT_API_URL names one.")
    ] = False,
    with_parent: ParentOption = False,
) -> None:
    """Run the API, deadline checks and recovery with your own Prefect server (PREFECT_API_URL) or without one."""
    import os

    own = os.environ.get("FIREDOOR_PREFECT_API_URL") or os.environ.get("PREFECT_API_URL")
    _serve(host, (port, report_port), prefect=bool(own) and not no_prefect, with_parent=with_parent)


def _serve(host: str | None, ports: tuple[int | None, int | None], *, prefect: bool, with_parent: bool) -> None:
    began = time.monotonic()

    settings = load_settings()
    settings.host = host or settings.host
    settings.port, settings.report_port = (
        own if given is None else given for own, given in zip((settings.port, settings.report_port), ports, strict=True)
    )
    settings.prefect = settings.prefect and prefect
    _only_one(settings)
    _need_tls(settings)
    listeners = [_listen(settings.host, settings.port)]
    settings.port = listeners[0].getsockname()[1]
    if settings.report_port:
        listeners.append(_listen(settings.report_host or settings.host, settings.report_port))
    from firedoor.interfaces.cli.system import serving

    serving.run(settings, listeners, began, with_parent=with_parent)


def _only_one(settings: Settings) -> None:
    """Refuse a second server on the same data folder, unless its database is made for several."""
    note = server_note(settings)
    if note is not None and not settings.database_url and listens(str(note["url"])):
        message = f"Firedoor runs already at {note['url']} (process {note['pid']}) on {settings.data_dir}"
        raise told("Refused", "U120", message, "use it, stop it, or give this one another FIREDOOR_DATA_DIR")


def _need_tls(settings: Settings) -> None:
    """Refuse to be reached from other machines in clear: a proxy that speaks TLS has to be named."""
    from firedoor.connectors.parts.loopback import is_loopback

    hosts = (settings.host, settings.report_host or settings.host)
    open_to_all = next((host for host in hosts if not is_loopback(host)), None)
    if open_to_all is None or settings.trusted_proxies:
        return
    message = f"{open_to_all or 'every address'} is reached from other machines, and Firedoor speaks no TLS itself"
    do = (
        "listen on 127.0.0.1 behind a proxy on this machine, or name the address of the proxy that speaks TLS: "
        "FIREDOOR_TRUSTED_PROXIES; see docs/how-to/install-for-a-team.md"
    )
    raise told("Refused", "U125", message, do)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        message = f"{host}:{port} cannot be listened on: {getattr(error, 'strerror', None) or error}"
        raise told(
            "Refused", "U121", message, "choose another with --port or FIREDOOR_PORT; 0 takes a free one"
        ) from None
    # asyncio sets this only on sockets whose protocol is named; without it each answer waits 40 ms for an ACK.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
