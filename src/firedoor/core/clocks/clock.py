"""Clocks: which start on given facts, and what new facts do to those that run.

Decides both, for all duties at once. Leaves the condition to `assessment`, the
instant to `due`, a clock's value to `state`, changes by people to
`changes` (both offered here too), keeping and firing to the runtime.
Nothing here reads the time: `now` is an argument.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from firedoor.core.clocks.anchor import Anchor, anchor, due_from
from firedoor.core.clocks.changes import Fields, Mandate, changed, dates_of, extend, move, pause, reanchor, resume
from firedoor.core.clocks.state import (
    NEXT,
    OPEN,
    SHADOW,
    Change,
    Clock,
    ClockState,
    is_shadow,
    less_safe,
    overdue,
    reminder_points,
    shown,
)  # fmt: skip
from firedoor.core.facts import Facts
from firedoor.core.isolated import Failed, each
from firedoor.core.labels import moment
from firedoor.core.law.assessment import Assessment, TriggerFound, assess_one, assess_reached, find_trigger
from firedoor.core.law.due import Due, DueKind, Later, compute_due
from firedoor.core.law.duty import Duty
from firedoor.core.law.territories import enrich, zone_of
from firedoor.core.ternary import NO, UNKNOWN, YES

__all__ = [
    "NEXT", "OPEN", "Change", "Clock", "ClockState", "Due", "DueKind", "Later", "Mandate", "Reassessment",
    "clocks_due_to_start", "compute_due", "extend", "move", "overdue", "pause", "reanchor", "reassess",
    "reminder_points", "resume",
]  # fmt: skip

AUTO: Literal["auto"] = "auto"
Selection = Literal["auto"] | Iterable[str]
S = ClockState


@dataclass(frozen=True, slots=True)
class Reassessment:
    """What new facts would do to a clock. With `needs_approval` a named person must confirm it first."""

    before: Clock
    after: Clock
    needs_approval: bool
    why: str


def clocks_due_to_start(  # noqa: PLR0913 - what a clock hangs on
    catalogue: Mapping[str, Duty],
    selection: Selection,
    facts: Facts,
    existing: Iterable[str],
    now: datetime,
    *,
    zone: str = "",
    subject: str = "",
    failed: Failed | None = None,
) -> list[Clock]:
    """Return the clocks that the facts start and that do not run yet.

    `selection` is "auto" (every duty) or ids. A clock starts when the law reaches
    the organisation, the trigger's instant is known and not in the future, and
    the condition holds (running) or is open (provisional). `zone` falls back to
    the fact `time_zone`, then to UTC. A duty that raises is put into `failed`.
    """
    chosen = catalogue if selection == AUTO else _chosen(catalogue, selection)
    taken = set(existing)
    full = enrich(facts)
    # Most laws wait for an instant that is not known yet, or reach somebody else: those are not assessed at all.
    wanted = {
        key: duty
        for key, duty in chosen.items()
        if _clock_id(duty, subject) not in taken and find_trigger(duty, full) is not None
    }
    reached = assess_reached(wanted.values(), facts, now, failed)
    zone = zone or zone_of(full)
    starting = [one for one in reached if _starts(one, now, explicit=selection != AUTO)]
    return list(
        each(
            starting, lambda one: _start(wanted[one.duty], one, full, now, zone, subject), failed, lambda one: one.duty
        )
    )


def _chosen(catalogue: Mapping[str, Duty], ids: Iterable[str]) -> dict[str, Duty]:
    """The named duties with their later stages."""
    wanted = set(ids)
    return {key: duty for key, duty in catalogue.items() if key in wanted or duty.stage_of in wanted}


def _clock_id(duty: Duty, subject: str) -> str:
    return f"{duty.id}@{subject}" if subject else duty.id


def _starts(assessment: Assessment, now: datetime, *, explicit: bool) -> bool:
    trigger = assessment.trigger
    if trigger is None or trigger.at > now or assessment.reach is not YES:
        return False
    if not assessment.binding and not (explicit and assessment.version):
        return False
    return assessment.applies is not NO or assessment.shadow


def _start(duty: Duty, assessment: Assessment, facts: Facts, now: datetime, zone: str, subject: str) -> Clock:
    anchored = anchor(duty, facts)
    assert anchored is not None  # noqa: S101 - _starts has seen to it
    due, trigger = due_from(duty, anchored, zone, facts), anchored.trigger
    assumption = _assumption(assessment)
    return Clock(
        id=_clock_id(duty, subject), duty=duty.id, trigger_event=trigger.event, trigger_at=trigger.at, started_at=now,
        state=S.PROVISIONAL if assumption else S.RUNNING, assumption=assumption, **dates_of(due),
    )  # fmt: skip


def _assumption(assessment: Assessment) -> str:
    """In words what a clock takes for granted; "" when nothing."""
    said: list[str] = []
    open_points = [finding.says for finding in assessment.findings if finding.answer is UNKNOWN]
    if open_points and (assessment.shadow or assessment.applies is UNKNOWN):
        needs = f" (needs: {', '.join(assessment.missing)})" if assessment.missing else ""
        said.append(f"assumes, until it is known: {'; '.join(open_points)}{needs}")
    if assessment.shadow:
        lacking = [finding.says for finding in assessment.findings if finding.answer is NO]
        said.append(f"{SHADOW}: not {'; '.join(lacking)}")
    if assessment.trigger and assessment.trigger.stands_in_for:
        stand_in = assessment.trigger
        said.append(f"counts from {moment(stand_in.fact)}; nobody has recorded {moment(stand_in.stands_in_for)}")
    if not assessment.binding:
        said.append("the law does not bind yet: voluntary")
    return ". ".join(said)


def reassess(
    catalogue: Mapping[str, Duty],
    clocks: Iterable[Clock],
    facts: Facts,
    now: datetime,
    *,
    zone: str = "",
    subject: str = "",
    failed: Failed | None = None,
) -> list[Reassessment]:
    """Return what the facts now known change: a clock confirmed or ended, its instant or its limit moved.

    Earlier limits and confirmations may be applied at once; `needs_approval`
    marks those that make things later or end a clock. Clocks of a subject are
    looked at with that subject's facts, in a call of their own.
    """
    full = enrich(facts)
    zone = zone or zone_of(full)
    live = (clock for clock in clocks if _live(clock, catalogue, subject))
    changes = each(live, lambda one: _reassess(catalogue[one.duty], one, full, now, zone), failed, lambda one: one.duty)
    return [change for change in changes if change is not None]


def _live(clock: Clock, catalogue: Mapping[str, Duty], subject: str) -> bool:
    mine = clock.duty in catalogue and clock.id == _clock_id(catalogue[clock.duty], subject)
    return mine and clock.state in (S.PROVISIONAL, S.RUNNING, S.MISSED)


def _reassess(duty: Duty, clock: Clock, facts: Facts, now: datetime, zone: str) -> Reassessment | None:
    assessment = assess_one(duty, facts, now)
    if assessment.applies is NO and not assessment.shadow:
        state = S.SUPERSEDED if assessment.superseded is YES else S.NOT_APPLICABLE
        why = "; ".join(assessment.reasons)
        return Reassessment(
            clock, changed(clock, "ended", Mandate("", why, now), state=state), needs_approval=True, why=why
        )
    anchored = anchor(duty, facts) or Anchor(TriggerFound(f"{clock.trigger_event}_at", clock.trigger_at))
    event, at = anchored.trigger.event, anchored.trigger.at
    due = due_from(duty, anchored, zone, facts)
    assumption = _assumption(assessment)
    state = S.PROVISIONAL if assumption else S.RUNNING
    new: Fields = {
        "state": state,
        "assumption": assumption,
        "trigger_event": event,
        "trigger_at": at,
        **dates_of(due),
    }
    if all(getattr(clock, key) == value for key, value in new.items() if key not in ("why", "internal_target")):
        return None
    if clock.state is S.MISSED and due.due is not None and due.due <= now:
        return None  # what was missed stays missed, unless its limit still lies ahead
    why = _difference(clock, new)
    after = changed(clock, "reassessed", Mandate("", why, now), **new)
    # No law's limit moves when a shadow's has passed and the request is complete: the law's own clock starts.
    begins = is_shadow(clock.assumption) and clock.due is not None and clock.due <= now
    later = less_safe(clock.kind, clock.due, after.due)
    return Reassessment(clock, after, needs_approval=later and not begins, why=why)


def _difference(clock: Clock, new: Fields) -> str:
    said = [f"{clock.state} -> {new['state']}"] if clock.state != new["state"] else []
    if clock.trigger_at != new["trigger_at"] or clock.trigger_event != new["trigger_event"]:
        said.append(f"starts with {new['trigger_event']} at {new['trigger_at'].isoformat(timespec='seconds')}")
    if clock.due != new["due"]:
        said.append(f"due {shown(clock.due)} -> {shown(new['due'])}")
    return "; ".join(said) or "what it assumes has changed"
