"""The watch: fires reminders, escalations and missed limits, exactly once, without Prefect.

Decides what happens at each point of a task or a clock. A point is claimed by
writing it into the incident's journal against the expected head, in the same
transaction that marks its row as fired, so that of several processes one wins
and nothing fires twice. Points that passed while no process ran are fired at the
next look, with their lateness.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypedDict

from sqlalchemy import select

from firedoor.core.clocks.changes import Mandate
from firedoor.core.clocks.extensions import clock_of, resumed
from firedoor.core.clocks.state import RESUME, ClockState, is_shadow
from firedoor.core.entries.law import ClockMissed
from firedoor.core.entries.people import MessageSent, ReminderFired, TaskEscalated
from firedoor.core.history.durations import span
from firedoor.core.incident.clock_record import ClockRecord
from firedoor.core.incident.view import IncidentView, TaskView
from firedoor.core.journal import Draft, Kind
from firedoor.core.law.due import DueKind
from firedoor.core.tasks.reminders import OVER, TIMES, everybody, next_in, number_of
from firedoor.runtime.config.container import World
from firedoor.runtime.execution.driver import Driver
from firedoor.runtime.execution.setting_aside import plainly, roles_of
from firedoor.runtime.repeating import Failing, repeat
from firedoor.store.database.sql import table, text_of
from firedoor.store.database.tables import TimerRow
from firedoor.store.incidents import leases
from firedoor.store.incidents.journal import Conflict

LOOK = 0.5  # seconds between two looks
PULSE = timedelta(seconds=5)  # between two signs of life, each of which is a write
BATCH = 200
PAUSE = timedelta(seconds=10)  # until a point that could not fire is tried again; it takes nobody's place meanwhile
ACTOR = "firedoor"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Chain:
    """Who hears of what nobody answers: the organisation's own chain, and the roles of the playbook."""

    organisation: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()


class Watch:
    """One watch loop; every API process runs one."""

    def __init__(self, world: World, driver: Driver) -> None:
        self.world = world
        self.driver = driver
        self.looked_at: datetime | None = None
        self._pulsed_at: datetime | None = None
        self._resting: dict[tuple[str, str, str], datetime] = {}  # points that could not fire, and until when

    async def forever(self, failing: Failing | None = None) -> None:
        """Look again and again; no fault ends the watch."""

        async def look() -> None:
            await self.look()
            await self.pulse()

        await repeat("watch", look, LOOK, failing)

    async def look(self) -> int:
        """Fire what is due. Returns how many points were fired by this process."""
        self.looked_at = now = self.world.now()
        self._resting = {key: again for key, again in self._resting.items() if now < again <= now + PAUSE}
        due = await asyncio.to_thread(due_timers, self.world, now, BATCH + len(self._resting))
        return sum([await self._try(timer) for timer in due if _key(timer) not in self._resting])

    def _chain(self, view: IncidentView) -> Chain:
        return Chain(self.world.organisation.escalation, roles_of(self.world, view))

    async def pulse(self) -> None:
        """Leave a sign of life for the audit, once a while, as long as the looks succeed."""
        now = self.world.now()
        due = self._pulsed_at is None or not timedelta(0) <= now - self._pulsed_at < PULSE
        if due and self.looked_at is not None:
            sign = leases.pulse(self.world.store, self.world.owner, self.looked_at, self.driver.looked_at)
            await asyncio.wrap_future(sign)
            self._pulsed_at = now

    async def _try(self, timer: Timer) -> bool:
        """Fire one point; a fault in one incident must not silence the others."""
        try:
            return await self._fire(timer)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others are due as well
            log.error("watch: %s of %s cannot fire: %s", timer["point"], timer["incident"], error)  # noqa: TRY400
            self._resting[_key(timer)] = self.world.now() + PAUSE
            return False

    async def _fire(self, timer: Timer) -> bool:
        incident = timer["incident"]
        view = await asyncio.to_thread(self.world.view, incident)
        # Looked at after the journal: whatever changes the point from here on also moves the head that we expect.
        if not await asyncio.to_thread(still_due, self.world, timer):
            return False
        now = self.world.now()
        try:
            drafts = fired(view, timer, now, self._chain(view))
        except Exception as error:  # noqa: BLE001 - it fires all the same: a point that stays silent is the worst of all
            drafts = [reminded(timer, now), *plainly(timer, error, roles_of(self.world, view))]
        try:
            await asyncio.wrap_future(self.world.store.append(incident, drafts, now, expect=view.head.seq))
        except Conflict:
            return False  # somebody wrote, perhaps this very point; the next look sees
        self.driver.wake(incident)
        return True


class Point(TypedDict):
    """A point at which somebody hears of a task or a clock: `task:ID` or `clock:ID`, which of its points, and when."""

    about: str
    point: str
    due_at: str  # ISO 8601


class Timer(Point):
    """A point of an incident, as its row has it."""

    incident: str


def due_timers(world: World, now: datetime, limit: int = BATCH) -> list[Timer]:
    """The points that have passed and have not fired; one index answers, however many wait."""
    columns = table(TimerRow).c
    query = (
        select(table(TimerRow)).where(columns.fired_at.is_(None) & (columns.due_at <= text_of(now)))
        .order_by(columns.due_at).limit(limit)
    )  # fmt: skip
    with world.store.engine.connect() as connection:
        return [
            Timer(incident=row.incident, about=row.about, point=row.point, due_at=row.due_at)
            for row in connection.execute(query)
        ]


def still_due(world: World, timer: Timer) -> bool:
    """Whether nobody has fired, moved or dropped a point since it was found."""
    columns = table(TimerRow).c
    same = (columns.incident == timer["incident"]) & (columns.about == timer["about"])
    same &= (columns.point == timer["point"]) & (columns.due_at == timer["due_at"]) & columns.fired_at.is_(None)
    with world.store.engine.connect() as connection:
        return connection.execute(select(columns.point).where(same)).first() is not None


def fired(view: IncidentView, timer: Point, now: datetime, chain: Chain | None = None) -> list[Draft]:
    """The entries that a point becomes: the reminder itself, and what follows from it."""
    kind, _, name = str(timer["about"]).partition(":")
    drafts = [reminded(timer, now)]
    if view.unread and name not in (*view.tasks, *view.clocks):
        raise LookupError(f"the entry about {name} cannot be read")
    if kind == "task":
        task = view.tasks.get(name)
        return drafts + (_task(task, timer["point"], now, chain or Chain()) if task and task.open else [])
    clock = view.clocks.get(name)
    if clock and timer["point"] == RESUME:
        return drafts + _resume(clock, now)
    return drafts + (_clock(view, clock, timer["point"]) if clock and not clock.settled else [])


def reminded(timer: Point, now: datetime) -> Draft:
    """The entry that a point has fired, which marks its row in the same transaction."""
    late = max(0, int((now - datetime.fromisoformat(timer["due_at"])).total_seconds()))
    body = ReminderFired(about=timer["about"], point=timer["point"], due_at=timer["due_at"], late_seconds=late)
    return Draft(Kind.REMINDED, ACTOR, body)


def _key(timer: Timer) -> tuple[str, str, str]:
    return str(timer["incident"]), str(timer["about"]), str(timer["point"])


def _task(task: TaskView, point: str, now: datetime, chain: Chain) -> list[Draft]:
    label = f"T{task.number}: {task.question}"
    if number_of(point):
        return _unanswered(task, label, number_of(point), now, chain)
    if point != OVER:
        return [_message(task.roles, f"Reminder: {label}", f"An answer is due at {task.due_at}.")]
    why = f"nobody answered by {task.due_at}"
    escalated = Draft(Kind.TASK_ESCALATED, ACTOR, TaskEscalated(task=task.id, role=task.escalate_to, why=why))
    text = f"{task.role} did not answer by {task.due_at}. It is yours now; it still can be answered by {task.role}."
    return [escalated, _message({task.escalate_to, task.role}, f"Escalated: {label}", text)]


def _unanswered(task: TaskView, label: str, number: int, now: datetime, chain: Chain) -> list[Draft]:
    """One more point after the end: the next of the chain is asked; once that has ended, everybody hears of it."""
    waited = span((now - datetime.fromisoformat(task.due_at)).total_seconds())
    row = (*task.chain, *chain.organisation)
    following = next_in(row, task.roles)
    if following is not None:
        why = f"nobody has answered for {waited} since {task.due_at}"
        escalated = Draft(Kind.TASK_ESCALATED, ACTOR, TaskEscalated(task=task.id, role=following, why=why))
        asked = ", ".join(sorted(task.roles))
        text = f"It was due at {task.due_at}, and {asked} did not answer. It is yours now as well."
        return [escalated, _message({*task.roles, following}, f"STILL UNANSWERED after {waited}: {label}", text)]
    goes_on = "This is the last reminder; `firedoor audit` goes on to say it." if number == TIMES else ""
    text = (
        f"It was due at {task.due_at}. {', '.join(sorted(task.roles))} may answer, and did not. Call one of them. "
        f"Anybody else can answer it by breaking the glass. {goes_on}"
    ).strip()
    subject = f"NOBODY ANSWERS for {waited} (reminder {number} of {TIMES}): {label}"
    return [_message(set(everybody(task.roles, row, chain.roles)), subject, text)]


def _resume(clock: ClockRecord, now: datetime) -> list[Draft]:
    """The end of a pause: the clock goes on by itself, whoever is away."""
    paused = clock_of(clock)
    if paused.state is not ClockState.PAUSED:
        return []
    why = f"the pause ended at {paused.paused_until.isoformat() if paused.paused_until else now.isoformat()}"
    words = f"{clock.title} ({clock.citation})"
    text = "The clock runs again. Ask for a further pause with its document, or send it now."
    return [resumed(paused, Mandate(ACTOR, why, now), ACTOR), _message({"dpo"}, f"Pause over: {words}", text)]


def _clock(view: IncidentView, clock: ClockRecord, point: str) -> list[Draft]:
    roles = {role for task in view.open_tasks() if task.clock == clock.id for role in task.roles} or {"dpo"}
    words = f"{clock.title} ({clock.citation})"
    limit = clock.due
    if point != OVER or not limit:
        due = f"The limit is {limit}." if limit else "The law sets no outer limit; this is our own target."
        return [_message(roles, f"Clock: {words}", due)]
    if clock.kind == DueKind.HOLD_UNTIL:  # it asks to keep something until then; it ends, and nobody is late
        return [_message(roles, f"Hold ends: {words}", f"It had to be kept until {limit}.")]
    if is_shadow(clock.assumption):
        text = f"It would have been due at {limit}. Ask again for what it lacks, and remove the content all the same."
        return [_message(roles, f"Still incomplete: {words}", text)]
    missed = Draft(Kind.CLOCK_MISSED, ACTOR, ClockMissed(id=clock.id, due=limit))
    text = f"The limit {limit} has passed. Send it now; the reasons for the delay will be asked for."
    return [missed, _message(roles, f"MISSED: {words}", text)]


def _message(roles: set[str], subject: str, text: str) -> Draft:
    return Draft(Kind.MESSAGE, ACTOR, MessageSent(to=sorted(roles), subject=subject, text=text))
