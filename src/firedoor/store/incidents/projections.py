"""The projections: rows that answer questions quickly, kept in the same transaction as the journal.

Decides what each entry means for the rows. The same function serves an append
and a rebuild, so the two cannot disagree. Leaves the meaning of entries for
what happens next to `core.view`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, exists, insert, select, update

from firedoor.core.access.need_to_know import readers_of
from firedoor.core.clocks.clock import reminder_points
from firedoor.core.clocks.extensions import clock_said
from firedoor.core.entries.law import ClockBody, ClockChanged, ClockStarted
from firedoor.core.entries.reading import body_of
from firedoor.core.incident.view import LIST, LISTED, RESCUE
from firedoor.core.journal import Entry, Kind
from firedoor.core.severity import UNSAID
from firedoor.core.tasks.reminders import AFTER, OVER, next_point, task_points
from firedoor.store.database.result_tables import FigureRow
from firedoor.store.database.sql import Where, table, text_of
from firedoor.store.database.tables import ClockRow, EvidenceRow, HoldRow, IncidentRow, MessageRow, TaskRow, TimerRow
from firedoor.store.incidents import hold_rows

Handler = Callable[[Connection, Entry], None]
OF_ONE_INCIDENT = (TaskRow, ClockRow, TimerRow, HoldRow, MessageRow, EvidenceRow, FigureRow)


def project(connection: Connection, entries: Iterable[Entry]) -> None:
    """Take entries into the rows."""
    for entry in entries:
        handler = HANDLERS.get(entry.kind)
        if handler:
            handler(connection, entry)


def forget(connection: Connection, incident: str) -> None:
    """Remove the projected rows of an incident, before they are rebuilt."""
    for row in OF_ONE_INCIDENT:
        connection.execute(delete(table(row)).where(table(row).c.incident == incident))


def _set_incident(connection: Connection, entry: Entry, **values: object) -> None:
    connection.execute(update(table(IncidentRow)).where(table(IncidentRow).c.id == entry.incident).values(**values))


def _planned(connection: Connection, entry: Entry) -> None:
    body = entry.body
    _set_incident(connection, entry, playbook=body["playbook"], version=body["version"], plan_digest=body["digest"])


def _facts(connection: Connection, entry: Entry) -> None:
    if "severity" in entry.body["values"]:
        _set_incident(connection, entry, severity=entry.body["values"]["severity"] or UNSAID)


def _state(connection: Connection, entry: Entry) -> None:
    ended = entry.body["state"] in ("closed", "dismissed")
    _set_incident(connection, entry, state=entry.body["state"], closed_at=entry.at if ended else None)
    if ended:
        tasks, timers = table(TaskRow), table(TimerRow)
        open_tasks = (tasks.c.incident == entry.incident) & (tasks.c.state == "open")
        connection.execute(update(tasks).where(open_tasks).values(state="withdrawn"))
        connection.execute(delete(timers).where((timers.c.incident == entry.incident) & timers.c.fired_at.is_(None)))


def _task_opened(connection: Connection, entry: Entry) -> None:
    body = entry.body
    tasks = table(TaskRow)
    one = (tasks.c.incident == entry.incident) & (tasks.c.id == body["task"])
    number = connection.execute(select(tasks.c.number).where(one)).scalar()
    connection.execute(delete(tasks).where(one))  # asked again after its clock had ended
    if number is None:
        number = len(connection.execute(select(tasks.c.id).where(tasks.c.incident == entry.incident)).all()) + 1
    connection.execute(
        insert(tasks).values(
            incident=entry.incident, id=body["task"], number=number, kind=body["kind"], role=body["role"],
            question=body["question"], due_at=text_of(datetime.fromisoformat(body["due_at"])), opened_at=entry.at,
            state="open", clock=body.get("clock"),
        )
    )  # fmt: skip
    points = task_points(entry.instant, datetime.fromisoformat(body["due_at"]))
    _add_timers(connection, entry.incident, f"task:{body['task']}", points)


def _task_answered(connection: Connection, entry: Entry) -> None:
    hold_rows.answered(connection, entry)
    if not entry.body.get("decides", True):
        return
    tasks = table(TaskRow)
    one = (tasks.c.incident == entry.incident) & (tasks.c.id == entry.body["task"])
    connection.execute(update(tasks).where(one).values(state="decided", choice=entry.body["choice"]))
    _drop_timers(connection, entry.incident, f"task:{entry.body['task']}")


def _readers(connection: Connection, entry: Entry) -> None:
    readers = readers_of(entry.body)
    _set_incident(connection, entry, readers=None if readers is None else readers.written())


def _settled(connection: Connection, entry: Entry) -> None:
    """Nobody is asked any longer about an operation that was settled otherwise."""
    columns, op = table(TaskRow).c, entry.body["op"]
    about = columns.id.in_((op, f"{LIST}:{op}")) | columns.id.startswith(f"{RESCUE}{op}#", autoescape=True)
    _withdraw(connection, entry.incident, about)


def _finished(connection: Connection, entry: Entry) -> None:
    result = entry.body.get("result", {})
    if result.get("by_hand") or LISTED in result:
        _settled(connection, entry)
    hold_rows.finished(connection, entry)


def _aborted(connection: Connection, entry: Entry) -> None:
    _withdraw(connection, entry.incident, table(TaskRow).c.id.in_(entry.body["withdraws"]))


def _mended(connection: Connection, entry: Entry) -> None:
    """Nobody is asked any longer about what was set aside and can be worked out again."""
    _withdraw(connection, entry.incident, table(TaskRow).c.id == entry.body.get("task", ""))


def _withdraw(connection: Connection, incident: str, which: Where) -> None:
    tasks = table(TaskRow)
    open_ones = (tasks.c.incident == incident) & (tasks.c.state == "open") & which
    for row in connection.execute(select(tasks.c.id).where(open_ones)).all():
        _drop_timers(connection, incident, f"task:{row.id}")
    connection.execute(update(tasks).where(open_ones).values(state="withdrawn"))


def _task_escalated(connection: Connection, entry: Entry) -> None:
    tasks = table(TaskRow)
    one = (tasks.c.incident == entry.incident) & (tasks.c.id == entry.body["task"])
    connection.execute(update(tasks).where(one).values(role=entry.body["role"]))


def _clock_started(connection: Connection, entry: Entry) -> None:
    body = body_of(entry, ClockStarted)
    connection.execute(
        insert(table(ClockRow)).values(
            incident=entry.incident, id=body["id"], duty=body["duty"], title=body["title"], authority=body["authority"],
            state=body["state"], due_at=_due(body),
        )
    )  # fmt: skip
    _add_timers(connection, entry.incident, f"clock:{body['id']}", reminder_points(clock_said(body)))


def _clock_changed(connection: Connection, entry: Entry) -> None:
    body = body_of(entry, ClockChanged)
    clocks = table(ClockRow)
    one = (clocks.c.incident == entry.incident) & (clocks.c.id == body["id"])
    connection.execute(update(clocks).where(one).values(state=body["state"], due_at=_due(body)))
    _drop_timers(connection, entry.incident, f"clock:{body['id']}")
    if body["state"] in ("running", "provisional", "extended", "paused"):
        _add_timers(connection, entry.incident, f"clock:{body['id']}", reminder_points(clock_said(body)))
    _withdraw_changes(connection, entry.incident, body["id"])


def _withdraw_changes(connection: Connection, incident: str, clock: str) -> None:
    """Whoever was asked to change a clock as it was is asked no longer."""
    tasks = table(TaskRow)
    one = (tasks.c.incident == incident) & (tasks.c.clock == clock)
    proposed = one & (tasks.c.kind == "clock") & (tasks.c.state == "open")
    for row in connection.execute(select(tasks.c.id).where(proposed)).all():
        _drop_timers(connection, incident, f"task:{row.id}")
    connection.execute(update(tasks).where(proposed).values(state="withdrawn"))


def _clock_state(state: str) -> Handler:
    def handler(connection: Connection, entry: Entry) -> None:
        clocks = table(ClockRow)
        one = (clocks.c.incident == entry.incident) & (clocks.c.id == entry.body["id"])
        settled = {} if state == "missed" else {"settled_at": entry.at}
        unsettled = clocks.c.settled_at.is_(None)
        connection.execute(update(clocks).where(one & unsettled).values(state=state, **settled))
        if state != "missed":
            _drop_timers(connection, entry.incident, f"clock:{entry.body['id']}")
            _withdraw_changes(connection, entry.incident, entry.body["id"])

    return handler


def _reminded(connection: Connection, entry: Entry) -> None:
    timers = table(TimerRow)
    one = (
        (timers.c.incident == entry.incident)
        & (timers.c.about == entry.body["about"])
        & (timers.c.point == entry.body["point"])
    )
    connection.execute(update(timers).where(one).values(fired_at=entry.at))
    _go_on(connection, entry)


def _go_on(connection: Connection, entry: Entry) -> None:
    """The next point of a task whose time is over: it is written when the one before it has fired."""
    kind, _, name = str(entry.body["about"]).partition(":")
    tasks = table(TaskRow).c
    open_one = (tasks.incident == entry.incident) & (tasks.id == name) & (tasks.state == "open")
    task = connection.execute(select(tasks.opened_at, tasks.due_at).where(open_one)).first() if kind == "task" else None
    if task is not None:
        _add_next(
            connection, entry.incident, name, (task.opened_at, task.due_at), str(entry.body["point"]), entry.instant
        )


def _add_next(
    connection: Connection, incident: str, name: str, times: tuple[str, str], fired: str, now: datetime
) -> None:
    opened, due = (datetime.fromisoformat(time) for time in times)  # of a task: when it was asked, until when
    point = next_point(opened, due, fired, now)
    _add_timers(connection, incident, f"task:{name}", [point] if point else [])


def take_up_reminders(connection: Connection, now: datetime) -> None:
    """Give every open task whose time is over its next point, where a database of before knows of none."""
    tasks, timers = table(TaskRow).c, table(TimerRow).c
    same = (timers.incident == tasks.incident) & (timers.about == "task:" + tasks.id)
    over = exists().where(same & (timers.point == OVER) & timers.fired_at.is_not(None))
    waits = exists().where(same & (timers.fired_at.is_(None) | timers.point.startswith(AFTER, autoescape=True)))
    query = select(tasks.incident, tasks.id, tasks.opened_at, tasks.due_at)
    for task in connection.execute(query.where((tasks.state == "open") & over & ~waits)).all():
        _add_next(connection, task.incident, task.id, (task.opened_at, task.due_at), OVER, now)


def _message(connection: Connection, entry: Entry) -> None:
    body = entry.body
    rows = [
        {
            "incident": entry.incident,
            "seq": entry.seq,
            "role": role,
            "at": entry.at,
            "subject": body["subject"],
            "text": body["text"],
        }
        for role in dict.fromkeys(body["to"])
    ]
    connection.execute(insert(table(MessageRow)), rows)


def _evidence(connection: Connection, entry: Entry) -> None:
    body = entry.body
    connection.execute(
        insert(table(EvidenceRow)).values(
            incident=entry.incident,
            seq=entry.seq,
            name=body["name"],
            sha256=body["sha256"],
            size=body["size"],
            kept_at=entry.at,
        )
    )


def _due(body: ClockBody) -> str | None:
    due = body.get("due")
    return text_of(datetime.fromisoformat(due)) if due else None


def _add_timers(connection: Connection, incident: str, about: str, points: Iterable[tuple[str, datetime]]) -> None:
    """Add the points that are not there yet. One that has fired stays fired, unless its limit moved to later."""
    timers = table(TimerRow)
    one = (timers.c.incident == incident) & (timers.c.about == about)
    known = {row.point: row.due_at for row in connection.execute(select(timers.c.point, timers.c.due_at).where(one))}
    wanted = {point: text_of(due) for point, due in points}
    for point, due in wanted.items():
        if known.get(point, due) < due:
            connection.execute(update(timers).where(one & (timers.c.point == point)).values(due_at=due, fired_at=None))
    rows = [
        {"incident": incident, "about": about, "point": point, "due_at": due}
        for point, due in wanted.items()
        if point not in known
    ]
    if rows:
        connection.execute(insert(timers), rows)


def _drop_timers(connection: Connection, incident: str, about: str) -> None:
    timers = table(TimerRow)
    one = (timers.c.incident == incident) & (timers.c.about == about) & timers.c.fired_at.is_(None)
    connection.execute(delete(timers).where(one))


HANDLERS: Mapping[str, Handler] = {
    Kind.PLANNED: _planned,
    Kind.FACTS: _facts,
    Kind.STATE: _state,
    Kind.READERS: _readers,
    Kind.TASK_OPENED: _task_opened,
    Kind.TASK_ANSWERED: _task_answered,
    Kind.TASK_ESCALATED: _task_escalated,
    Kind.SKIPPED: _settled,
    Kind.FINISHED: _finished,
    Kind.REDONE: _settled,
    Kind.RUN_ABORTED: _aborted,
    Kind.FAULT_MENDED: _mended,
    Kind.TASK_REASSIGNED: _task_escalated,
    Kind.CLOCK_STARTED: _clock_started,
    Kind.CLOCK_CHANGED: _clock_changed,
    Kind.CLOCK_MISSED: _clock_state("missed"),
    Kind.CLOCK_SUBMITTED: _clock_state("submitted"),
    Kind.CLOCK_WAIVED: _clock_state("waived"),
    Kind.REMINDED: _reminded,
    Kind.MESSAGE: _message,
    Kind.EVIDENCE: _evidence,
    Kind.STARTED: hold_rows.started,
    Kind.FAILED: hold_rows.failed,
    Kind.HELD: hold_rows.held,
    Kind.DRIFTED: hold_rows.drifted,
    Kind.UNSEEN: hold_rows.unseen,
    Kind.HOLD_ENDED: hold_rows.ended,
}
