"""What of the journal is told to people: rows of the outbox, written in the transaction of the entries themselves.

Decides which entries are told of, and that a rebuild of the projections announces nothing: what has left has left.
Leaves whom they go to, and sending, to `deliveries` and the runtime.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from sqlalchemy import Connection, Engine, insert

from firedoor.core.journal import Entry, Kind
from firedoor.store.database.sql import table
from firedoor.store.database.tables import DeliveryRow

ANNOUNCING = "firedoor_announce"
STATE_KINDS = frozenset((
    Kind.OPENED, Kind.STATE, Kind.READERS, Kind.TASK_OPENED, Kind.TASK_ANSWERED, Kind.TASK_ESCALATED,
    Kind.TASK_REASSIGNED, Kind.CLOCK_STARTED, Kind.CLOCK_CHANGED, Kind.CLOCK_MISSED, Kind.CLOCK_SUBMITTED,
    Kind.CLOCK_WAIVED, Kind.RUN_ABORTED, Kind.SKIPPED, Kind.FAULT_MENDED,
))  # fmt: skip
WORDS: dict[str, str] = {Kind.GLASS_BROKEN: "glass:", Kind.DRIFTED: "drifted:", Kind.UNSEEN: "unseen:"}


def switch_on(engine: Engine) -> None:
    """Have every append through this engine announce what it says. Without it nothing is kept for anybody."""
    engine.update_execution_options(**{ANNOUNCING: True})


def announce(connection: Connection, entries: Iterable[Entry]) -> None:
    """Queue what these entries of one append say, for whoever is to be told. In the append's own transaction."""
    rows: list[dict[str, object]] = []
    why: tuple[str, str] | None = None  # what the next message puts into words
    changed: Entry | None = None
    for entry in entries:
        changed = entry if entry.kind in STATE_KINDS else changed
        match entry.kind:
            case Kind.TASK_OPENED:
                rows.append(_row(entry, "task", f"task:{entry.body['task']}", [entry.body["role"]]))
            case Kind.REMINDED:
                why = ("reminder", entry.body["about"])
            case Kind.TASK_ESCALATED:
                why = ("escalation", f"task:{entry.body['task']}")
            case Kind.TASK_REASSIGNED:
                why = ("message", f"task:{entry.body['task']}")
            case Kind.GLASS_BROKEN | Kind.DRIFTED | Kind.UNSEEN:
                why = ("message", WORDS[entry.kind])
            case Kind.MESSAGE:
                kind, about = why or ("message", f"op:{entry.body['op']}" if entry.body.get("op") else "")
                rows.append(_row(entry, kind, about, entry.body["to"]))
                why = None
    if changed is not None:
        rows.append(_row(changed, "state", "", []))
    if rows:
        connection.execute(insert(table(DeliveryRow)), rows)


def handle_of(key: str) -> str:
    """What stands for a key where others read along: the same each time, and it says nothing."""
    return hashlib.sha256(b"firedoor.delivery.v1\n" + key.encode()).hexdigest()[:32]


def _row(entry: Entry, kind: str, about: str, roles: Iterable[str]) -> dict[str, object]:
    key = f"{entry.incident}:{entry.seq}:{kind}"
    return {
        "key": key, "handle": handle_of(key), "incident": entry.incident, "seq": entry.seq, "kind": kind,
        "about": about, "roles": ",".join(dict.fromkeys(roles)), "messenger": "", "address": "", "state": "new",
        "made_at": entry.at, "next_at": entry.at, "attempts": 0, "owner": "", "problem": "", "reference": "",
    }  # fmt: skip
