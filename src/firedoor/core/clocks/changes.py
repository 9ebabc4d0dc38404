"""Changes of a clock by people: moved, extended, paused, submitted, its start corrected.

Decides what each change keeps and which need a second person: one that makes
things later (for a hold: earlier), or that ends a clock without its duty being
met, needs an approver who is not the one who asks for it. Nothing is ever
overwritten: what was goes into the clock's history.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict, Unpack

from firedoor.core.clocks.state import NEXT, WAIVING, Change, Clock, ClockState, less_safe, shown
from firedoor.core.facts import Facts
from firedoor.core.law.due import Due, DueKind, compute_due
from firedoor.core.law.duty import Duty
from firedoor.core.law.territories import enrich, zone_of
from firedoor.core.person import Identity, not_second
from firedoor.core.problems import Problem, Refused


@dataclass(frozen=True, slots=True)
class Mandate:
    """Who changes a clock, why, when (aware), and who approved it."""

    by: str
    why: str
    at: datetime
    approver: str = ""


class Dates(TypedDict):
    """The fields of a clock that a computation of its limit gives."""

    version: str
    due: datetime | None
    kind: DueKind
    citation: str
    why: tuple[str, ...]
    latest_arguable: datetime | None
    latest_basis: str
    internal_target: datetime | None


class Fields(TypedDict, total=False):
    """The fields of a clock that may change: any of its dates, and where it stands."""

    version: str
    due: datetime | None
    kind: DueKind
    citation: str
    why: tuple[str, ...]
    latest_arguable: datetime | None
    latest_basis: str
    internal_target: datetime | None
    state: ClockState
    assumption: str
    trigger_event: str
    trigger_at: datetime


def reanchor(
    clock: Clock, duty: Duty, instant: datetime, mandate: Mandate, *, facts: Facts, zone: str = "", event: str = ""
) -> Clock:
    """Move the start of a clock, keeping what was. Raises Refused when it ends later and nobody else approved.

    `event` is the one that now starts it ("classified"); by default the same as before. Record the instant as that
    event's fact too: `clock.reassess` follows the facts.
    """
    full = enrich(facts)
    event = event or clock.trigger_event
    due = compute_due(duty, instant, zone or zone_of(full), full, event=event)
    if less_safe(clock.kind, clock.due, due.due):
        _second_person(mandate, f"the limit would move from {shown(clock.due)} to {shown(due.due)}")
    return changed(clock, "re-anchored", mandate, trigger_event=event, trigger_at=instant, **dates_of(due))


def move(clock: Clock, state: ClockState, mandate: Mandate) -> Clock:
    """Take a clock to another state. Raises Refused for one that its state forbids, or an end nobody else approved."""
    if state not in NEXT[clock.state]:
        allowed = ", ".join(sorted(NEXT[clock.state])) or "none"
        raise _refused("C303", f"a clock that is {clock.state} cannot become {state}", f"possible: {allowed}")
    if state in WAIVING:
        _second_person(mandate, f"the clock would become {state} without its duty being met")
    return changed(clock, str(state), mandate, state=state)


def extend(clock: Clock, until: datetime, mandate: Mandate) -> Clock:
    """Record an extension that the law or the authority grants; `mandate.why` names the document."""
    moved = move(clock, ClockState.EXTENDED, mandate)
    _second_person(mandate, f"the limit would move to {until.isoformat(timespec='seconds')}")
    return moved.model_copy(update={"due": until, "kind": DueKind.INSTANT})


def pause(clock: Clock, until: datetime, mandate: Mandate) -> Clock:
    """Pause for a law-enforcement delay: `mandate.why` names the document and its scope, `until` its expiry."""
    return move(clock, ClockState.PAUSED, mandate).model_copy(update={"paused_until": until})


def resume(clock: Clock, mandate: Mandate) -> Clock:
    """End a pause. A limit that passed meanwhile becomes the end of the pause, or now if that is earlier.

    It then stands as extended, by the document of the pause: the facts alone would put it back.
    """
    end = min(clock.paused_until or mandate.at, mandate.at)
    late = clock.due is not None and clock.due < end
    moved = move(clock, ClockState.EXTENDED if late else ClockState.RUNNING, mandate)
    return moved.model_copy(update={"due": end if late else clock.due, "paused_until": None})


def changed(clock: Clock, what: str, mandate: Mandate, **new: Unpack[Fields]) -> Clock:
    """Return the clock with new values and what was before in its history. Raises Refused without a reason."""
    if not mandate.why.strip():
        raise _refused("C301", "a clock changes only with a reason", "say why")
    change = Change(
        at=mandate.at, what=what, why=mandate.why, by=mandate.by, approver=mandate.approver,
        state_before=clock.state, due_before=clock.due, trigger_before=clock.trigger_at,
    )  # fmt: skip
    return clock.model_copy(update={**new, "history": (*clock.history, change)})


def dates_of(due: Due) -> Dates:
    """The fields of a clock that a computation of its limit gives."""
    later = due.latest_arguable
    return {
        "version": due.version, "due": due.due, "kind": due.kind, "citation": due.citation, "why": due.why,
        "latest_arguable": later.due if later else None, "latest_basis": later.basis if later else "",
        "internal_target": due.internal_target,
    }  # fmt: skip


def _second_person(mandate: Mandate, what: str) -> None:
    approver, by = Identity(mandate.approver), Identity(mandate.by)
    if not mandate.approver or not_second(approver, [by]) is not None:
        raise _refused("C302", what, "have somebody other than the one who asks approve it")


def _refused(code: str, message: str, do: str) -> Refused:
    return Refused(Problem(code=code, message=message, do=do))
