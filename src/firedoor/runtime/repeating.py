"""Loops that outlive every fault, and say so while they have one.

Decides that whatever a look raises ends no loop, is logged, and stands in `Failing` until a look goes well again, by
its kind and its place alone: health shows them to everybody, and what an error says may be of an incident. Leaves what
is looked at, and how long a loop rests, to whoever has it repeated.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NoReturn

from firedoor.core.isolated import fault_of

LONG = 10.0  # seconds of nothing but failures after which a loop is not well; a lock or a restart may last shorter

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Failure:
    """A loop whose looks fail. `since` is of the monotonic clock, which nobody puts back."""

    since: float
    what: str

    def lasts(self) -> bool:
        """Whether it is more than a passing trouble."""
        return time.monotonic() - self.since >= LONG

    def words(self) -> str:
        """For health, which everybody may read."""
        return f"fails for {time.monotonic() - self.since:.0f} s: {self.what}; the log has the details"


Failing = dict[str, Failure]
"""The loops of one process that fail now, by name."""


async def repeat(
    name: str, look: Callable[[], Awaitable[float | None]], rest: float, failing: Failing | None = None
) -> NoReturn:
    """Look again and again, until cancelled. `look` may return how many seconds to rest instead of `rest`."""
    while True:
        pause = await attempt(name, look, failing)
        await asyncio.sleep(rest if pause is None else pause)


async def attempt(
    name: str, look: Callable[[], Awaitable[float | None]], failing: Failing | None = None
) -> float | None:
    """Look once. What is raised is logged and noted; a look that goes well takes the note away."""
    try:
        found = await look()
    except Exception as error:  # noqa: BLE001 - the loop must outlive every fault
        log.warning("%s: %s", name, error)
        if failing is not None:
            failing[name] = Failure(failing[name].since if name in failing else time.monotonic(), _place_of(error))
        return None
    if failing is not None:
        failing.pop(name, None)
    return found


def _place_of(error: Exception) -> str:
    fault = fault_of(error)
    return f"{fault.kind} in {fault.where}" if fault.where else fault.kind
