"""A clock: one duty running for one incident, as a value that changes only by recorded changes.

Decides which clocks start on given facts, what new facts do to running ones,
when to remind, and which changes need a second person. Leaves the condition to
`assessment`, the instant to `due`, and keeping and firing to the runtime.
Nothing here reads the time: `now` is an argument.

A change that makes things later (for a hold: earlier), or ends a clock without
its duty being met, needs an approver who is not the one who asks for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from firedoor.core.assessment import Assessment, assess, assess_one, find_trigger
from firedoor.core.due import Due, DueKind, Later, compute_due
from firedoor.core.duty import Duty
from firedoor.core.facts import Facts
from firedoor.core.problems import Problem, Refused
from firedoor.core.ternary import NO, UNKNOWN, YES
from firedoor.core.territories import enrich

__all__ = [
    "Change", "Clock", "ClockState", "Due", "DueKind", "Later", "Reassessment", "clocks_due_to_start", "compute_due",
    "extend", "move", "overdue", "pause", "reanchor", "reassess", "reminder_points", "resume",
]  # fmt: skip

AUTO: Literal["auto"] = "auto"
Selection = Literal["auto"] | Iterable[str]


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


@dataclass(frozen=True, slots=True)
class Reassessment:
    """What new facts would do to a clock. With `needs_approval` a named person must confirm it first."""

    before: Clock
    after: Clock
    needs_approval: bool
    why: str


def clocks_due_to_start(  # noqa: PLR0913 - the inputs of the law, by name
    catalogue: Mapping[str, Duty],
    selection: Selection,
    facts: Facts,
    existing: Iterable[str],
    now: datetime,
    *,
    zone: str = "",
    subject: str = "",
) -> list[Clock]:
    """Return the clocks that the facts start and that do not run yet.

    `selection` is "auto" (every duty) or ids. A clock starts when the law reaches
    the organisation, the trigger's instant is known and not in the future, and
    the condition holds (running) or is open (provisional). `zone` falls back to
    the fact `time_zone`, then to UTC.
    """
    chosen = catalogue if selection == AUTO else _chosen(catalogue, selection)
    taken = set(existing)
    wanted = {key: duty for key, duty in chosen.items() if _clock_id(duty, subject) not in taken}
    full = enrich(facts)
    picture = assess(wanted.values(), facts, now)
    zone = zone or _zone(full)
    return [
        _start(wanted[assessment.duty], assessment, full, now, zone, subject)
        for assessment in picture.assessments
        if _starts(assessment, now, explicit=selection != AUTO)
    ]


def _chosen(catalogue: Mapping[str, Duty], ids: Iterable[str]) -> dict[str, Duty]:
    """The named duties with their later stages."""
    wanted = set(ids)
    return {key: duty for key, duty in catalogue.items() if key in wanted or duty.stage_of in wanted}


def _clock_id(duty: Duty, subject: str) -> str:
    return f"{duty.id}@{subject}" if subject else duty.id


def _zone(facts: Facts) -> str:
    zone = facts.get("time_zone", UNKNOWN)
    return "UTC" if zone is UNKNOWN else str(zone)


def _starts(assessment: Assessment, now: datetime, *, explicit: bool) -> bool:
    trigger = assessment.trigger
    if trigger is None or trigger.at > now or assessment.reach is not YES:
        return False
    if not assessment.binding and not (explicit and assessment.version):
        return False
    return assessment.applies is not NO or assessment.shadow


def _start(duty: Duty, assessment: Assessment, facts: Facts, now: datetime, zone: str, subject: str) -> Clock:
    trigger = assessment.trigger
    assert trigger is not None  # noqa: S101 - _starts has seen to it
    due = compute_due(duty, trigger.at, zone, facts, event=trigger.event)
    assumption = _assumption(assessment)
    return Clock(
        id=_clock_id(duty, subject), duty=duty.id, trigger_event=trigger.event, trigger_at=trigger.at, started_at=now,
        state=S.PROVISIONAL if assumption else S.RUNNING, assumption=assumption, **_dates_of(due),
    )  # fmt: skip


def _dates_of(due: Due) -> dict[str, Any]:
    later = due.latest_arguable
    return {
        "version": due.version, "due": due.due, "kind": due.kind, "citation": due.citation, "why": due.why,
        "latest_arguable": later.due if later else None, "latest_basis": later.basis if later else "",
        "internal_target": due.internal_target,
    }  # fmt: skip


def _assumption(assessment: Assessment) -> str:
    """In words what a clock takes for granted; "" when nothing."""
    said: list[str] = []
    if assessment.applies is UNKNOWN:
        open_points = [finding.says for finding in assessment.findings if finding.answer is UNKNOWN]
        said.append(f"assumes, until it is known: {'; '.join(open_points)} (needs: {', '.join(assessment.missing)})")
    if assessment.shadow:
        lacking = [finding.says for finding in assessment.findings if finding.answer is NO]
        said.append(f"shadow clock: the request is incomplete, the law's own clock does not run yet: not {'; not '.join(lacking)}")
    if assessment.trigger and assessment.trigger.stands_in_for:
        said.append(f"{assessment.trigger.fact} stands in for {assessment.trigger.stands_in_for}, which is not recorded")
    if not assessment.binding:
        said.append("the law does not bind yet: voluntary")
    return ". ".join(said)


def reassess(
    catalogue: Mapping[str, Duty], clocks: Iterable[Clock], facts: Facts, now: datetime, *, zone: str = ""
) -> list[Reassessment]:
    """Return what the facts now known change: a clock confirmed or ended, its instant or its limit moved.

    Earlier limits and confirmations may be applied at once; `needs_approval`
    marks those that make things later or end a clock.
    """
    full = enrich(facts)
    zone = zone or _zone(full)
    changes = (_reassess(catalogue[clock.duty], clock, full, now, zone) for clock in clocks if _live(clock, catalogue))
    return [change for change in changes if change is not None]


def _live(clock: Clock, catalogue: Mapping[str, Duty]) -> bool:
    return clock.state in (S.PROVISIONAL, S.RUNNING) and clock.duty in catalogue


def _reassess(duty: Duty, clock: Clock, facts: Facts, now: datetime, zone: str) -> Reassessment | None:
    assessment = assess_one(duty, facts, now)
    if assessment.applies is NO and not assessment.shadow:
        state = S.SUPERSEDED if assessment.superseded is YES else S.NOT_APPLICABLE
        why = "; ".join(assessment.reasons)
        return Reassessment(clock, _changed(clock, "ended", why, now, state=state), needs_approval=True, why=why)
    trigger = find_trigger(duty, facts)
    event, at = (trigger.event, trigger.at) if trigger else (clock.trigger_event, clock.trigger_at)
    due = compute_due(duty, at, zone, facts, event=event)
    assumption = _assumption(assessment)
    state = S.PROVISIONAL if assumption else S.RUNNING
    new: dict[str, Any] = {"state": state, "assumption": assumption, "trigger_event": event, "trigger_at": at, **_dates_of(due)}
    if all(getattr(clock, key) == value for key, value in new.items() if key not in ("why", "internal_target")):
        return None
    why = _difference(clock, new)
    after = _changed(clock, "reassessed", why, now, **new)
    return Reassessment(clock, after, needs_approval=_less_safe(clock.kind, clock.due, after.due), why=why)


def _difference(clock: Clock, new: Mapping[str, Any]) -> str:
    said = [f"{clock.state} -> {new['state']}"] if clock.state != new["state"] else []
    if clock.trigger_at != new["trigger_at"] or clock.trigger_event != new["trigger_event"]:
        said.append(f"starts with {new['trigger_event']} at {new['trigger_at'].isoformat()}")
    if clock.due != new["due"]:
        said.append(f"due {_shown(clock.due)} -> {_shown(new['due'])}")
    return "; ".join(said) or "what it assumes has changed"


def _shown(due: datetime | None) -> str:
    return due.isoformat() if due else "no outer limit"


def reanchor(  # noqa: PLR0913 - who, why and approval belong to every change
    clock: Clock,
    duty: Duty,
    instant: datetime,
    *,
    facts: Facts,
    why: str,
    by: str,
    now: datetime,
    zone: str = "",
    event: str = "",
    approver: str = "",
) -> Clock:
    """Move the start of a clock, keeping what was. Raises Refused when it ends later and nobody approved."""
    full = enrich(facts)
    event = event or clock.trigger_event
    due = compute_due(duty, instant, zone or _zone(full), full, event=event)
    if not why.strip():
        raise _refused("C301", "the start of a clock moves only with a reason", "say why")
    if _less_safe(clock.kind, clock.due, due.due):
        _second_person(by, approver, f"the limit would move from {_shown(clock.due)} to {_shown(due.due)}")
    return _changed(clock, "re-anchored", why, now, by, approver, trigger_event=event, trigger_at=instant, **_dates_of(due))


def move(clock: Clock, state: ClockState, *, why: str, by: str, now: datetime, approver: str = "") -> Clock:
    """Take a clock to another state. Raises Refused for one that its state forbids, or an end without approval."""
    if state not in NEXT[clock.state]:
        allowed = ", ".join(sorted(NEXT[clock.state])) or "none"
        raise _refused("C303", f"a clock that is {clock.state} cannot become {state}", f"possible: {allowed}")
    if state in WAIVING:
        _second_person(by, approver, f"the clock would become {state} without its duty being met")
    return _changed(clock, str(state), why, now, by, approver, state=state)


def extend(clock: Clock, until: datetime, *, why: str, by: str, now: datetime, approver: str) -> Clock:
    """Record an extension that the law or the authority grants; `why` names the document."""
    moved = move(clock, S.EXTENDED, why=why, by=by, now=now)
    _second_person(by, approver, f"the limit would move to {until.isoformat()}")
    last = moved.history[-1].model_copy(update={"approver": approver})
    return moved.model_copy(update={"due": until, "kind": DueKind.INSTANT, "history": (*moved.history[:-1], last)})


def pause(clock: Clock, until: datetime, *, why: str, by: str, now: datetime, approver: str) -> Clock:
    """Pause for a law-enforcement delay: `why` names the document and its scope, `until` its expiry."""
    return move(clock, S.PAUSED, why=why, by=by, now=now, approver=approver).model_copy(update={"paused_until": until})


def resume(clock: Clock, *, why: str, by: str, now: datetime) -> Clock:
    """End a pause. The limit becomes the end of the pause if it has passed meanwhile."""
    moved = move(clock, S.RUNNING, why=why, by=by, now=now)
    late = clock.due is not None and clock.paused_until is not None and clock.due < clock.paused_until
    return moved.model_copy(update={"due": clock.paused_until if late else clock.due, "paused_until": None})


def overdue(clock: Clock, now: datetime) -> bool:
    """Whether the limit has passed while the duty is open. A hold is never overdue; it ends."""
    open_limit = clock.open and clock.state is not S.PAUSED and clock.kind is not DueKind.HOLD_UNTIL
    return open_limit and clock.due is not None and now > clock.due


_BEFORE = (("T-24h", timedelta(hours=24)), ("T-4h", timedelta(hours=4)), ("T-1h", timedelta(hours=1)), ("T", timedelta(0)))


def reminder_points(clock: Clock) -> list[tuple[str, datetime]]:
    """The instants at which to remind, in order: half of the time, T-24h, T-4h, T-1h, T; in UTC.

    Only those after the start and not after the limit. A clock without a limit
    reminds towards its internal target; one without either, never.
    """
    end = clock.due or clock.internal_target
    if end is None:
        return []
    start, end = clock.trigger_at.astimezone(UTC), end.astimezone(UTC)
    points = [("half", start + (end - start) / 2), *((name, end - ahead) for name, ahead in _BEFORE)]
    return sorted(((name, at) for name, at in points if start < at <= end), key=lambda point: point[1])


def _less_safe(kind: DueKind, old: datetime | None, new: datetime | None) -> bool:
    """Whether a limit moves to the less safe side: later, or away; for a hold, earlier."""
    if old is None or new is None:
        return old is not None
    return new < old if kind is DueKind.HOLD_UNTIL else new > old


def _second_person(by: str, approver: str, what: str) -> None:
    if not approver or approver == by:
        raise _refused("C302", what, "have somebody other than the one who asks approve it")


def _changed(clock: Clock, what: str, why: str, now: datetime, by: str = "", approver: str = "", **new: Any) -> Clock:  # noqa: ANN401, PLR0913
    change = Change(
        at=now, what=what, why=why, by=by, approver=approver,
        state_before=clock.state, due_before=clock.due, trigger_before=clock.trigger_at,
    )  # fmt: skip
    return clock.model_copy(update={**new, "history": (*clock.history, change)})


def _refused(code: str, message: str, do: str) -> Refused:
    return Refused(Problem(code=code, message=message, do=do))


def states(clocks: Iterable[Clock]) -> Iterator[tuple[str, ClockState]]:
    """Yield each clock's id and state."""
    yield from ((clock.id, clock.state) for clock in clocks)
