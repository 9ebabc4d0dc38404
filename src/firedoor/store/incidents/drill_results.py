"""The last result of every drill that was run from a page, for every process of this house.

Decides that a later run takes the place of an earlier one, whichever process ran it. Leaves rehearsing to the runtime.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from firedoor.store.database.result_tables import DrillResultRow
from firedoor.store.database.sql import Record, table, text_of
from firedoor.store.incidents.journal import Store


@dataclass(frozen=True, slots=True)
class DrillRun:
    """What came of one drill: when, who started it, and the digest of the plan that was rehearsed."""

    playbook: str
    drill: str
    version: str
    plan_digest: str
    at: datetime
    person: str
    passed: bool
    mismatches: tuple[str, ...]
    entries: int
    state: str
    story: tuple[str, ...]


def keep_drill(store: Store, run: DrillRun) -> None:
    """Keep a result. One that was kept of a later run stays: two processes may finish in another order."""
    values: dict[str, object] = {
        "playbook": run.playbook, "drill": run.drill, "version": run.version, "plan_digest": run.plan_digest,
        "at": text_of(run.at), "person": run.person, "passed": run.passed, "entries": run.entries, "state": run.state,
        "mismatches": orjson.dumps(run.mismatches).decode(), "story": orjson.dumps(run.story).decode(),
    }  # fmt: skip

    def write(connection: Connection) -> None:
        insert = postgresql_insert if connection.dialect.name == "postgresql" else sqlite_insert
        query = insert(table(DrillResultRow)).values(**values)
        changed = {name: query.excluded[name] for name in values if name not in ("playbook", "drill")}
        earlier = table(DrillResultRow).c.at <= query.excluded["at"]
        keys = ["playbook", "drill"]
        connection.execute(query.on_conflict_do_update(index_elements=keys, set_=changed, where=earlier))

    store.writer.submit(write).result()


def drills_kept(store: Store, playbook: str | None = None) -> list[DrillRun]:
    """The last results, by playbook and drill; of one playbook, or of all."""
    columns = table(DrillResultRow).c
    where = None if playbook is None else columns.playbook == playbook
    order = columns.playbook.concat("/").concat(columns.drill)
    return [_run(row) for row in store.rows(DrillResultRow, where, order, None)]


def _run(row: Record) -> DrillRun:
    lists = {name: tuple(orjson.loads(row[name])) for name in ("mismatches", "story")}
    return DrillRun(**{**row, **lists, "at": datetime.fromisoformat(row["at"])})
