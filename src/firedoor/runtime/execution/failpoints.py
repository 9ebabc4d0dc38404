"""Where a test has this process killed: named points between two lines of the journal.

Decides what `FIREDOOR_TEST_KILL_AT` means: lines of `BOUNDARY:OPERATION`, such as
`performed:containment.suspend.reflex.suspend`. The process says on standard error where
it dies, and dies by SIGKILL, so that nothing is cleaned up. The boundaries are `planned`
(before the entry that says the effect begins is written), `started` (after it, before the
effect), `performed` (after the effect, before anybody is shown that it ended) and `ended`
(Prefect has been shown it, its outcome is not written). Without the variable nothing of this
exists. Leaves the starting again to whoever set it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from typing import NoReturn

from firedoor.runtime.execution.conductor import BOUNDARY, no_boundary

VARIABLE = "FIREDOOR_TEST_KILL_AT"
REACHED = "killed at "  # what is said, before the point


def kill_points(environment: Mapping[str, str] = os.environ) -> BOUNDARY:
    """What the conductor calls at its boundaries: nothing, unless a test names points."""
    points = frozenset(filter(None, environment.get(VARIABLE, "").splitlines()))
    if not points:
        return no_boundary

    async def boundary(where: str, operation: str) -> None:
        if f"{where}:{operation}" in points:
            _die(f"{where}:{operation}")

    return boundary


def _die(point: str) -> NoReturn:
    os.write(2, f"{REACHED}{point}\n".encode())
    os.kill(os.getpid(), signal.SIGKILL)
    raise SystemExit(REACHED + point)  # never reached: the signal cannot be caught
