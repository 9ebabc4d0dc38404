"""What was closed, door by door, and how that is known: a fold for the incident's page and the report.

Decides the one word for each target (closed, open again, closed by hand, not proved) from
recorded outcomes and looks; a suspension counts as proved only by what the data plane showed.
Leaves proving to the connectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NotRequired

from typing_extensions import TypedDict

from firedoor.core.entries.base import Instant
from firedoor.core.entries.outcomes import DoorOutcome, ProbeSeen, Result, SnapshotTaken
from firedoor.core.history.operation_titles import Names
from firedoor.core.incident.hold_record import HoldRecord, in_words
from firedoor.core.incident.holds import again_of
from firedoor.core.incident.view import IncidentView, OperationRecord
from firedoor.core.playbook.plan import Call


class Captured(TypedDict):
    """The state of a door before the first change."""

    door: str
    taken_at: Instant
    sha256: str


class DoorSeen(TypedDict):
    """What was done at one door, and what the probes saw then; `seen` says it in words."""

    door: str
    proved: str
    problem: str
    probes: Sequence[ProbeSeen]
    at: Instant | None
    changed: NotRequired[bool | None]
    seen: NotRequired[str]


class ByHand(TypedDict):
    """Who did it, and why."""

    by: str
    why: str


class Hand(TypedDict, total=False):
    """Who did it, where a person did."""

    by_hand: ByHand


class TargetEvent(Hand):
    """One thing that was done to a target, or one look at it."""

    op: str
    verb: str
    status: str
    outcome: str
    attempts: int
    problem: str
    seq: int
    doors: Sequence[DoorSeen]


class StillHeld(TypedDict):
    """How a target is kept closed, and when it was last seen so."""

    since: Instant
    every: int
    on_drift: str
    state: str
    seen_at: Instant
    drifts: int


class ContainedTarget(TypedDict):
    """A target that the incident touched: where it stands, what that means, and how it came to it."""

    target: str
    state: str
    means: str
    before: list[Captured]
    events: list[TargetEvent]
    held: NotRequired[StillHeld | None]


STATES = {
    "drifted": "not kept closed: it serves again, or the platform says so, and nobody opened it here",
    "unseen": "closed once; whether it still is cannot be seen now",
    "suspended": "closed, proved on the data plane",
    "by_hand": "closed by hand, on the word of a person; not proved by Firedoor",
    "resumed": "open again, proved on the data plane",
    "running": "being worked on",
    "failed": "not proved closed; it may still be serving",
    "captured": "its state was captured; not closed, so it may still be serving",
    "skipped": "not closed: its closing was left out; it may still be serving",
}


def containment(view: IncidentView, names: Names) -> list[ContainedTarget]:
    """Return every target that the incident touched, in the order in which it was first touched."""
    targets: dict[str, ContainedTarget] = {}
    records = sorted(view.operations.items(), key=lambda item: item[1].finished_seq or item[1].started_seq)
    for instance, record in records:
        operation = names.operation(instance)
        if isinstance(operation, Call) and record.status:
            name = str(record.result.get("target") or names.target(instance, view))
            target = targets.setdefault(
                name, {"target": name, "state": "skipped", "means": "", "before": [], "events": []}
            )
            again = again_of(instance)
            verb = {"close": "suspend", "open": "resume"}[again[1]] if again else operation.verb
            _add(target, instance, verb, record)
    for target in targets.values():
        _add_hold(target, view)
        target["means"] = STATES[target["state"]]
    return list(targets.values())


def _add_hold(target: ContainedTarget, view: IncidentView) -> None:
    """How it was kept closed: every look that was written down, and how it stands now."""
    hold = view.holds.get(target["target"])
    looks = [look for look in view.hold_story if look.target == target["target"]]
    for look in looks:
        said, seen = in_words(look)
        target["events"].append(
            {"op": look.op, "verb": "look", "status": "finished", "outcome": f"{said}: {seen}", "attempts": 1,
             "problem": "", "seq": look.seq, "doors": []}
        )  # fmt: skip
    target["events"].sort(key=lambda event: event["seq"])
    target["held"] = _held(hold) if hold else None
    if hold:
        target["state"] = {"drifted": "drifted", "unseen": "unseen", "held": target["state"]}.get(hold.state, "running")


def _held(hold: HoldRecord) -> StillHeld:
    return {
        "since": hold.since, "every": hold.every, "on_drift": hold.on_drift, "state": hold.state,
        "seen_at": hold.seen_at, "drifts": len(hold.drifts),
    }  # fmt: skip


def _add(target: ContainedTarget, instance: str, verb: str, record: OperationRecord) -> None:
    result = record.result
    if verb == "capture" and record.status == "finished":
        target["before"] += [_before(snapshot) for snapshot in result.get("snapshots", [])]
    else:
        target["events"].append(_event(instance, verb, record))
    target["state"] = _state(target["state"], verb, record)


def _before(snapshot: SnapshotTaken) -> Captured:
    return {"door": snapshot["door"], "taken_at": snapshot["taken_at"], "sha256": snapshot["digest"]}


def _event(instance: str, verb: str, record: OperationRecord) -> TargetEvent:
    result = record.result
    person: Hand = {"by_hand": {"by": result.get("by", ""), "why": result.get("why", "")}} if record.by_hand else {}
    return {
        "op": instance, "verb": verb, "status": record.status, "outcome": record.outcome, "attempts": record.attempts,
        "problem": record.problem if record.status != "finished" else "",
        "seq": record.finished_seq or record.started_seq, **person, "doors": [] if record.by_hand else _doors(result),
    }  # fmt: skip


def _doors(result: Result) -> list[DoorSeen]:
    doors = [_door(door) for door in result.get("doors", [])]
    if result.get("probes"):
        receipts = result.get("receipts", [])
        at = receipts[-1]["at"] if receipts else None
        proved = result.get("proved", "unknown")
        doors.append(
            {"door": result.get("door", ""), "proved": proved, "probes": result["probes"], "at": at, "problem": ""}
        )
    return doors


def _door(door: DoorOutcome) -> DoorSeen:
    receipt = door.get("receipt")
    return {
        "door": door["door"], "proved": door.get("proved", "unknown"), "probes": door.get("probes", []),
        "at": receipt["at"] if receipt else None, "changed": receipt["changed"] if receipt else None,
        "problem": door.get("problem", ""),
        "seen": door.get("proof", ""),
    }  # fmt: skip


def _state(before: str, verb: str, record: OperationRecord) -> str:
    closed = before in ("suspended", "by_hand")
    if verb == "capture":
        return (
            {"finished": "captured", "failed": "failed"}.get(record.status, before) if before == "skipped" else before
        )
    if verb == "suspend":
        return before if closed and record.status == "skipped" else _suspended(record)
    if verb == "resume" and record.status == "finished" and record.result.get("changed"):
        return "resumed"
    return before


def _suspended(record: OperationRecord) -> str:
    if record.status == "finished":
        return "by_hand" if record.by_hand else "suspended"
    return {"failed": "failed", "skipped": "skipped"}.get(record.status, "running")
