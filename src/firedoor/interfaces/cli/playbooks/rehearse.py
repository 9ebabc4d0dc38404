"""`demo`: a whole incident on this machine.

Decides nothing; leaves the demonstration to `firedoor.demo.demo`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    keep: Annotated[
        Path | None,
        typer.Option(
            "--keep", metavar="FOLDER", help="Where to write the report; default ./firedoor-demo.", show_default=False
        ),
    ] = None,
    stay: Annotated[bool, typer.Option("--stay", help="Leave it running at the end to explore.")] = False,
) -> None:
    """Play a complete sample incident on this machine, in about a minute, from the alert to the report."""
    from firedoor.demo.demo import run

    raise typer.Exit(run(keep or Path("firedoor-demo"), stay=stay))
