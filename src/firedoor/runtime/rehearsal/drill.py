"""Drills: a playbook's rehearsal, with canned answers and a clock wound by hand; no network, no database, no Prefect.

Decides how a rehearsal goes. Turns, law, effects and reminders are those of production.
Between any two rounds the journal is written out as JSON, read back, its chain verified
and folded anew: every drill is also a proof that a restart loses nothing. When nothing is
ready, time jumps to the next answer, reminder, limit or wait. Leaves the comparison with
what the drill expects to `drill_expectations`.

A drill that begins with `alert:` is opened by that delivery, taken in as the server would (`drill_alert`).
A person answers as the first of the drill's answers says whose `task` fits and whose choice
the task offers; `after` counts from the opening of the task. Where several people must agree, different people answer.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from firedoor.alerts.registry import sources as own_sources
from firedoor.alerts.source import AlertSource
from firedoor.core.alerts.start_rules import Startable
from firedoor.core.clocks.clock import reminder_points
from firedoor.core.clocks.engine import clock_of
from firedoor.core.execution.turn import Launch, next_turn
from firedoor.core.facts import read_all, write
from firedoor.core.incident.view import IncidentView, TaskView, fold
from firedoor.core.journal import Draft, Entry, Head, Kind, chain, genesis, verify
from firedoor.core.playbook.checks import ORGANISATION_NAMES
from firedoor.core.playbook.plan import Plan
from firedoor.core.playbook.playbook import Drill, DrillAnswer, DrillCorrection, Playbook, fits
from firedoor.core.problems import FiredoorError
from firedoor.core.severity import Severity
from firedoor.core.tasks.answers import Answer, Person, answer_task, set_facts
from firedoor.core.tasks.reminders import later_points, task_points
from firedoor.duties.catalogue import Catalogue
from firedoor.runtime.config import playbooks as library
from firedoor.runtime.config.container import World
from firedoor.runtime.config.inventory import Organisation
from firedoor.runtime.execution.perform import perform
from firedoor.runtime.loops.deadlines import Chain, Point, fired
from firedoor.runtime.rehearsal.drill_alert import begin, delivered
from firedoor.runtime.rehearsal.drill_expectations import mismatches
from firedoor.runtime.rehearsal.simulation import HandClock, SimulatedConnector, rehearsal_world
from firedoor.runtime.service.opening import Opening, new_incident
from firedoor.runtime.service.sent_copies import SUBMITTED, frozen

INCIDENT = "INC-DRILL"
STARTS = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
PAUSE = timedelta(minutes=10)  # until a person answers, unless the drill says otherwise
ROUNDS = 5_000
REHEARSED = {"version": "none", "channel": "rehearsed", "sent_at": "now"}  # what an answer does not say of a sending


@dataclass(frozen=True)
class DrillResult:
    """What came of a drill. No mismatches: it went as expected."""

    playbook: str
    drill: str
    mismatches: tuple[str, ...]
    entries: tuple[Entry, ...]
    changes: Counter[str] = field(default_factory=Counter)  # effects that really happened, by operation key

    @property
    def passed(self) -> bool:
        """Whether it went as expected."""
        return not self.mismatches

    @property
    def view(self) -> IncidentView:
        """How the incident ended; untouched when none was opened."""
        return fold(INCIDENT, self.entries)

    def story(self) -> tuple[str, ...]:
        """What was done, in order, with the time since the start."""
        if not self.entries:
            return ()
        start = self.entries[0].instant
        done = (entry for entry in self.entries if entry.kind in (Kind.FINISHED, Kind.FAILED, Kind.TASK_ANSWERED))
        return tuple(f"{entry.instant - start}  {_line(entry)}" for entry in done)


@dataclass(frozen=True)
class Around:
    """What an alert of a drill meets: the playbooks that it may start, the rehearsed one among them, and sources."""

    playbooks: tuple[Startable, ...] = ()
    sources: Mapping[str, AlertSource] = field(default_factory=own_sources)


def rehearse(
    plan: Plan, drill: Drill, catalogue: Catalogue, *, lose: int | None = None, around: Around | None = None
) -> DrillResult:
    """Rehearse one drill. With `lose`, that effect (from 1) loses its outcome, as if the driver was killed then."""
    if drill.alert is not None and around is None:
        around = Around((library.load_playbook(plan.playbook),))
    return asyncio.run(_Rehearsal(plan, drill, catalogue, lose, around or Around()).run())


def rehearse_all(
    playbook: Playbook, plan: Plan, catalogue: Catalogue, name: str | None = None, around: Around | None = None
) -> list[DrillResult]:
    """Rehearse the drills of a playbook, or the one of that name. An alert meets the playbooks of `around` as well."""
    chosen = [drill for drill in playbook.header.drills if name in (None, drill.drill)]
    given = around or Around()
    others = (one for one in given.playbooks if one.name != playbook.name)
    around = replace(given, playbooks=(playbook, *others))
    return [rehearse(plan, drill, catalogue, around=around) for drill in chosen]


class _Rehearsal:
    def __init__(self, plan: Plan, drill: Drill, catalogue: Catalogue, lose: int | None, around: Around) -> None:
        self.plan = plan
        self.drill = drill
        self.lose = lose
        self.effects = 0
        self.clock = HandClock((drill.at or STARTS).astimezone(UTC))
        organisation = _organisation(drill, catalogue)
        self.world, self.connector = rehearsal_world(plan, drill, catalogue, self.clock, organisation)
        self.rules = self.world.rules(plan)
        self.entries: tuple[Entry, ...] = ()
        self.read = 0  # of them, those that were read back and verified already
        self.asked: set[tuple[str, str]] = set()  # points that fired
        self.corrected: list[DrillCorrection] = []
        self.said: list[str] = []  # what went wrong while rehearsing
        self.around = around

    async def run(self) -> DrillResult:
        """Go on until the incident ends, or nothing can happen any more."""
        if not self._open():
            return DrillResult(self.plan.playbook, self.drill.drill, tuple(self.said), ())
        for _ in range(ROUNDS):
            view = self._reload()
            turn = next_turn(self.rules, view, self.clock(), frozenset())
            self._append(turn.drafts)
            for launch in turn.launches:
                await self._effect(launch)
            if turn.over:
                break
            if not turn.launches and not turn.drafts and not self._advance(turn.wake_at):
                break
        else:
            self.said.append(f"the drill did not end within {ROUNDS} rounds")
        found = (*self.said, *mismatches(self.plan, self.drill, self.entries, self.connector))
        return DrillResult(self.plan.playbook, self.drill.drill, found, self.entries, self.connector.changes)

    def _open(self) -> bool:
        """Open the incident, by an alert or by what the drill says is known. False, with why, when nothing opens."""
        if self.drill.alert is None:
            severity = Severity(self.drill.severity) if self.drill.severity else None
            given = read_all(self.rules.definitions, self.drill.facts)
            values = {name: write(value) for name, value in given.items()}
            opening = Opening(self.plan, self.drill.drill, "rehearsed", "source:drill", severity, values)
            self._append(new_incident(self.world, opening).drafts)
            return True
        try:
            alerts = delivered(self.drill.alert, self.around.sources)
        except FiredoorError as error:
            self.said += [f"the alert is refused: {problem.message}" for problem in error.problems]
            return False
        begun = begin(self.world, self.plan, self.drill.alert, self.around.playbooks, alerts, INCIDENT)
        if begun.opening is None:
            self.said.append(begun.why_not)
            return False
        self._append((*new_incident(self.world, begun.opening).drafts, *begun.attached))
        return True

    def _append(self, drafts: Sequence[Draft]) -> None:
        head = self.entries[-1] if self.entries else None
        tip = genesis(INCIDENT) if head is None else Head(head.seq, head.hash)
        self.entries += chain(INCIDENT, tip, drafts, self.clock())

    def _reload(self) -> IncidentView:
        """Restart: write out what is new in the journal, read it back, verify its chain, fold the whole."""
        known = self.entries[: self.read]
        lines = json.dumps([entry.as_json() for entry in self.entries[self.read :]])
        new = tuple(Entry(**line) for line in json.loads(lines))
        fault = verify(INCIDENT, new, start=Head(known[-1].seq, known[-1].hash) if known else None)
        if fault is not None:
            self.said.append(f"the journal broke: entry {fault.seq} {fault.what}")
        self.entries, self.read = known + new, self.read + len(new)
        return fold(INCIDENT, self.entries)

    async def _effect(self, launch: Launch) -> None:
        view = fold(INCIDENT, self.entries)
        performed = await perform(self.world, view, launch)
        self.effects += 1
        if self.effects != self.lose:  # otherwise killed between the effect and its line in the journal
            self._append(performed.drafts)

    def _advance(self, wake_at: datetime | None) -> bool:
        """Jump to the next thing that time or a person brings. False when there is none."""
        view = fold(INCIDENT, self.entries)
        planned = [(task, self._answer_for(task)) for task in view.open_tasks()]
        answers = [(found[0], task, found[1]) for task, found in planned if found]
        if not answers and wake_at is None:
            unanswered = ", ".join(task.id for task in view.open_tasks())
            self.said.append(f"nothing more happens; nobody answers: {unanswered or 'nothing is asked'}")
            return False
        points = self._points(view)
        instants = [*(at for at, _, _ in answers), *(at for at, _, _ in points), *([wake_at] if wake_at else [])]
        corrections = [(self.entries[0].instant + timedelta(seconds=one.after), one) for one in self.drill.corrections]
        instants += [at for at, one in corrections if one not in self.corrected]
        self.clock.now = max(self.clock(), min(instants))
        self._pass_time(view, points)
        for at, correction in corrections:
            if at <= self.clock() and correction not in self.corrected:
                self._correct(correction)
                return True
        for at, task, answer in sorted(answers, key=lambda item: (item[0], item[1].number)):
            if at <= self.clock():
                self._give(fold(INCIDENT, self.entries), task, answer)
                break
        return True

    def _correct(self, correction: DrillCorrection) -> None:
        """Somebody sets the facts right; the law looks again in the next round."""
        self.corrected.append(correction)
        person = Person(correction.by, frozenset(self.plan.roles))
        view = fold(INCIDENT, self.entries)
        self._append(set_facts(view, correction.facts, correction.why, person, self.rules.definitions))

    def _points(self, view: IncidentView) -> list[tuple[datetime, str, str]]:
        """Reminders, escalations and limits that have not fired yet: when, about what, which point."""
        points = [
            (at, f"task:{task.id}", point)
            for task in view.open_tasks()
            for points_of in (task_points, later_points)
            for point, at in points_of(datetime.fromisoformat(task.opened_at), datetime.fromisoformat(task.due_at))
        ]
        for clock in view.open_clocks():
            points += [(at, f"clock:{clock.id}", point) for point, at in reminder_points(clock_of(clock))]
        return [point for point in points if (point[1], point[2]) not in self.asked]

    def _pass_time(self, view: IncidentView, points: Sequence[tuple[datetime, str, str]]) -> None:
        for at, about, point in sorted(points):
            if at <= self.clock():
                self.asked.add((about, point))
                timer = Point(about=about, point=point, due_at=at.isoformat())
                chain = Chain(self.world.organisation.escalation, self.plan.roles)
                self._append(fired(view, timer, self.clock(), chain))
                view = fold(INCIDENT, self.entries)

    def _answer_for(self, task: TaskView) -> tuple[datetime, DrillAnswer] | None:
        choices = {str(choice["id"]) for choice in task.choices}
        fitting = (answer for answer in self.drill.answers if answer.choice in choices and fits(answer.task, task.id))
        answer = next(fitting, None)
        if answer is None:
            return None
        wait = timedelta(seconds=answer.after) if answer.after is not None else PAUSE
        return datetime.fromisoformat(task.opened_at) + wait, answer

    def _give(self, view: IncidentView, task: TaskView, given: DrillAnswer) -> None:
        person = Person(_who(task, given), frozenset(task.roles))
        answer = Answer(given.choice, given.why, facts=given.facts, fields=given.fields)
        try:
            answer, kept = self._with_text(task, answer, person)
            drafts = [*kept, *answer_task(view, task.id, answer, person, self.rules.definitions, self.clock())]
            if given.refused:
                self.said.append(f"the answer {given.choice} to {task.id} was accepted, and must be refused")
            self._append(drafts)
        except FiredoorError as error:
            if given.refused is None or not any(given.refused == problem.code for problem in error.problems):
                words = error.problems[0].message
                self.said.append(f"the answer {given.choice} to {task.id} was not accepted: {words}")
            left = tuple(answer for answer in self.drill.answers if answer is not given)
            self.drill = self.drill.model_copy(update={"answers": left})

    def _with_text(self, task: TaskView, answer: Answer, person: Person) -> tuple[Answer, tuple[Draft, ...]]:
        """The answer with the text of the notice that it says was sent, as `Service` keeps it."""
        if answer.choice != SUBMITTED or task.kind != "submit" or not task.clock:
            return answer, ()
        said = {**REHEARSED, **answer.fields}  # a drill sends nothing; one that says what went is held to it
        fields, kept = frozen(self.world, self.plan, self.entries, (task.clock, said), person)
        return replace(answer, fields=fields), kept


def _who(task: TaskView, given: DrillAnswer) -> str:
    """The person whom the drill names, else the first of the role who has not answered and may."""
    count = len(task.answers)
    named = [given.by] if given.by and not count else []
    others = (f"{task.role} {number}" for number in range(count + 1, count + len(task.not_by) + 2))
    return str(next(name for name in (*named, *others) if name not in task.not_by))


def _organisation(drill: Drill, catalogue: Catalogue) -> Organisation:
    words = {name: str(value) for name, value in drill.organisation.items() if name in ORGANISATION_NAMES}
    facts = {name: value for name, value in drill.organisation.items() if name not in ORGANISATION_NAMES}
    return Organisation(words, read_all(catalogue.facts, facts))


def _line(entry: Entry) -> str:
    body = entry.body
    if entry.kind == Kind.TASK_ANSWERED:
        return f"{body['by']} answers {body['choice']}: {body['task']}"
    if entry.kind == Kind.FAILED:
        return f"failed: {body['op']}: {body['problem']}"
    return f"{body['outcome']}: {body['op']}"


__all__ = ["DrillResult", "SimulatedConnector", "World", "rehearse", "rehearse_all"]
