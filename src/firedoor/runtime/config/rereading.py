"""Files that are taken again while a process runs: playbooks, mappings of alerts.

Decides that a change counts at the second look that finds the files the same, so that a file is not read while
somebody writes it, and that files which cannot be read for a moment leave in use what was read before. Leaves what the
files mean to whoever takes them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from firedoor.runtime.repeating import Failing, repeat

LOOK = 2.0  # seconds between two looks
Seen = tuple[tuple[str, int, int, int], ...]

log = logging.getLogger(__name__)


def seen(files: Iterable[Path]) -> Seen:
    """What files look like from outside. A link that leads nowhere, such as an editor's lock, looks like itself."""
    looks = [(str(path), path.stat() if path.exists() else path.lstat()) for path in sorted(files)]
    return tuple((name, look.st_mtime_ns, look.st_size, look.st_ino) for name, look in looks)


def is_page(path: Path) -> bool:
    """Whether a file is somebody's YAML. Hidden files are an editor's own."""
    return path.suffix in (".yaml", ".yml") and not path.name.startswith(".")


async def reread(
    what: str, look: Callable[[], Seen], take: Callable[[], bool], changed: Callable[[], None], every: float = LOOK,
    failing: Failing | None = None,
) -> None:  # fmt: skip
    """Look again and again; call `changed` when `take` says that something is different. Ends only by cancellation.

    Whatever cannot be read, for want of a right or over a fault of ours, what is in use stays, and health says it.
    """
    read: Seen | None = None
    before: Seen | None = None

    async def once() -> None:
        nonlocal read, before
        now = await asyncio.to_thread(look)
        if now == before != read:
            if await asyncio.to_thread(take):
                changed()
            read = now
        before = now

    await repeat(what, once, every, failing)
