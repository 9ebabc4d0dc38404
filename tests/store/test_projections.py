"""The projections: rows made anew from the journal are the rows that were kept along with it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.crash.life import Life, Reaper

from firedoor.core.clocks.engine import Law
from firedoor.core.facts import read_all
from firedoor.core.incident.clock_record import ClockRecord
from firedoor.core.incident.view import IncidentView, fold
from firedoor.core.journal import Content, Draft, Kind
from firedoor.duties.catalogue import catalogue
from firedoor.runtime.loops.deadlines import due_timers, fired
from firedoor.store.database.migrate import migrate
from firedoor.store.database.sql import table
from firedoor.store.database.tables import ClockRow, IncidentRow, TaskRow, TimerRow
from firedoor.store.incidents.journal import NewIncident, Store
from firedoor.store.incidents.projections import OF_ONE_INCIDENT
from firedoor.testing import House

START = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
OPENED = {"type": "data_leakage_in_ai_models", "title": "t", "severity": "high"}
LAW = Law(catalogue(), read_all(catalogue().facts, {"established_in": "DE", "member_state": "DE", "time_zone": "UTC"}))
BREACH = {
    "controller": "yes", "personal_data": "yes", "security_breach": "yes", "risk_to_people": "risk",
    "aware_at": START.isoformat(),
}  # fmt: skip


def clocks() -> list[Content]:
    """The clocks that a breach starts, as the journal holds them."""
    facts = read_all(catalogue().facts, BREACH)
    drafts = LAW.drafts(IncidentView("INC"), facts, "auto", ("dpo",), START)
    return [draft.body for draft in drafts if draft.kind == Kind.CLOCK_STARTED]


CLOCKS = clocks()


class History:
    """A long history of one incident, in which everything happens that can happen, in any order."""

    def __init__(self, store: Store, seed: int) -> None:
        self.store = store
        self.chance = random.Random(seed)  # noqa: S311 - the same history for the same seed
        self.now = START
        opened = (Draft(Kind.OPENED, "x", OPENED),)
        new = NewIncident(OPENED["type"], "t", "high", "p", "x", opened)
        self.name = store.open_incident(new, self.now).result()[0].incident
        self.asked = 0

    def go_on(self, count: int) -> None:
        view = fold(self.name, self.store.entries(self.name))
        for _ in range(count):
            self.now += timedelta(minutes=self.chance.randrange(600))
            for drafts in (self.due(view), self.something(view)):
                if drafts:
                    self.store.append(self.name, drafts, self.now).result()
                    view = fold(self.name, self.store.entries(self.name))

    def due(self, view: IncidentView) -> list[Draft]:
        """Fire one point that has passed, half of the time."""
        points = due_timers(_World(self.store), self.now)
        return fired(view, points[0], self.now) if points and self.chance.random() < 0.5 else []

    def something(self, view: IncidentView) -> list[Draft]:
        """One thing that may happen now."""
        tasks, open_clocks = view.open_tasks(), view.open_clocks()
        possible = [self.ask, self.say, self.learn]
        if tasks:
            possible += [
                lambda: self.answer(self.chance.choice(tasks).id),
                lambda: self.skip(self.chance.choice(tasks).op),
            ]
        if len(view.clocks) < len(CLOCKS):
            possible.append(lambda: [Draft(Kind.CLOCK_STARTED, "x", CLOCKS[len(view.clocks)])])
        if open_clocks:
            clock = self.chance.choice(open_clocks)
            possible += [lambda: self.move(clock), lambda: self.settle(clock), lambda: self.propose(clock)]
        return self.chance.choice(possible)()

    def ask(self, **more: Any) -> list[Draft]:
        self.asked += 1
        due = self.now + timedelta(hours=self.chance.randrange(-1, 60))
        body = {
            "task": f"t{self.asked}", "op": f"t{self.asked}", "kind": "do", "role": "dpo", "question": "?",
            "choices": [{"id": "done"}], "due_at": due.isoformat(), "escalate_to": "manager", **more,
        }  # fmt: skip
        return [Draft(Kind.TASK_OPENED, "x", body)]

    def answer(self, task: str) -> list[Draft]:
        body = {
            "task": task,
            "choice": "done",
            "by": "Ada",
            "role": "dpo",
            "why": "",
            "decides": self.chance.random() < 0.7,
        }
        return [Draft(Kind.TASK_ANSWERED, "x", body)]

    def skip(self, operation: str) -> list[Draft]:
        return [Draft(Kind.SKIPPED, "x", {"op": operation, "why": ""})]

    def say(self) -> list[Draft]:
        return [Draft(Kind.MESSAGE, "x", {"to": ["dpo", "manager", "dpo"], "subject": "s", "text": "t"})]

    def learn(self) -> list[Draft]:
        severity = self.chance.choice(["low", "high", "critical", None])
        evidence = {"name": "n", "sha256": "0" * 64, "size": 1}
        facts = {"values": {"severity": severity}, "why": ""}
        return [Draft(Kind.FACTS, "x", facts), Draft(Kind.EVIDENCE, "x", evidence)]

    def move(self, clock: ClockRecord) -> list[Draft]:
        """Earlier, later, or no limit at all; perhaps it ends."""
        original = next(body for body in CLOCKS if body["id"] == clock.id)
        due = datetime.fromisoformat(original["due"]) if original["due"] else None
        moved = due and due + timedelta(hours=self.chance.randrange(-60, 400))
        state = self.chance.choice(["running", "provisional", "extended", "paused", "not_applicable"])
        names = ("title", "jurisdiction", "authority", "addressee", "channel", "confidence", "penalty", "content")
        body = {key: value for key, value in original.items() if key not in names}
        return [Draft(Kind.CLOCK_CHANGED, "x", {**body, "state": state, "due": moved.isoformat() if moved else None})]

    def settle(self, clock: ClockRecord) -> list[Draft]:
        kind = self.chance.choice([Kind.CLOCK_SUBMITTED, Kind.CLOCK_WAIVED, Kind.CLOCK_MISSED])
        return [Draft(kind, "x", {"id": clock.id, "by": "Ada", "why": ""})]

    def propose(self, clock: ClockRecord) -> list[Draft]:
        return self.ask(kind="clock", clock=clock.id, payload={"id": clock.id})


class _World:
    """As much of a world as the search for due points needs."""

    def __init__(self, store: Store) -> None:
        self.store = store


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    """An empty store."""
    store = Store(database)
    migrate(store.engine)
    yield store
    store.close()


def rows_of(store: Store, name: str) -> dict[str, list[Any]]:
    """Every projected row of an incident, in a fixed order."""
    found = {
        row.__tablename__: sorted(map(repr, store.rows(row, table(row).c.incident == name, limit=None)))
        for row in OF_ONE_INCIDENT
    }
    return {**found, "incident": [store.incident(name)]}


@pytest.mark.parametrize("seed", range(4))
def test_rebuilt_rows_are_those_that_were_kept(store: Store, seed: int) -> None:
    """After a long and odd history, and every few steps on the way; what has fired stays fired."""
    history = History(store, seed)
    for _ in range(6):
        history.go_on(25)
        kept = rows_of(store, history.name)
        store.rebuild(history.name).result()
        assert rows_of(store, history.name) == kept
    assert any(row["fired_at"] for row in store.rows(TimerRow, limit=None))


@pytest.mark.parametrize("seed", range(4, 8))
def test_rows_say_what_the_journal_says(store: Store, seed: int) -> None:
    """Rows and fold are two readings of one journal: states, choices and severity agree."""
    history = History(store, seed)
    history.go_on(120)
    view = fold(history.name, store.entries(history.name))
    tasks = {row["id"]: (row["state"], row["choice"]) for row in store.rows(TaskRow, limit=None)}
    expected = {
        t.id: ("open" if t.open else "decided" if t.decided else "withdrawn", t.decided) for t in view.tasks.values()
    }
    assert tasks == expected
    clock_rows = {row["id"]: row["state"] for row in store.rows(ClockRow)}
    assert clock_rows == {name: clock.state for name, clock in view.clocks.items()}
    assert store.incident(history.name)["severity"] == str(view.severity)


@pytest.mark.parametrize("seed", range(8, 12))
def test_only_what_is_open_still_has_points(store: Store, seed: int) -> None:
    """Nobody is reminded of what is settled; whatever is open and has a limit ahead will be heard of."""
    history = History(store, seed)
    history.go_on(120)
    view = fold(history.name, store.entries(history.name))
    waiting = {row["about"] for row in store.rows(TimerRow, table(TimerRow).c.fired_at.is_(None), limit=None)}
    open_tasks = {f"task:{task.id}" for task in view.open_tasks()}
    open_clocks = {f"clock:{name}" for name, c in view.clocks.items() if not c.settled}
    assert waiting <= open_tasks | open_clocks
    ahead = {f"task:{t.id}" for t in view.open_tasks() if datetime.fromisoformat(t.due_at) > history.now}
    assert ahead <= waiting


async def test_a_whole_playbook_rebuilds(tmp_path: Path) -> None:
    """The rows of a real incident, clocks and reminders and all, are the same when made anew."""
    life = await Life(tmp_path, "model-data-leakage", Reaper()).live()
    kept = rows_of(life.house.store, life.incident)
    life.house.store.rebuild(life.incident).result()
    assert rows_of(life.house.store, life.incident) == kept
    assert all(kept[name] for name in ("task", "clock", "timer", "message", "evidence"))
    life.close()


def test_a_limit_that_moves_to_later_is_reminded_of_again(store: Store) -> None:
    """The point of a limit that has passed has fired; for the new limit it fires once more."""
    history = History(store, 0)
    clock = CLOCKS[0]
    due = datetime.fromisoformat(clock["due"])
    store.append(history.name, [Draft(Kind.CLOCK_STARTED, "x", clock)], START).result()
    view = fold(history.name, store.entries(history.name))
    for point in due_timers(_World(store), due):
        store.append(history.name, fired(view, point, due), due).result()
    assert due_timers(_World(store), due + timedelta(days=90)) == []
    later = (due + timedelta(days=30)).isoformat()
    store.append(
        history.name, [Draft(Kind.CLOCK_CHANGED, "x", {**clock, "due": later, "state": "extended"})], due
    ).result()
    points = {point["point"] for point in due_timers(_World(store), due + timedelta(days=90))}
    assert {"T", "T-24h"} <= points


def test_the_incident_row_follows_its_journal(tmp_path: Path) -> None:
    """State, end and playbook are those of the last entries."""
    house = House(tmp_path)
    history = History(house.store, 0)
    state = {"state": "dismissed", "event": "dismiss", "before": "open"}
    house.store.append(history.name, [Draft(Kind.STATE, "x", state)], START).result()
    (row,) = house.store.rows(IncidentRow)
    assert (row["state"], row["closed_at"], row["head_seq"]) == (
        "dismissed",
        START.isoformat(timespec="microseconds"),
        2,
    )
    house.close()
