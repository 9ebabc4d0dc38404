"""How incidents, tasks, clocks and facts look as JSON. Names are those of the journal and the playbooks.

Decides the shapes that scripts rely on (docs/reference/api.md describes them). Instants
are ISO 8601 with their offset; what is unknown is null beside `"known": false`. Leaves
what is covered to `reading`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from firedoor.core.dates.arithmetic import recorded
from firedoor.core.entries import people
from firedoor.core.entries.run import AttachedAlert
from firedoor.core.execution.progress import DONE, Progress
from firedoor.core.facts import FactDefinition, show
from firedoor.core.history.containment import containment
from firedoor.core.incident.clock_record import ClockRecord
from firedoor.core.incident.faults import open_ones
from firedoor.core.incident.scope import typed_facts
from firedoor.core.incident.view import SETTLED_CLOCKS, IncidentView, TaskView
from firedoor.core.journal import Body, Entry, Kind
from firedoor.core.json_types import Json
from firedoor.core.lifecycle import Phase
from firedoor.core.playbook.plan import Ask
from firedoor.core.tasks.certainty import proposed
from firedoor.core.tasks.sending import requires
from firedoor.interfaces.shapes.incident import Choice, Fact, Incident, IncidentClock, Operation, SetAside, Task
from firedoor.interfaces.web.reading.reading import Read
from firedoor.runtime.config.container import World
from firedoor.store.database.sql import Record


def incident_line(row: Record) -> Body:
    """One line of the list of incidents."""
    names = (
        "id",
        "type",
        "title",
        "severity",
        "state",
        "outcome",
        "playbook",
        "version",
        "opened_at",
        "opened_by",
        "closed_at",
    )
    return {**{name: row[name] for name in names}, "entries": row["head_seq"]}


def incident_detail(found: Read, world: World) -> Incident:
    """Everything about an incident that is not long: state, facts, progress, tasks, clocks, targets."""
    view, plan, now = found.view, found.plan, world.now()
    return {
        "id": view.id, "type": str(view.type), "title": view.title, "severity": view.shown_severity,
        "state": str(view.state),
        "phase": phase_of(found), "outcome": view.outcome, "why": view.why, "opened_at": view.opened_at,
        "opened_by": view.opened_by, "closed_at": view.closed_at, "in_spite": list(view.in_spite),
        "playbook": {"name": view.playbook, "title": plan.title, "version": view.version, "plan": view.plan_digest},
        "roles": list(plan.roles), "facts": facts(found), "progress": progress(found),
        "targets": containment(view, found.names),
        "tasks": [task(found.view, one, now) for one in view.open_tasks()],
        "clocks": [clock(one, world, view.facts) for one in view.clocks.values()],
        "alerts": [alert_line(one) for one in view.alerts], "evidence": len(view.evidence),
        "paused": view.paused, "aborted": view.aborted, "set_aside": [set_aside(one) for one in open_ones(view)],
        "head": {"seq": view.head.seq, "hash": view.head.hash},
    }  # fmt: skip


def set_aside(one: TaskView) -> SetAside:
    """What could not be worked out, with the task about it."""
    return {"task": f"T{one.number}", "part": one.payload.get("part") or f"operation:{one.op}", "what": one.question}


def phase_of(found: Read) -> str:
    """The first phase in which something is not settled; empty when everything is."""
    open_phases = {op["phase"] for op in progress(found) if op["status"] not in DONE}
    return next((str(phase) for phase in Phase if str(phase) in open_phases), "") if not found.view.closed_at else ""


def progress(found: Read) -> list[Operation]:
    """Every operation of the plan, with where it stands."""
    state = Progress(found.plan, found.view)
    return [_operation(found, state, instance) for instance in state.instances]


def _operation(found: Read, state: Progress, instance: str) -> Operation:
    operation = state.instances[instance].operation
    record = found.view.operations.get(instance)
    shown: Operation = {
        "id": instance, "title": found.names.title(instance, found.view), "phase": str(operation.phase),
        "step": operation.step,
        "do": operation.do, "status": str(state.status(instance)), "outcome": record.outcome if record else "",
        "attempts": record.attempts if record else 0,
        "problem": record.problem if record and record.status != "finished" else "",
        "by_hand": bool(record and record.by_hand), "started_seq": record.started_seq if record else 0,
        "finished_seq": record.finished_seq if record else 0,
    }  # fmt: skip
    if isinstance(operation, Ask):
        shown["role"] = operation.role
    return shown


def facts(found: Read) -> list[Fact]:
    """The facts of the playbook, those that were set, and those that an open task asks for; unknown ones included."""
    view = found.view
    asked = [name for one in view.open_tasks() for name in one.asks]
    names = dict.fromkeys((*(fact.name for fact in found.plan.facts), *view.facts, *asked))
    return [fact(name, view.facts.get(name), found.definitions.get(name), name in found.seal.names) for name in names]


def fact(name: str, value: Json, definition: FactDefinition | None, covered: bool) -> Fact:  # noqa: FBT001
    """One fact."""
    typed = typed_facts({name: value}, {name: definition} if definition else {})[name]
    return {
        "name": name, "value": value, "known": value is not None,
        "shown": show(typed) if not covered or value is None else "sealed",
        "type": str(definition.type) if definition else "text", "ask": definition.ask if definition else "",
        "choices": list(definition.choices) if definition else [], "sealed": bool(definition and definition.sealed),
    }  # fmt: skip


def fact_history(entries: Sequence[Entry]) -> list[Body]:
    """Every time that facts were set: what, by whom, why."""
    return [
        {
            "seq": e.seq,
            "at": e.at,
            "by": e.actor,
            "why": e.body.get("why", ""),
            "values": e.body["values"],
            "before": e.body.get("before", {}),
        }
        for e in entries
        if e.kind == Kind.FACTS
    ]


def task(view: IncidentView, one: TaskView, now: datetime) -> Task:
    """One task of an incident, with its choices and what each of them means."""
    state = "open" if one.open else "withdrawn" if one.withdrawn else "decided"
    return {
        "incident": view.id, "number": one.number, "name": f"T{one.number}", "id": one.id, "kind": one.kind,
        "op": one.op,
        "role": one.role, "roles": sorted(one.roles), "question": one.question, "guidance": one.guidance,
        "choices": [_choice(view, one, choice) for choice in one.choices],
        "asks": one.asks, "due_at": one.due_at,
        "overdue": one.open and now > datetime.fromisoformat(one.due_at),
        "opened_at": one.opened_at, "escalate_to": one.escalate_to, "escalations": one.escalations,
        "approvals": one.approvals, "not_by": one.not_by, "claimed_by": one.claimed_by,
        "state": state, "choice": one.decided, "answers": one.answers, "clock": one.clock,
    }  # fmt: skip


def _choice(view: IncidentView, one: TaskView, choice: people.Choice) -> Choice:
    """One answer as it can be given now: what it needs, and what it would record."""
    now: Choice = {**choice, "requires": requires(view, one, choice)}
    return {**now, "sets": proposed(view, choice["sets"])} if "sets" in choice else now


def task_row(row: Record, now: datetime) -> Body:
    """One task of the list over all incidents."""
    due = recorded(row["due_at"])
    overdue = row["state"] == "open" and (due is None or now > due)
    return {**row, "name": f"T{row['number']}", "overdue": overdue}


def clock(one: ClockRecord, world: World, facts: Mapping[str, object]) -> IncidentClock:
    """One clock of an incident. `seconds_left` is null where no outer limit runs, and negative when it has passed.

    `zone` is where its days are counted, see `clock_zone`.
    """
    settled = one.settled
    left = None if settled or not one.due else int((datetime.fromisoformat(one.due) - world.now()).total_seconds())
    zone, guessed = world.law.zone(one, facts)
    return {
        "id": one.id, "duty": one.duty, "version": one.version, "title": one.title, "jurisdiction": one.jurisdiction,
        "authority": one.authority, "addressee": one.addressee, "channel": one.channel, "citation": one.citation,
        "why": one.why, "confidence": one.confidence, "penalty": one.penalty, "trigger_event": one.trigger_event,
        "trigger_at": one.trigger_at, "started_at": one.started_at, "due": one.due, "kind": one.kind,
        "latest_arguable": one.latest_arguable, "latest_basis": one.latest_basis,
        "internal_target": one.internal_target, "state": one.state, "assumption": one.assumption,
        "paused_until": one.paused_until, "settled_at": one.settled_at, "settlement": one.settlement,
        "missed_at": one.missed_at, "content": one.content, "history": one.history, "zone": zone,
        "zone_guessed": guessed, "open": not settled, "seconds_left": left, "overdue": left is not None and left < 0,
    }  # fmt: skip


def clock_zone(one: ClockRecord, world: World, facts: Mapping[str, object]) -> Body:
    """In which zone the days of a clock are counted; `zone_guessed` where that is UTC for want of anything better."""
    zone, guessed = world.law.zone(one, facts)
    return {"zone": zone, "zone_guessed": guessed}


def clock_row(row: Record, now: datetime, *, in_utc: bool) -> Body:
    """One clock of the list over all incidents. `zone_guessed` as for a clock of one incident."""
    settled = row["state"] in SETTLED_CLOCKS
    due = None if settled or not row["due_at"] else recorded(row["due_at"])
    left = None if due is None else int((due - now).total_seconds())
    late = left is not None and left < 0
    return {**row, "open": not settled, "seconds_left": left, "overdue": late, "zone_guessed": in_utc}


def alert_line(one: AttachedAlert) -> Body:
    """An alert that belongs to an incident."""
    alert = one.get("alert", {})
    names = ("source", "source_id", "title", "severity", "method", "model", "endpoint", "occurred_at", "fingerprint")
    return {**{name: alert.get(name) for name in names}, "at": one["at"], "reasons": one.get("reasons", [])}
