"""How a run looks in Prefect whose incident waits for people or for a time: its state, its words, its line in the log.

Decides what Prefect's buttons mean beside such a run. Resume looks at the journal again, and lets the run wait again
where nothing was decided. Cancel stops nothing: the run waits again, because "Cancelled" beside duties that run would
be believed. Neither answers a question, and neither is an act of a person with a name. Leaves setting the state to
`flow` and `show`.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

WAITING = "Waiting"  # not "Suspended", which in Firedoor is what a closed target is
WAITS = "Waits for people or for a time. Answer in Firedoor: Resume here only looks again, Cancel stops nothing."
CANCELLED = "Cancelled in Prefect, which stops nothing: the incident goes on."


def waiting(why: str = "") -> State[object]:
    """The state of a run whose incident waits, of Prefect's type PAUSED and without a time at which it would fail.

    Its pause key is new each time: one that was used would let the run pass at once.
    """
    from prefect.states import Paused

    return Paused(name=WAITING, reschedule=True, pause_key=str(uuid4()), message=f"{why} {WAITS}".strip())


class _WaitingIsNoError(logging.Filter):
    """Prefect reports a run that waits for a person at ERROR; a red line for each wait would hide the real ones."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno == logging.ERROR and record.getMessage().startswith(f"Finished in state {WAITING}"):
            record.levelno, record.levelname = logging.INFO, "INFO"
        return True


def waiting_is_no_error() -> None:
    """Have Prefect report runs that wait at INFO: in this process, which may be an ordinary worker's."""
    for name in ("prefect", "prefect.flow_runs", "prefect.task_runs"):
        for handler in logging.getLogger(name).handlers:
            if not any(isinstance(known, _WaitingIsNoError) for known in handler.filters):
                handler.addFilter(_WaitingIsNoError())
