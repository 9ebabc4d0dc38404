"""The rows of held targets, kept in the same transaction as the journal: when each is looked at next.

Decides what each entry means for the row. Leaves the meaning of a hold to `core.holds`,
and who looks when to `store.holds`.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, delete, insert, update

from firedoor.core.incident.hold_record import EVERY
from firedoor.core.incident.holds import TASKS, again_of
from firedoor.core.journal import Entry
from firedoor.store.database.sql import table
from firedoor.store.database.tables import HoldRow, TaskRow, TimerRow

_holds = table(HoldRow)
_tasks = table(TaskRow)
_timers = table(TimerRow)


def finished(connection: Connection, entry: Entry) -> None:
    """A suspension that is proved is held from then on; one that was opened is not any more."""
    result = entry.body.get("result", {})
    target = result.get("target")
    if not target or result.get("by_hand"):
        return
    if result.get("doors"):
        every = (result.get("hold") or {}).get("every", EVERY)
        _hold(connection, entry, target, every)
    elif result.get("receipts") or result.get("released"):
        _end(connection, entry.incident, target)


def started(connection: Connection, entry: Entry) -> None:
    """A target is being closed again, or opened after its incident."""
    again = again_of(entry.body["op"])
    if again:
        _set_of_op(connection, entry.incident, again[0], "closing" if again[1] == "close" else "opening")


def failed(connection: Connection, entry: Entry) -> None:
    """It could not be closed again, or not be opened."""
    again = again_of(entry.body["op"])
    if again:
        _set_of_op(connection, entry.incident, again[0], "drifted" if again[1] == "close" else "held")


def drifted(connection: Connection, entry: Entry) -> None:
    """It serves again."""
    _set(connection, entry, state="drifted", drifts=_holds.c.drifts + 1)


def unseen(connection: Connection, entry: Entry) -> None:
    """Nothing shows whether it is closed."""
    _set(connection, entry, state="unseen")


def held(connection: Connection, entry: Entry) -> None:
    """It was seen closed."""
    _set(connection, entry, state="held", seen_at=entry.at)
    _withdraw(connection, entry.incident, entry.body["target"])


def ended(connection: Connection, entry: Entry) -> None:
    """It is not held any more."""
    _end(connection, entry.incident, entry.body["target"])


def answered(connection: Connection, entry: Entry) -> None:
    """A person decided about a held target: that is looked at now."""
    front, _, rest = entry.body["task"].partition(":")
    if front in TASKS and entry.body.get("decides", True):
        one = (_holds.c.incident == entry.incident) & (_holds.c.target == rest.rpartition("#")[0])
        connection.execute(update(_holds).where(one).values(next_look=entry.at))


def _hold(connection: Connection, entry: Entry, target: str, every: int) -> None:
    again = again_of(entry.body["op"])
    one = (_holds.c.incident == entry.incident) & (_holds.c.target == target)
    values: dict[str, object] = {"state": "held", "seen_at": entry.at}
    if again is None:
        due = (entry.instant + timedelta(seconds=every)).isoformat(timespec="microseconds")
        values |= {"op": entry.body["op"], "every": every, "since": entry.at, "next_look": due}
    if connection.execute(update(_holds).where(one).values(**values)).rowcount:
        _withdraw(connection, entry.incident, target)
    elif again is None:
        connection.execute(insert(_holds).values(incident=entry.incident, target=target, looks=0, drifts=0, **values))


def _end(connection: Connection, incident: str, target: str) -> None:
    connection.execute(delete(_holds).where((_holds.c.incident == incident) & (_holds.c.target == target)))
    _withdraw(connection, incident, target)


def _set(connection: Connection, entry: Entry, **values: object) -> None:
    one = (_holds.c.incident == entry.incident) & (_holds.c.target == entry.body["target"])
    connection.execute(update(_holds).where(one).values(**values))


def _set_of_op(connection: Connection, incident: str, op: str, state: str) -> None:
    one = (_holds.c.incident == incident) & (_holds.c.op == op)
    connection.execute(update(_holds).where(one).values(state=state))


def _withdraw(connection: Connection, incident: str, target: str) -> None:
    """Nobody is asked any longer about what is closed again, or held no more."""
    fronts = tuple(f"{kind}:{target}#" for kind in sorted(TASKS))
    about = _tasks.c.id.startswith(fronts[0], autoescape=True) | _tasks.c.id.startswith(fronts[1], autoescape=True)
    open_ones = (_tasks.c.incident == incident) & (_tasks.c.state == "open") & about
    closed = connection.execute(update(_tasks).where(open_ones).values(state="withdrawn").returning(_tasks.c.id)).all()
    for row in closed:
        unfired = (
            (_timers.c.incident == incident) & (_timers.c.about == f"task:{row.id}") & _timers.c.fired_at.is_(None)
        )
        connection.execute(delete(_timers).where(unfired))
