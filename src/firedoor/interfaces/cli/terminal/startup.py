"""What a server says while it starts: one line for each part, and where it is reached."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from firedoor.interfaces.cli.terminal import render

if TYPE_CHECKING:
    from firedoor.runtime.config.settings import Settings

ANYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, not bound to


def address(settings: Settings) -> str:
    """The address at which this machine reaches the server."""
    host = "127.0.0.1" if settings.host in ANYWHERE else settings.host
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def say(word: str, text: str, began: float) -> None:
    """One line about a part, with the seconds since the start."""
    render.line(f"{render.styled(word)}{' ' * max(1, 10 - len(word))}{text}  [dim]{time.monotonic() - began:.1f} s[/]")
