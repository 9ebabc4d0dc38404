"""Compares what came of a drill with what it expects; every difference is one sentence.

Decides what the words of `expect:` mean:

    state             where the incident stands at the end
    order             these operations were done, in this order
    skipped           these were left out
    clocks            by duty: a state (running, provisional, submitted, waived, missed), `absent`,
                      `late`, or the instant of its limit; several words must all hold
    facts             what is known at the end
    suspended         proved closed by this incident at some time
    serving           answers at the end
    told              roles that got a message
    contained_within  from the opening until the last of `suspended` was proved closed
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from firedoor.core.dates.duration import show_duration
from firedoor.core.execution.progress import Progress, Status
from firedoor.core.facts import stated, write
from firedoor.core.incident.clock_record import ClockRecord
from firedoor.core.incident.view import IncidentView, fold
from firedoor.core.journal import Entry, Kind
from firedoor.core.playbook.plan import Plan
from firedoor.core.playbook.playbook import Drill, DrillExpectation, fits
from firedoor.runtime.rehearsal.simulation import SimulatedConnector


def mismatches(plan: Plan, drill: Drill, entries: Sequence[Entry], connector: SimulatedConnector) -> tuple[str, ...]:
    """Return every difference. Effects that happened twice are differences even when nobody asked about them."""
    view = fold(entries[0].incident, entries)
    expect = drill.expect
    return (
        *_state(expect, view), *_order(plan, expect, view, entries), *_clocks(expect, view),
        *_facts(plan, expect, view), *_targets(expect, entries, connector), *_told(expect, entries), *_twice(connector),
    )  # fmt: skip


def _state(expect: DrillExpectation, view: IncidentView) -> Iterator[str]:
    if expect.state is not None and view.state is not expect.state:
        yield f"the incident is {view.state}, not {expect.state}"


def _order(plan: Plan, expect: DrillExpectation, view: IncidentView, entries: Sequence[Entry]) -> Iterator[str]:
    done = [_operation(entry) for entry in entries]
    position = -1
    for name in expect.order:
        places = [place for place, operation in enumerate(done) if fits(name, operation)]
        following = next((place for place in places if place > position), None)
        if following is None:
            yield f"{name} was done too early" if places else f"{name} was not done"
        else:
            position = following
    progress = Progress(plan, view)
    for name in expect.skipped:
        if name in progress.instances and progress.status(name) is not Status.SKIPPED:
            yield f"{name} is {progress.status(name)}, not left out"


def _operation(entry: Entry) -> str:
    if entry.kind == Kind.TASK_ANSWERED and entry.body.get("decides", True):
        return str(entry.body["task"])
    return str(entry.body["op"]) if entry.kind == Kind.FINISHED else ""


def _clocks(expect: DrillExpectation, view: IncidentView) -> Iterator[str]:
    for name, words in expect.clocks.items():
        clock = view.clocks.get(name)
        for word in words.split():
            problem = _clock(clock, word)
            if problem:
                yield f"{name}: {problem}"


def _facts(plan: Plan, expect: DrillExpectation, view: IncidentView) -> Iterator[str]:
    definitions = plan.definitions()
    for name, raw in expect.facts.items():
        wanted = write(stated(definitions[name], raw)) if name in definitions else raw
        if view.facts.get(name) != wanted:
            yield f"the fact {name} is {view.facts.get(name)}, not {wanted}"


def _clock(clock: ClockRecord | None, word: str) -> str:
    if word == "absent" or clock is None:
        return "" if (word == "absent") == (clock is None) else "no such clock ran" if clock is None else "it ran"
    if word == "late":
        return "" if clock.settlement and clock.settlement.get("late") else "it was not late"
    if word[:1].isdigit():
        due = clock.due
        same = due is not None and datetime.fromisoformat(due) == datetime.fromisoformat(word)
        return "" if same else f"it is due at {due}, not at {word}"
    if word == "missed":
        return "" if clock.missed_at else "its limit was not missed"
    return "" if clock.state == word else f"it is {clock.state}, not {word}"


def _targets(expect: DrillExpectation, entries: Sequence[Entry], connector: SimulatedConnector) -> Iterator[str]:
    closed: dict[str, datetime] = {}
    for entry in entries:
        result = entry.body.get("result", {}) if entry.kind == Kind.FINISHED else {}
        if result.get("proved") == "yes" and "doors" in result:
            closed.setdefault(result["target"], entry.instant)
    for name in expect.suspended:
        if name not in closed:
            yield f"{name} was never proved closed"
    for name in expect.serving:
        if name in connector.closed:
            yield f"{name} is closed at the end"
    if expect.contained_within is not None and expect.suspended:
        last = max((at for name, at in closed.items() if name in expect.suspended), default=None)
        if last is None or last - entries[0].instant > timedelta(seconds=expect.contained_within):
            took = "never" if last is None else f"after {last - entries[0].instant}"
            yield f"contained {took}, not within {show_duration(expect.contained_within)}"


def _told(expect: DrillExpectation, entries: Sequence[Entry]) -> Iterator[str]:
    told = {role for entry in entries if entry.kind == Kind.MESSAGE for role in entry.body.get("to", ())}
    yield from (f"{role} was told nothing" for role in expect.told if role not in told)


def _twice(connector: SimulatedConnector) -> Iterator[str]:
    yield from (f"the effect {key} happened {count} times" for key, count in connector.changes.items() if count > 1)
