"""`audit`: watches the watch, as a process of its own that can change nothing.

Decides when a look is taken and what is said about it, and that the heartbeat goes out only
while all is well. Leaves what is looked at to `runtime.audit`.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from firedoor.interfaces.cli.terminal import render
from firedoor.interfaces.cli.terminal.client import load_settings
from firedoor.interfaces.cli.terminal.options import Format, FormatOption

if TYPE_CHECKING:
    from firedoor.core.problems import Problem
    from firedoor.runtime.config.settings import Settings
    from firedoor.runtime.loops.audit import Audit

TIMEOUT = 5.0  # seconds that the heartbeat's receiver has to answer


def audit(
    once: Annotated[bool, typer.Option("--once", help="Check once; exit 1 if anything is wrong.")] = False,
    every: Annotated[str, typer.Option("--every", metavar="DURATION", help="Interval, such as 20s.")] = "20s",
    heartbeat_url: Annotated[
        str | None,
        typer.Option(
            "--heartbeat-url",
            metavar="URL",
            envvar="FIREDOOR_HEARTBEAT_URL",
            help="Post to this address after each successful check; silence is the alarm.",
            show_default=False,
        ),
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            "--checkpoint",
            metavar="FILE",
            help="Remember here, outside of the data, where each journal stood.",
            show_default=False,
        ),
    ] = None,
    written: FormatOption = Format.TEXT,
) -> None:
    """Check independently that deadlines fire, incidents progress and every journal is intact. Changes nothing."""
    from firedoor.core.dates.duration import parse_duration

    pause = parse_duration(every).total_seconds()
    auditor = _open(load_settings(), checkpoint)
    if once:
        _once(auditor, heartbeat_url, written)
    said: list[Problem] | None = None
    while True:
        began = time.monotonic()
        found = auditor.look()
        if found != said:
            _say(auditor, found, written, time.monotonic() - began)
            said = found
        _beat(heartbeat_url, found, auditor.signed)
        time.sleep(max(0.0, pause - (time.monotonic() - began)))


def _once(auditor: Audit, heartbeat_url: str | None, written: Format) -> None:
    began = time.monotonic()
    found = auditor.look()
    _say(auditor, found, written, time.monotonic() - began)
    _beat(heartbeat_url, found, auditor.signed)
    raise typer.Exit(1 if found else 0)


def _open(settings: Settings, checkpoint: Path | None) -> Audit:
    import shutil

    from firedoor.runtime.config.container import utc_now
    from firedoor.runtime.loops.audit import Audit
    from firedoor.store.database.engine import open_read_only

    def free() -> int:
        folder = next(path for path in (settings.data_dir, *settings.data_dir.absolute().parents) if path.exists())
        return shutil.disk_usage(folder).free

    return Audit(open_read_only(settings.database), utc_now, checkpoint=checkpoint, free=free)


def _say(auditor: Audit, found: list[Problem], written: Format, seconds: float) -> None:
    from firedoor.runtime.config.container import utc_now

    if written is Format.JSON:
        problems = [{"code": problem.code, "message": problem.message, "do": problem.do} for problem in found]
        render.as_json({"at": utc_now().isoformat(), "well": not found, "problems": problems})
    elif found:
        render.problems(found)
    else:
        counts = f"{len(auditor.seen)} journals, {auditor.verified} entries read in {seconds:.1f} s"
        render.line(f"[green]well[/]  {counts}")


def _beat(url: str | None, found: list[Problem], signed: str) -> None:
    """Say outside that all is well, and where the journals stand, signed.

    That the receiver does not answer is told here, and is its alarm as well.
    """
    if url is None or found:
        return
    import httpx

    try:
        httpx.post(url, content=signed.encode(), timeout=TIMEOUT).raise_for_status()
    except httpx.HTTPError as error:
        render.line(f"the heartbeat was not taken: {render.escape(error)}", error=True)
