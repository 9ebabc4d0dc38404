"""The running server: uvicorn with the application, and the words about each part.

Decides when a part is reported and how the process ends: the first signal stops
cleanly, with exit code 0, the second at once. Leaves the port to `server`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from typing import Any

import uvicorn

from firedoor.interfaces.cli.terminal import render
from firedoor.interfaces.cli.terminal.startup import address, say
from firedoor.interfaces.web.app import create_app
from firedoor.interfaces.web.http.connections import protocol
from firedoor.runtime.config.inventory import doubts
from firedoor.runtime.config.settings import Settings
from firedoor.runtime.execution.evidence_gaps import gaps_in, told
from firedoor.runtime.process.application import Runtime

LOOK = 0.1  # seconds between two looks at the parts
SWITCH = 0.001  # seconds; the reflex must not wait the usual 5 ms for the thread in which Prefect is loaded
GRACE = 5  # seconds that open requests have when the server stops


class Server(uvicorn.Server):
    """A server whose signals only ask it to stop, so that stopping is an ordinary end."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take SIGINT and SIGTERM for as long as we serve."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._asked_to_stop)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    def _asked_to_stop(self) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True
        events = getattr(getattr(self.config.app, "state", None), "events", None)
        if events is not None:
            events.dismiss()  # whoever listens to events would hold the server up for the whole grace


def run(settings: Settings, listeners: list[socket.socket], began: float, *, with_parent: bool) -> None:
    """Serve until asked to stop."""
    sys.setswitchinterval(SWITCH)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    asyncio.run(_run(settings, listeners, began, with_parent=with_parent))


async def _run(settings: Settings, listeners: list[socket.socket], began: float, *, with_parent: bool) -> None:
    runtime = Runtime(settings)
    app = create_app(runtime, address(settings))
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=GRACE, lifespan="on",
        http=protocol(settings.request_patience),
        proxy_headers=False,  # the application applies them, of those proxies only that the settings name
    )  # fmt: skip
    server = Server(config)
    telling = asyncio.create_task(_tell(runtime, server, began))
    leaving = asyncio.create_task(_leave_with(os.getppid(), server)) if with_parent else None
    try:
        await server.serve(listeners)
    finally:
        for task in (telling, leaving):
            if task is not None:
                task.cancel()
        for listener in listeners:
            listener.close()
    render.line("stopped; `firedoor up` continues where it left off")


async def _leave_with(parent: int, server: Server) -> None:
    while os.getppid() == parent:  # noqa: ASYNC110 - nobody tells a process that its parent is gone
        await asyncio.sleep(LOOK)
    server.should_exit = True


async def _tell(runtime: Runtime, server: Server, began: float) -> None:
    """Say each part's state whenever it changes."""
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(LOOK / 5)
    settings = runtime.settings
    plans = runtime.shelf.plans
    say("ready", f"alerts are accepted at [bold]{address(settings)}/api/v1/alerts/SOURCE[/]", began)
    if settings.report_port:
        where = f"http://{settings.report_host or settings.host}:{settings.report_port}/report"
        render.line(f"          the report page is at [bold]{where}[/] and nowhere else")
    targets = len(runtime.world.inventory.targets)
    render.line(f"          {len(plans)} playbooks, {targets} targets, data in {render.escape(settings.data_dir)}")
    lacking = told(gaps_in(plans.values(), runtime.world.inventory))
    if lacking:
        more = f"of {len(lacking)} of {targets} targets some evidence could not be preserved; see `firedoor doctor`"
        render.line(f"          [yellow]{more}[/]")
    for file, problems in runtime.shelf.problems.items():
        say(
            "failed",
            f"{render.escape(file)} cannot be read; `firedoor check {render.escape(file)}` says why ({len(problems)})",
            began,
        )
    for missing in runtime.shelf.without:
        do = "an alert of this type starts nothing; add one to the folder, or unset FIREDOOR_PLAYBOOKS"
        say("waiting", f"no playbook here is for {missing}: {do}", began)
    unsure = doubts(runtime.world.organisation, {}, (role for plan in plans.values() for role in plan.roles))
    for problem in unsure:
        say("note", render.escape(f"the organisation profile: {problem.message}; {problem.do}"), began)
    said: dict[str, str] = {}
    while not server.should_exit:
        for part, state in runtime.health()["parts"].items():
            if said.get(part) != state and part != "playbooks":  # named above, each with its file
                _say_part(runtime, part, state, said.get(part, ""), began)
                said[part] = state
        await asyncio.sleep(LOOK)


def _say_part(runtime: Runtime, part: str, state: str, before: str, began: float) -> None:
    """Prefect's states, and whatever is not well or is well again; that the rest has started is no news."""
    if part == "prefect":
        say(state, f"Prefect{_prefect_page(runtime) if state == 'ready' else ''}", began)
    elif state not in ("well", "starting", "off"):
        say("failed", f"{part}: {render.escape(state)}", began)
    elif before not in ("", "starting"):
        say("ready", part, began)


def _prefect_page(runtime: Runtime) -> str:
    settings: Any = getattr(runtime.bridge, "settings", None)
    return f", its own pages at [bold]{settings.ui_url}[/]" if settings else ""
