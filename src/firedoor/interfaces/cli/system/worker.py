"""`worker`: drives incidents beside a server, without an API of its own.

Decides that a worker shares everything with the servers: the database, the data folder
with the vault, the playbooks and one Prefect server. It takes runs from the work pool in
a warm process, takes over incidents whose driver has died, and fires reminders like
any other. Stops cleanly on SIGINT and SIGTERM. Leaves all of that to the runtime.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from firedoor.interfaces.cli.terminal import render
from firedoor.interfaces.cli.terminal.client import load_settings
from firedoor.interfaces.cli.terminal.options import told

if TYPE_CHECKING:
    from firedoor.runtime.config.settings import Settings

LOOK = 0.1  # seconds between two looks at Prefect's state


def worker(
    with_parent: Annotated[
        bool, typer.Option("--with-parent", hidden=True, help="Stop when the process that started this one is gone.")
    ] = False,
) -> None:
    """Run incidents alongside a server, with the same database and data folder and the Prefect of PREFECT_API_URL."""
    import asyncio
    import logging
    import os

    began = time.monotonic()
    settings = load_settings()
    _needs_prefect(os.environ.get("FIREDOOR_PREFECT_API_URL") or os.environ.get("PREFECT_API_URL"))
    settings.prefect = True
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    asyncio.run(_run(settings, began, os.getppid() if with_parent else None))


def _needs_prefect(address: str | None) -> None:
    """Refuse to start a private Prefect: nobody else would give it any work."""
    if not address:
        message = "a worker takes its runs from a Prefect server, and none is named"
        do = "set PREFECT_API_URL to the server that `firedoor serve` uses; `firedoor up` needs no worker"
        raise told("Refused", "U122", message, do)


async def _run(settings: Settings, began: float, parent: int | None) -> None:
    """Run until asked to stop."""
    import asyncio
    import os
    import signal

    from firedoor.interfaces.cli.terminal.startup import say
    from firedoor.interfaces.slack.connecting import connect
    from firedoor.runtime.process.application import Runtime

    asked, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked.set)
    runtime = Runtime(settings)
    connect(runtime)  # it tells people what it finds, and leaves their answers to the servers
    await runtime.start()
    say("ready", f"takes over incidents that no process is running; {len(runtime.shelf.plans)} playbooks", began)
    said = ""
    try:
        while not asked.is_set() and (parent is None or os.getppid() == parent):
            state = str(runtime.health()["parts"]["prefect"])
            if state != said:
                say(state, "Prefect", began)
                said = state
            await asyncio.sleep(LOOK)
    finally:
        await runtime.stop()
    render.line("stopped; its incidents continue elsewhere")
