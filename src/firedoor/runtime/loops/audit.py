"""The audit: looks from outside whether everything that should have happened has happened.

Decides what must be true of a database in which somebody watches: points have fired, work is
driven, what is held closed is looked at, processes give signs of life, the chains hold and
stand no earlier than before, the clocks agree, the disk has room. Reads only; what it has
verified it remembers in memory, and in a checkpoint file that lies elsewhere. Leaves mending
to people, and sounding the alarm to whoever misses the heartbeat.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, Engine, and_, exists, func, or_, select
from sqlalchemy.exc import SQLAlchemyError

from firedoor.core.access.security import CHAIN
from firedoor.core.isolated import fault_of
from firedoor.core.journal import Head
from firedoor.core.problems import Problem
from firedoor.core.tasks.reminders import OVER
from firedoor.runtime.loops.checkpoint import read_checkpoint, write_checkpoint
from firedoor.runtime.loops.unanswered import late_question
from firedoor.store.database.sql import table, text_of
from firedoor.store.database.tables import DriveRow, EntryRow, HoldRow, IncidentRow, PulseRow, TaskRow, TimerRow
from firedoor.store.incidents.heads import newest_signed
from firedoor.store.incidents.holds import CLAIM
from firedoor.store.incidents.leases import LEASE
from firedoor.store.incidents.set_aside import what_is
from firedoor.store.incidents.verification import (
    Seen,
    Wanted,
    chain_names,
    heads_at_one_moment,
    missing_numbers,
    read_chains,
)

RESTORE = "keep this database for examination, and restore a backup with `firedoor restore`"


@dataclass(frozen=True, slots=True)
class Limits:
    """What the audit lets pass. Times, unless a unit is named."""

    late: timedelta = timedelta(seconds=30)  # a point after its instant, work without a driver
    silent: timedelta = timedelta(seconds=30)  # a process's loops
    unlooked: timedelta = timedelta(minutes=2)  # a look at a held target, after its instant
    stuck: timedelta = timedelta(minutes=15)  # an incident that is driven, and whose journal does not grow
    skew: timedelta = timedelta(seconds=10)  # something written later than now
    free: int = 500_000_000  # bytes on the disk of the data
    slice: int = 20_000  # entries that were verified before and are read again in each look
    named: int = 10  # of each kind of problem, at most
    longest: float = 5.0  # seconds that a look reads again, at most


class Audit:
    """One auditor. `look` returns every problem; an empty list says that all is well."""

    def __init__(
        self, engine: Engine, now: Callable[[], datetime], *, checkpoint: Path | None = None,
        free: Callable[[], int] | None = None, limits: Limits | None = None,
    ) -> None:  # fmt: skip
        self.engine = engine
        self.now = now
        self.free = free
        self.checkpoint = checkpoint
        self.limits = limits or Limits()
        self.seen: dict[str, Head] = read_checkpoint(checkpoint) if checkpoint else {}
        self.signed = ""  # the newest signed head, as the last look found it: it leaves with the heartbeat
        self.verified = 0  # entries read in the last look
        self.rounds = 0  # how often everything was verified
        self._verified: set[str] = set()
        self._again: list[str] = []
        self._broken: dict[str, Problem] = {}

    def look(self) -> list[Problem]:
        """Look at everything once. Never raises: what cannot be looked at is a problem."""
        try:
            with self.engine.connect() as connection:
                return self._look(connection)
        except Exception as error:  # noqa: BLE001 - whatever keeps the audit from looking must be told
            reason = str(getattr(error, "orig", None) or error).splitlines()[0][:300]
            return [Problem(code="M101", message=f"the audit cannot look: {reason}", do="see `firedoor doctor`")]

    def _look(self, connection: Connection) -> list[Problem]:
        began, now = time.monotonic(), self.now()
        heads = heads_at_one_moment(connection)
        self.signed = newest_signed(connection) if CHAIN in heads else ""
        found = [
            *part(lambda: overdue(connection, now, self.limits.late)),
            *part(lambda: undriven(connection, now, self.limits)),
            *part(lambda: unheard(connection, self.limits)),
            *part(lambda: aside(connection, self.limits)),
            *part(lambda: unanswered(connection, now, self.limits)),
            *part(lambda: unlooked(connection, now, self.limits)),
            *part(lambda: silent(connection, now, self.limits)),
            *part(lambda: gone(connection, heads, self.seen)),
            *part(self._disk),
        ]
        found += self._chains(connection, heads, now + timedelta(seconds=time.monotonic() - began))
        if self.checkpoint is not None and not self._broken:
            write_checkpoint(self.checkpoint, self.seen)
        return found

    # -- chains ----------------------------------------------------------------------------------

    def _chains(self, connection: Connection, heads: dict[str, Head], now: datetime) -> list[Problem]:
        """Verify what is new, and a part of what was verified before: an old line can be altered too."""
        self.verified = 0
        first = not self.rounds
        names = {*(chain_names(connection, heads) if first else heads), *self.seen}
        new = [name for name in names if self.seen.get(name) != heads.get(name) or name not in self._verified]
        for _ in self._verify(connection, heads, sorted(new, key=self._verified_up_to), now):
            pass
        self.rounds += first
        if not first:
            self._read_again(connection, heads, now)
        return list(self._broken.values())

    def _read_again(self, connection: Connection, heads: dict[str, Head], now: datetime) -> None:
        """Read the next ones of the round from their beginning, until this look has read enough."""
        self._again = self._again or chain_names(connection, heads)
        end, until = self.verified + self.limits.slice, time.monotonic() + self.limits.longest
        done = 0
        for _ in self._verify(connection, heads, self._again[: self.limits.slice], now, again=True):
            done += 1
            if self.verified >= end or time.monotonic() >= until:
                break
        del self._again[:done]
        self.rounds += not self._again

    def _verify(
        self,
        connection: Connection,
        heads: dict[str, Head],
        names: Sequence[str],
        now: datetime,
        *,
        again: bool = False,
    ) -> Iterator[str]:
        """Verify these chains one by one, yielding each name when it is judged."""
        chains = [Wanted(n, heads.get(n), None if again else self._start(n), self.seen.get(n)) for n in names]
        for wanted, found in read_chains(connection, chains):
            self.verified += found.entries
            self._judge(wanted, found, now)
            yield wanted.incident

    def _judge(self, wanted: Wanted, found: Seen, now: datetime) -> None:
        name = wanted.incident
        problem = _chain_problem(wanted, found) or _future(name, found, now, self.limits.skew)
        if problem is not None:
            self._verified.discard(name)
            self._broken[name] = problem
            return
        self._broken.pop(name, None)
        self._verified.add(name)
        if wanted.head is not None:
            self.seen[name] = wanted.head

    def _start(self, incident: str) -> Head | None:
        return self.seen.get(incident) if incident in self._verified else None

    def _verified_up_to(self, incident: str) -> tuple[int, str]:
        """Chains that go on from a like entry stand together: one query reads many of them, and little twice."""
        start = self._start(incident)
        return (start.seq if start else 0, incident)

    # -- the machine -----------------------------------------------------------------------------

    def _disk(self) -> Iterator[Problem]:
        free = self.free() if self.free else self.limits.free
        if free < self.limits.free:
            message = f"{free // 1_000_000} MB are free on the disk of the data"
            yield Problem(code="M131", message=message, do="free some space before nothing can be stored any more")


def _chain_problem(wanted: Wanted, found: Seen) -> Problem | None:
    incident, head, before = wanted.incident, wanted.head, wanted.expect
    if before is not None and (head is None or head.seq < before.seq):
        stands = f"stands at entry {head.seq}" if head else "is gone"
        message = f"{incident} {stands}, and stood at entry {before.seq} before: something was taken back"
        return Problem(code="M122", message=message, do="find out who put back an older database; " + RESTORE)
    if found.fault is not None:
        message = f"{incident}: entry {found.fault.seq} {found.fault.what}"
        return Problem(code="M121", message=message, do=RESTORE)
    return None


def _future(incident: str, found: Seen, now: datetime, skew: timedelta) -> Problem | None:
    if found.newest <= text_of(now + skew):
        return None
    message = f"{incident} has an entry of {found.newest}, and here it is {text_of(now)}"
    return Problem(code="M132", message=message, do="set the clock of this machine, or of the one that wrote (NTP)")


def gone(connection: Connection, heads: Mapping[str, Head], seen: Mapping[str, Head]) -> Iterator[Problem]:
    """Incidents that were removed with everything they had. Of those that were seen, their chains tell."""
    missing = [name for name in missing_numbers(connection, heads) if name not in seen]
    if missing:
        message = f"{len(missing)} incidents were opened and are not there any more, the first is {missing[0]}"
        yield Problem(code="M124", message=message, do="nothing removes an incident but a hand; " + RESTORE)


def overdue(connection: Connection, now: datetime, late: timedelta) -> Iterator[Problem]:
    """Points that should have fired and have not, and open tasks past their limit whose last point never was."""
    timers, limit = table(TimerRow).c, text_of(now - late)
    missed = timers.fired_at.is_(None) & (timers.due_at <= limit)
    if number := connection.execute(select(func.count()).where(missed)).scalar():
        query = select(timers.incident, timers.about, timers.point, timers.due_at).where(missed)
        first = connection.execute(query.order_by(timers.due_at).limit(1)).one()
        message = f"{number} points have not fired; the oldest is {first.point} of {first.about} in {first.incident}"
        do = "see that `firedoor up` runs; its log says why a point cannot fire"
        yield Problem(code="M111", message=f"{message}, due {first.due_at}", do=do)
    tasks = table(TaskRow).c
    has_point = exists().where(
        (timers.incident == tasks.incident) & (timers.about == "task:" + tasks.id) & (timers.point == OVER)
    )
    lost = select(tasks.incident, tasks.id).where((tasks.state == "open") & (tasks.due_at <= limit) & ~has_point)
    for task in connection.execute(lost.limit(10)):
        message = f"{task.incident}: nobody will be told that the task {task.id} is overdue; its timer is gone"
        yield Problem(code="M112", message=message, do="answer the task; " + RESTORE)


def undriven(connection: Connection, now: datetime, limits: Limits) -> Iterator[Problem]:
    """Incidents with something to do that nobody does: no living driver, or one that does not get on."""
    drives, entries = table(DriveRow).c, table(EntryRow).c
    ripe, stuck = text_of(now - limits.late), text_of(now - limits.stuck)
    old, future = text_of(now - LEASE - limits.late), text_of(now + LEASE + limits.late)
    unowned, going_on = (
        or_(drives.owner == "", drives.beaten_at < old, drives.beaten_at > future),
        drives.ended.is_(False),
    )
    new = (drives.head_seq > drives.slept_seq) & going_on
    due = drives.wake_at.is_not(None) & (drives.wake_at <= ripe) & going_on
    last = and_(entries.incident == drives.incident, entries.seq == drives.head_seq)
    query = select(drives.incident, drives.owner, drives.beaten_at, entries.at)
    query = query.select_from(table(DriveRow)).join(table(EntryRow), last).order_by(drives.incident).limit(20)
    held = and_(drives.owner != "", entries.at <= stuck)
    # Two questions, each of an index of those with work: those that sleep are many.
    rows = [
        *connection.execute(query.where(new & or_(unowned & (entries.at <= ripe), held))),
        *connection.execute(query.where(due & unowned)),
    ]
    for row in {row.incident: row for row in rows}.values():
        who = f"{row.owner}, last heard of {row.beaten_at}" if row.owner else "nobody"
        message = f"{row.incident} has something to do since {row.at} and does not get on; driven by {who}"
        yield Problem(code="M113", message=message, do="see the log of `firedoor up`; start it again if it hangs")


def unheard(connection: Connection, limits: Limits) -> Iterator[Problem]:
    """Journals that have grown, while the number by which a driver is found has not: nobody would ever drive them."""
    drives, incidents = table(DriveRow).c, table(IncidentRow).c
    query = (
        select(incidents.id).outerjoin(table(DriveRow), drives.incident == incidents.id)
        .where(drives.head_seq.is_distinct_from(incidents.head_seq)).limit(limits.named)
    )  # fmt: skip
    for incident in connection.execute(query).scalars():
        message = f"{incident} has entries of which its drive does not know"
        yield Problem(code="M116", message=message, do="somebody else wrote into the database; " + RESTORE)


def aside(connection: Connection, limits: Limits) -> Iterator[Problem]:
    """Something of an incident could not be worked out, and nobody has dealt with it."""
    for task in what_is(connection, limits.named):
        named = f"{task['incident']} (practice)" if task["practice"] else task["incident"]
        message = f"{named} is set aside, T{task['number']}: {task['question'][:300]}"
        yield Problem(code="M119", message=message, do=f"`firedoor status {task['incident']}`; answer the task")


def part(look: Callable[[], Iterable[Problem]]) -> list[Problem]:
    """What one part finds. One that raises over a single bad row is told, and blinds none of the others."""
    try:
        return list(look())
    except SQLAlchemyError:
        raise  # the database itself: nothing else can be looked at either
    except Exception as error:  # noqa: BLE001 - whatever it is, the other parts look
        message = f"a part of the audit cannot look: {fault_of(error).words}"
        return [Problem(code="M101", message=message, do="see `firedoor journal verify`")]


def unanswered(connection: Connection, now: datetime, limits: Limits) -> Iterator[Problem]:
    """Questions whose time is over and behind which a door stays open: nobody answers, and nothing is closed."""
    tasks = table(TaskRow).c
    over = (tasks.state == "open") & (tasks.due_at <= text_of(now - limits.late))
    incidents = table(IncidentRow)
    query = select(tasks.incident, tasks.id, incidents.c.practice).join(incidents, incidents.c.id == tasks.incident)
    for row in connection.execute(query.where(over).order_by(tasks.due_at).limit(limits.named)):
        named = f"{row.incident} (practice)" if row.practice else str(row.incident)
        try:
            late = late_question(connection, row.incident, row.id)
        except SQLAlchemyError:
            raise
        except Exception as error:  # noqa: BLE001 - what cannot be read may hold up a closing
            what = f"{named}: a question is late, and what it holds up cannot be read"
            message = f"{what}: {fault_of(error).words}"
            yield Problem(code="M120", message=message, do=f"`firedoor journal verify {row.incident}`; call its people")
            continue
        if late is not None:
            task, doors = late
            asked = " or ".join(sorted(task.roles))
            what = f"{named}: nobody answers T{task.number} ({asked}), due {task.due_at}"
            message = f"{what}; it holds up: {doors}"
            do = f"call one of them; in need, answer `{row.incident} T{task.number}` with --break-glass"
            yield Problem(code="M120", message=message, do=do)


def unlooked(connection: Connection, now: datetime, limits: Limits) -> Iterator[Problem]:
    """Held targets that nobody looks at: they could serve again unseen. Late looks, and looks that show nothing."""
    holds, late = table(HoldRow).c, text_of(now - limits.unlooked)
    query = select(holds.incident, holds.target, holds.seen_at, holds.next_look).limit(limits.named)
    for row in connection.execute(query.where(holds.next_look <= late).order_by(holds.next_look)):
        message = f"{row.incident} holds {row.target} closed, and nobody looks: a look is due since {row.next_look}"
        yield Problem(code="M117", message=message, do="see that `firedoor up` runs; verify the target by hand")
    # A look is on time and changes nothing: whoever takes it dies or fails each time, before it sees anything.
    for every in connection.execute(select(holds.every).distinct()).scalars():
        unseen = holds.seen_at <= text_of(now - timedelta(seconds=every) - CLAIM - limits.unlooked)
        stale = (holds.every == every) & (holds.state == "held") & (holds.next_look > late) & unseen
        for row in connection.execute(query.where(stale).order_by(holds.seen_at)):
            message = f"{row.incident} counts {row.target} as closed, and no look has shown it since {row.seen_at}"
            yield Problem(code="M118", message=message, do="see why in the log of `firedoor up`; verify it by hand")


def silent(connection: Connection, now: datetime, limits: Limits) -> Iterator[Problem]:
    """No process watches, or none recovers: the silence that nobody hears."""
    pulses = table(PulseRow).c
    newest = connection.execute(select(func.max(pulses.watched_at), func.max(pulses.recovered_at))).one()
    for code, what, at in (
        ("M114", "watches the deadlines", newest[0]),
        ("M115", "takes over what is left", newest[1]),
    ):
        if not at or at < text_of(now - limits.silent):
            since = f" since {at}" if at else ""
            yield Problem(code=code, message=f"no process {what}{since}", do="start `firedoor up`, or restart it")
        elif at > text_of(now + limits.skew):
            message = f"a process looked at {at}, and here it is {text_of(now)}"
            yield Problem(code="M132", message=message, do="set the clocks of both machines (NTP)")
