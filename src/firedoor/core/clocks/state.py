"""The value of a running clock, the table of its states, and what can be read off it.

Decides what a clock records, where it may go next, when it is overdue and when
to remind. Leaves how it changes to `changes`, and what starts it to `clock`.
Nothing here reads the time: `now` is an argument.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from firedoor.core.law.due import DueKind


class ClockState(StrEnum):
    """Where a clock stands."""

    PROVISIONAL = "provisional"
    RUNNING = "running"
    EXTENDED = "extended"
    PAUSED = "paused"
    SUBMITTED = "submitted"
    SATISFIED = "satisfied"
    MISSED = "missed"
    SUPERSEDED = "superseded"
    NOT_APPLICABLE = "not_applicable"


S = ClockState
OPEN = frozenset({S.PROVISIONAL, S.RUNNING, S.EXTENDED, S.PAUSED, S.MISSED})
_FROM_OPEN = frozenset({S.SUBMITTED, S.SATISFIED, S.SUPERSEDED, S.NOT_APPLICABLE})
NEXT: Mapping[ClockState, frozenset[ClockState]] = {
    S.PROVISIONAL: _FROM_OPEN | {S.RUNNING, S.EXTENDED, S.PAUSED, S.MISSED},
    S.RUNNING: _FROM_OPEN | {S.PROVISIONAL, S.EXTENDED, S.PAUSED, S.MISSED},
    S.EXTENDED: _FROM_OPEN | {S.EXTENDED, S.PAUSED, S.MISSED},
    S.PAUSED: _FROM_OPEN | {S.RUNNING, S.EXTENDED, S.MISSED},
    S.MISSED: _FROM_OPEN | {S.RUNNING, S.EXTENDED},
    S.SUBMITTED: frozenset({S.SATISFIED, S.RUNNING}),  # running again when the authority sends it back
    S.SATISFIED: frozenset(),
    S.SUPERSEDED: frozenset({S.PROVISIONAL, S.RUNNING}),
    S.NOT_APPLICABLE: frozenset({S.PROVISIONAL, S.RUNNING}),
}
"""The states a clock may go to from each state."""
SHADOW = "shadow clock, the request is incomplete and the law's own clock does not run"
"""How the assumption of a clock says that no law's limit runs yet: it reminds, and nobody can miss it."""
WAIVING = frozenset({S.NOT_APPLICABLE, S.SUPERSEDED, S.PAUSED})


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Change(_Frozen):
    """One change of a clock: what was before, why, who, and who approved."""

    at: datetime
    what: str
    why: str
    by: str = ""
    approver: str = ""
    state_before: ClockState
    due_before: datetime | None
    trigger_before: datetime


class Clock(_Frozen):
    """A running duty. Instants are aware; `due` None means that the law sets no outer limit.

    `id` is the duty's id, with "@<subject>" behind it where one incident has
    several (one for each removal request). `assumption` says in words what a
    provisional clock takes for granted.
    """

    id: str
    duty: str
    version: str
    trigger_event: str
    trigger_at: datetime
    due: datetime | None
    kind: DueKind
    latest_arguable: datetime | None = None
    latest_basis: str = ""
    internal_target: datetime | None = None
    state: ClockState
    assumption: str = ""
    started_at: datetime
    citation: str
    why: tuple[str, ...] = ()
    paused_until: datetime | None = None
    history: tuple[Change, ...] = ()

    @property
    def provisional(self) -> bool:
        """It runs on an assumption."""
        return self.state is ClockState.PROVISIONAL

    @property
    def open(self) -> bool:
        """Its duty is neither met nor ended; a missed one stays open."""
        return self.state in OPEN


def is_shadow(assumption: str) -> bool:
    """Whether a clock with this assumption only shadows a limit that no law sets yet."""
    return SHADOW in assumption


def overdue(clock: Clock, now: datetime) -> bool:
    """Whether the limit has passed while the duty is open. Never for a hold, which ends, or a shadow, which is none."""
    open_limit = clock.open and clock.state is not S.PAUSED and clock.kind is not DueKind.HOLD_UNTIL
    open_limit = open_limit and not is_shadow(clock.assumption)
    return open_limit and clock.due is not None and now > clock.due


RESUME = "resume"
_BEFORE = (
    ("T-24h", timedelta(hours=24)),
    ("T-4h", timedelta(hours=4)),
    ("T-1h", timedelta(hours=1)),
    ("T", timedelta(0)),
)


def reminder_points(clock: Clock) -> list[tuple[str, datetime]]:
    """The instants at which to remind, in order: half of the time, T-24h, T-4h, T-1h, T; in UTC.

    Only those after the start and not after the limit. A clock without a limit
    reminds towards its internal target; one without either, never. A paused clock
    has one point, the end of the pause.
    """
    if clock.state is S.PAUSED:
        return [(RESUME, clock.paused_until.astimezone(UTC))] if clock.paused_until else []
    end = clock.due or clock.internal_target
    if end is None:
        return []
    start, end = clock.trigger_at.astimezone(UTC), end.astimezone(UTC)
    points = [("half", start + (end - start) / 2), *((name, end - ahead) for name, ahead in _BEFORE)]
    return sorted(((name, at) for name, at in points if start < at <= end), key=lambda point: point[1])


def less_safe(kind: DueKind, old: datetime | None, new: datetime | None) -> bool:
    """Whether a limit moves to the less safe side: later, or away; for a hold, earlier."""
    if old is None or new is None:
        return old is not None
    return new < old if kind is DueKind.HOLD_UNTIL else new > old


def shown(due: datetime | None) -> str:
    """A limit in words."""
    return due.isoformat() if due else "no outer limit"
