"""What the journal says about clocks: how each entry about one changes what is known of it.

Decides what of a clock's past is kept (every earlier start and limit, who asked, who agreed,
by which document), and that a proposal dies with the clock it rests on. Part of the fold in
`view`, which offers the words here as its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from firedoor.core.entries.law import (
    ClockChanged,
    ClockEvent,
    ClockMissed,
    ClockSettled,
    ClockStarted,
)
from firedoor.core.incident.clock_record import ENDED, NO_CLOCK, SETTLED_CLOCKS, ClockRecord
from firedoor.core.journal import Kind

if TYPE_CHECKING:
    from firedoor.core.incident.view import IncidentView, Meta

__all__ = ["CLOCK_HANDLERS", "ENDED", "SETTLED_CLOCKS"]


def _started(view: IncidentView, body: ClockStarted, meta: Meta) -> None:
    name = body["id"]
    begun = ClockEvent(at=meta.at, what="started", due=body.get("due"))
    view.clocks[name] = NO_CLOCK.said(body, begun)
    view.clock_seqs[name] = meta.seq


def _changed(view: IncidentView, body: ClockChanged, meta: Meta) -> None:
    clock = view.clocks[body["id"]]
    if clock.state in ENDED and body.get("state", clock.state) not in ENDED:
        for name, record in view.operations.items():  # it runs again: what was left out is to be done after all
            if name.endswith(f"[{clock.id}]") and record.status == "skipped":
                record.status = ""
    # What was missed and runs again is missed no more; the history still says so.
    missed_at = None if clock.state == "missed" else clock.missed_at
    now = clock.said(body, _change(clock, body, meta), missed_at=missed_at)
    view.clocks[clock.id] = now
    view.clock_seqs[clock.id] = meta.seq
    _withdraw_changes(view, now)


def _change(before: ClockRecord, body: ClockChanged, meta: Meta) -> ClockEvent:
    """The line of the history: where the clock stood until then, and whose change it is as far as the entry says."""
    event = ClockEvent(
        at=meta.at, what=body.get("what", "changed"), why=body.get("because", ""), due=before.due,
        trigger_at=before.trigger_at, by=meta.actor,
    )  # fmt: skip
    if "asked_by" in body:
        event["asked_by"] = body["asked_by"]
    if "approver" in body:
        event["approver"] = body["approver"]
    if "approved_because" in body:
        event["approved_because"] = body["approved_because"]
    if "document" in body:
        event["document"] = body["document"]
    return event


def _withdraw_changes(view: IncidentView, clock: ClockRecord) -> None:
    """A proposal rests on the clock as it was: once that has changed or ended, it must not be applied any more."""
    for task in view.open_tasks():
        if task.kind == "clock" and task.clock == clock.id:
            task.withdrawn = True


def _settled(state: str) -> Callable[[IncidentView, ClockSettled, Meta], None]:
    def handler(view: IncidentView, body: ClockSettled, meta: Meta) -> None:
        clock = view.clocks[body["id"]]
        ended = ClockEvent(at=meta.at, what=state, why=body.get("why", ""), by=body.get("by", meta.actor))
        history = (*clock.history, ended)
        view.clocks[clock.id] = replace(clock, state=state, settled_at=meta.at, settlement=body, history=history)
        _withdraw_changes(view, clock)

    return handler


def _missed(view: IncidentView, body: ClockMissed, meta: Meta) -> None:
    clock = view.clocks[body["id"]]
    state = clock.state if clock.settled else "missed"
    passed = ClockEvent(at=meta.at, what="missed", due=clock.due)
    view.clocks[clock.id] = replace(clock, missed_at=meta.at, state=state, history=(*clock.history, passed))


CLOCK_HANDLERS: Mapping[str, Callable[[IncidentView, Any, Meta], None]] = {
    Kind.CLOCK_STARTED: _started, Kind.CLOCK_CHANGED: _changed, Kind.CLOCK_MISSED: _missed,
    Kind.CLOCK_SUBMITTED: _settled("submitted"), Kind.CLOCK_WAIVED: _settled("waived"),
}  # fmt: skip
