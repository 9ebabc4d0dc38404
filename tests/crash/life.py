"""The life of an incident through any number of processes, each of which may be killed at a boundary.

A process that was killed writes nothing any more: its lease is not given back, its answers are lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from firedoor.alerts.registry import sources
from firedoor.core.facts import read_all
from firedoor.core.incident.view import IncidentView, TaskView
from firedoor.core.journal import Entry, Kind
from firedoor.core.lifecycle import ended
from firedoor.core.playbook.checks import ORGANISATION_NAMES
from firedoor.core.playbook.plan import Plan
from firedoor.core.playbook.playbook import Drill, DrillAnswer, fits
from firedoor.core.removal.ports import Removal
from firedoor.core.severity import Severity
from firedoor.core.targets import Target
from firedoor.core.tasks.answers import Answer, Person
from firedoor.core.tasks.sending import SUBMITTED
from firedoor.duties.catalogue import catalogue
from firedoor.runtime.config import playbooks
from firedoor.runtime.config.container import World
from firedoor.runtime.config.inventory import Organisation
from firedoor.runtime.rehearsal.drill import REHEARSED
from firedoor.runtime.rehearsal.drill_alert import begin, delivered
from firedoor.runtime.rehearsal.simulated_store import INDEX, SimulatedStore
from firedoor.runtime.rehearsal.simulation import HandClock, rehearsal_world
from firedoor.store.database.engine import Writer
from firedoor.store.database.sql import table
from firedoor.store.database.tables import DriveRow, TimerRow
from firedoor.store.incidents.leases import LEASE
from firedoor.testing import House
from firedoor.testing.far_end import FarEnd

PAUSE = timedelta(minutes=10)
COMMITTED = "committed"


class Killed(BaseException):
    """kill -9, as seen from inside."""


class Reaper:
    """Kills at chosen boundaries: before and after an effect, after a write to the database."""

    def __init__(self, effects: frozenset[str] = frozenset(), commits: Callable[[int], bool] = lambda _: False) -> None:
        self.effects = effects  # each kills once: a process that never gets past one would prove nothing more
        self.commits = commits
        self.passed: list[str] = []
        self.killed: list[str] = []
        self.dead = False

    def at(self, name: str) -> None:
        """A boundary is reached. Raises Killed when this process ends here, or has ended already."""
        if self.dead:
            raise Killed
        self.passed.append(name)
        if self.commits(self.passed.count(COMMITTED)) if name == COMMITTED else self._effect(name):
            self.dead = True
            self.killed.append(name)
            raise Killed

    def _effect(self, name: str) -> bool:
        return name in self.effects and name not in self.killed

    async def boundary(self, where: str, operation: str) -> None:
        """The conductor's own boundaries."""
        self.at(f"{where} {operation}")


class MortalWriter(Writer):
    """A writer whose process may be killed right after a commit, and which writes nothing after that."""

    reaper: Reaper

    def submit(self, write: Callable[[Connection], Any]) -> Future[Any]:
        outer: Future[Any] = Future()
        if self.reaper.dead:
            outer.set_exception(Killed())
            return outer
        outer.set_running_or_notify_cancel()
        super().submit(write).add_done_callback(lambda done: self._committed(done, outer))
        return outer

    def _committed(self, done: Future[Any], outer: Future[Any]) -> None:
        try:
            result = done.result()
            self.reaper.at(COMMITTED)
        except BaseException as error:  # noqa: BLE001 - handed on as it is
            outer.set_exception(error)
        else:
            outer.set_result(result)


class CountedStore(SimulatedStore):
    """A store that obeys each key once, as its contract says, and counts them: a repetition under another is seen."""

    effects: Counter[str]

    async def remove(self, locator: str, key: str) -> Removal:
        """Take it away."""
        self.effects[f"remove {locator} for {key}"] = 1
        return await super().remove(locator, key)

    async def block(self, algorithm: str, value: str, key: str) -> bool:
        """Put it on the list."""
        self.effects[f"block {algorithm} {value} for {key}"] = 1
        return await super().block(algorithm, value, key)


class CountingStores:
    """Every target is a store of content, which outlives the process as the far end does and counts with it."""

    def __init__(self, far_end: FarEnd) -> None:
        self._far_end = far_end
        self._open: dict[str, CountedStore] = {}

    def __call__(self, target: Target) -> CountedStore:
        """The store of a target, made when it is asked for."""
        if target.id not in self._open:
            said = self._far_end
            store = CountedStore(target.id, said.behaviours.get(target.id, "works"), said.artefacts.get(INDEX))
            store.effects = said.effects
            self._open[target.id] = store
        return self._open[target.id]


class Life:
    """One incident of a shipped playbook's drill, from its opening to its end."""

    def __init__(self, folder: Path, playbook: str, reaper: Reaper, url: str = "") -> None:
        self.reaper = reaper
        self.plan = plan = playbooks.compiled(playbook)
        self.drill: Drill = playbooks.load_playbook(playbook).header.drills[0]
        organisation = organisation_of(self.drill)
        every = world_of(self.drill, plan)
        self.house = House(
            folder, plan, inventory=every.inventory, organisation=organisation, url=url, starts=every.now()
        )
        self.house.far_end.behaviours = dict(self.drill.targets)
        self.house.far_end.artefacts = dict(self.drill.artefacts)
        self.stores = CountingStores(self.house.far_end)
        self._mortal()

    async def live(self) -> Life:
        """Go on, process after process, until the incident ends."""
        incident: str | None = None
        for _ in range(1_000):
            try:
                incident = incident or await self._open()
                if await self._step(incident):
                    self.incident = incident
                    return self
            except Killed:
                pass
            if self.reaper.dead:
                await self._next_process()
                rows = self.house.store.rows(DriveRow)
                incident = rows[0]["incident"] if rows else None
        raise AssertionError(f"it does not end: {self.house.view(incident or '').open_tasks()}")

    def close(self) -> None:
        self.house.close()

    @property
    def entries(self) -> list[Entry]:
        return self.house.entries(self.incident)

    async def _open(self) -> str:
        severity, facts = known_of(self.drill, self.plan)
        return await self.house.open(severity=severity or Severity.HIGH, **facts)

    async def _step(self, incident: str) -> bool:
        """Let the driver do what it can; then bring time or an answer."""
        house = self.house
        await house.driver.settled(incident)
        if self.reaper.dead:
            raise Killed
        await house.driver.look()
        await house.driver.settled(incident)
        if self.reaper.dead:
            raise Killed
        view = house.view(incident)
        if ended(view.state):
            return True
        await self._go_on(view)
        return False

    async def _go_on(self, view: IncidentView) -> None:
        house = self.house
        answers = [found for task in view.open_tasks() if (found := self._answer_for(task))]
        timers = house.store.rows(TimerRow, table(TimerRow).c.fired_at.is_(None))
        wakes = [row["wake_at"] for row in house.store.rows(DriveRow) if row["wake_at"]]
        instants = [at for at, _, _ in answers]
        instants += [datetime.fromisoformat(at) for at in [*(timer["due_at"] for timer in timers), *wakes]]
        house.clock.now = max(house.clock(), min(instants))
        if await house.watch.look():
            return
        for at, task, given in sorted(answers, key=lambda item: (item[0], item[1].number)):
            if at <= house.clock():
                name = given.by or f"{task.role} {len(task.answers) + 1}"
                other = " for four eyes" if task.kind == "clock" else ""  # whoever set the facts may not agree to this
                person = Person(name + other, frozenset(task.roles))
                sent = REHEARSED if task.kind == "submit" and given.choice == SUBMITTED else {}
                answer = Answer(given.choice, given.why, facts=given.facts, fields={**sent, **given.fields})
                await house.service.answer(view.id, task.id, answer, person)
                return

    def _answer_for(self, task: TaskView) -> tuple[datetime, TaskView, DrillAnswer] | None:
        choices = {str(choice["id"]) for choice in task.choices}
        fitting = (given for given in self.drill.answers if given.choice in choices and fits(given.task, task.id))
        given = next(fitting, None)
        if given is None:
            return None
        wait = timedelta(seconds=given.after) if given.after is not None else PAUSE
        return datetime.fromisoformat(task.opened_at) + wait, task, given

    async def _next_process(self) -> None:
        """The old process is gone; a new one starts once the lease has run out."""
        await self.house.driver.stop()
        self.house.close()
        self.house.clock.now += LEASE + timedelta(seconds=1)
        self.reaper.dead = False
        self.house = self.house.again(f"process {len(self.reaper.killed) + 1}")
        self._mortal()

    def _mortal(self) -> None:
        self.house.store.writer.close()
        writer = MortalWriter(self.house.store.engine)
        writer.reaper = self.reaper
        self.house.store.writer = writer
        self.house.driver.boundary = self.reaper.boundary
        self.house.world.stores = self.stores


def world_of(drill: Drill, plan: Plan) -> World:
    """The world that a drill describes, when it begins."""
    clock = HandClock((drill.at or datetime(2026, 11, 21, tzinfo=UTC)).astimezone(UTC))
    return rehearsal_world(plan, drill, catalogue(), clock, organisation_of(drill))[0]


def known_of(drill: Drill, plan: Plan) -> tuple[Severity | None, Mapping[str, Any]]:
    """How bad it is and what is known when a drill begins, by its own words or by what its alert says."""
    if drill.alert is None:
        return Severity(drill.severity) if drill.severity else None, drill.facts
    alerts = delivered(drill.alert, sources())
    begun = begin(world_of(drill, plan), plan, drill.alert, (playbooks.load_playbook(plan.playbook),), alerts, "INC-0")
    assert begun.opening is not None, begun.why_not
    facts = {name: value for name, value in begun.opening.facts.items() if name != "severity"}
    return begun.opening.severity, facts


def organisation_of(drill: Drill) -> Organisation:
    """The organisation that a drill describes: words for letters, and facts for the law."""
    words = {name: str(value) for name, value in drill.organisation.items() if name in ORGANISATION_NAMES}
    facts = {name: value for name, value in drill.organisation.items() if name not in ORGANISATION_NAMES}
    return Organisation(words, read_all(catalogue().facts, facts))


def story(life: Life) -> Counter[str]:
    """What happened, however often it was interrupted: everything but attempts, and the reminders in between."""
    return Counter(filter(None, (_line(entry) for entry in life.entries)))


def _line(entry: Entry) -> str:
    body = entry.body
    match entry.kind:
        case Kind.FINISHED:
            return f"finished {body['op']} {body['outcome']}"
        case Kind.FAILED:
            return f"failed {body['op']}"
        case Kind.TASK_OPENED | Kind.TASK_ANSWERED:
            return f"{entry.kind} {body['task']} {body.get('choice', '')}"
        case Kind.CLOCK_STARTED | Kind.CLOCK_SUBMITTED | Kind.CLOCK_WAIVED | Kind.CLOCK_MISSED:
            return f"{entry.kind} {body['id']}"
        case Kind.EVIDENCE:
            return f"{entry.kind} {body['name']}"
        case Kind.REMINDED:
            return f"{entry.kind} {body['about']} {body['point']}"
        case Kind.STATE:
            return f"{entry.kind} {body['state']}"
        case _:
            return ""
