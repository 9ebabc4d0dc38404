"""The store: incidents and their journals, alerts, plans, drivers and tokens in one database.

Decides what is one transaction. An append checks the chain's head (and the
driver's token, when a driver appends), writes the entries and updates the
projections, or does nothing at all. Leaves what the entries say to the core, and
when to write to the runtime; `now` is an argument.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime

import orjson
from sqlalchemy import Connection, Engine, Executable, bindparam, insert, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlmodel import SQLModel

from firedoor.core.access.security import CHAIN, of_incidents
from firedoor.core.canonical import canonical
from firedoor.core.content.people_words import check_words
from firedoor.core.journal import Body, Draft, Entry, Fault, Head, Kind, chain, genesis
from firedoor.core.playbook.plan import Plan
from firedoor.core.problems import NotFound, Problem, Refused
from firedoor.store.database.engine import Result, Writer, open_engine
from firedoor.store.database.keyring import Keys, no_keys
from firedoor.store.database.sql import Order, Record, Where, as_record, table, text_of
from firedoor.store.database.tables import AlertRow, CounterRow, DriveRow, EntryRow, IncidentRow, PlanRow
from firedoor.store.incidents import announcements, projections, security
from firedoor.store.incidents.alert_rows import Accepted, Attachment, NewAlert, content_of, known_alert, same_alert
from firedoor.store.incidents.starts import need_new
from firedoor.store.incidents.verification import entry_of, verify_stored


class Conflict(Exception):
    """The journal has grown since it was read; nothing was written."""


class LostLease(Exception):
    """Another driver has taken the incident over; nothing was written."""


@dataclass(frozen=True, slots=True)
class NewIncident:
    """What opens an incident. `drafts` begin with `incident.opened`."""

    type: str
    title: str
    severity: str
    playbook: str
    actor: str
    drafts: tuple[Draft, ...]
    flow_run_id: str | None = None  # the Prefect run that opened it, if one did
    owner: str = ""  # the process that drives it from the first entry on
    practice: bool = False
    mark: str = ""  # by which the same start is recognised, see `starts`


class Store:
    """One database. Reads are direct; writes go through the process's writer and return futures."""

    def __init__(self, url: str, keys: Keys = no_keys) -> None:
        self.keys = keys  # what seals secrets in this database, and is not in it
        self.engine: Engine = open_engine(url)
        self.writer = Writer(self.engine)
        self._plans: dict[str, Plan] = {}

    def close(self) -> None:
        """Finish writing and close."""
        self.writer.close()
        self.engine.dispose()

    # -- writing ---------------------------------------------------------------------------------

    def append(
        self, incident: str, drafts: Sequence[Draft], now: datetime, *, expect: int | None = None,
        token: int | None = None,
    ) -> Future[tuple[Entry, ...]]:  # fmt: skip
        """Append entries. The future fails with Conflict or LostLease when the world has moved on."""
        check_words(drafts)
        return self.writer.submit(lambda connection: _append(connection, incident, drafts, now, expect, token))

    def open_incident(self, new: NewIncident, now: datetime, alert: int | None = None) -> Future[tuple[Entry, ...]]:
        """Open an incident with its first entries and, where an owner is named, its driver.

        With `alert` it is opened for that stored alert; the future fails with Refused when that one has an incident,
        and with StartedBefore where the same start has opened one.
        """
        check_words(new.drafts)
        return self.writer.submit(lambda connection: _open_for(connection, new, now, alert))

    def accept_alert(
        self, alert: NewAlert, new: NewIncident | None, now: datetime, attach: Attachment | None = None
    ) -> Future[Accepted]:
        """Store an alert and, unless it is known already, open its incident or attach it, in one transaction."""
        return self.writer.submit(lambda connection: _accept(connection, alert, new, now, attach))

    def keep_plan(self, plan: Plan, now: datetime) -> str:
        """Store a plan under its digest, once. Returns the digest."""
        digest = plan.digest
        if digest not in self._plans:
            body = canonical(plan.model_dump(mode="json")).decode()
            values = {
                "digest": digest, "playbook": plan.playbook, "version": plan.version, "body": body,
                "stored_at": text_of(now),
            }  # fmt: skip
            self.writer.submit(lambda connection: _insert_new(connection, PlanRow, values, ["digest"])).result()
            self._plans[digest] = plan
        return digest

    def rebuild(self, incident: str) -> Future[None]:
        """Make the projections of an incident anew from its journal."""
        return self.writer.submit(lambda connection: _rebuild(connection, incident))

    def write(self, action: Callable[[Connection], Result]) -> Future[Result]:
        """Run another write (drivers, tokens) in the writer."""
        return self.writer.submit(action)

    def execute(self, statement: Executable) -> Future[None]:
        """Run one statement in the writer."""

        def write(connection: Connection) -> None:
            connection.execute(statement)

        return self.writer.submit(write)

    # -- reading ---------------------------------------------------------------------------------

    def entries(self, incident: str, after: int = 0, limit: int | None = None) -> list[Entry]:
        """The journal of an incident, or what was added after an entry; at most so many."""
        asked = {"incident_": incident, "after_": after}
        with self.engine.connect() as connection:
            # All at once, and apart: a long journal is read in half of the time that row by row and name by name takes.
            rows = connection.execute(_READ if limit is None else _READ.limit(limit), asked).all()
        try:
            return [Entry(*row[:5], orjson.loads(row[5]), *row[6:]) for row in rows]
        except orjson.JSONDecodeError:  # one was altered by hand: `journal verify` says so, and the rest is read
            return [Entry(*row[:5], _body(row[5]), *row[6:]) for row in rows]

    def plan(self, digest: str) -> Plan:
        """A stored plan. Raises NotFound."""
        if digest not in self._plans:
            with self.engine.connect() as connection:
                body = connection.execute(
                    select(table(PlanRow).c.body).where(table(PlanRow).c.digest == digest)
                ).scalar()
            if body is None:
                raise NotFound(
                    Problem(
                        code="S102",
                        message=f"no plan with the digest {digest[:12]} is stored",
                        do="restore the backup that holds it",
                    )
                )
            if hashlib.sha256(body.encode()).hexdigest() != digest:  # a plan that was altered must never be performed
                message = f"the stored plan {digest[:12]} was altered"
                raise Refused(Problem(code="S106", message=message, do="restore the backup that holds it"))
            self._plans[digest] = Plan.model_validate_json(body)
        return self._plans[digest]

    def plan_at_hand(self, digest: str) -> Plan | None:
        """A plan that this process has used before; None when it must be read."""
        return self._plans.get(digest)

    def incident(self, incident: str) -> Record:
        """One line of the incident list. Raises NotFound."""
        rows = self.rows(IncidentRow, table(IncidentRow).c.id == incident)
        if not rows:
            raise NotFound(
                Problem(code="S103", message=f"there is no incident {incident}", do="`firedoor incidents` lists them")
            )
        return rows[0]

    def rows(
        self, row: type[SQLModel], where: Where | None = None, order: Order | None = None, limit: int | None = 1000
    ) -> list[Record]:
        """Rows of a table as mappings; `limit` None is all of them."""
        query = select(table(row)).limit(limit)
        if where is not None:
            query = query.where(where)
        if order is not None:
            query = query.order_by(*order) if isinstance(order, tuple) else query.order_by(order)
        with self.engine.connect() as connection:
            return [as_record(found) for found in connection.execute(query)]

    def verify(self, incident: str | None = None) -> Iterator[tuple[str, int, Fault | None]]:
        """Verify one chain or all, yielding (incident, entries, fault or None)."""
        if incident is not None and incident != CHAIN:
            self.incident(incident)
        yield from verify_stored(self.engine, incident)


def _body(written: str) -> Body:
    try:
        body = orjson.loads(written)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}


# What every append and every reading asks and says, built once: building them anew took as long as the answer.
_ENTRIES = insert(table(EntryRow))
_OWN = table(EntryRow).c
_READ = (
    select(_OWN.incident, _OWN.seq, _OWN.at, _OWN.kind, _OWN.actor, _OWN.body, _OWN.prev, _OWN.hash)
    .where((_OWN.incident == bindparam("incident_")) & (_OWN.seq > bindparam("after_"))).order_by(_OWN.seq)
)  # fmt: skip
_HEAD = (
    select(table(IncidentRow).c.head_seq, table(IncidentRow).c.head_hash)
    .where(table(IncidentRow).c.id == bindparam("incident_")).with_for_update()
)  # fmt: skip
_TOKEN = select(table(DriveRow).c.token).where(table(DriveRow).c.incident == bindparam("incident_"))
_MOVED = (
    update(table(IncidentRow)).where(table(IncidentRow).c.id == bindparam("incident_"))
    .values(head_seq=bindparam("seq_"), head_hash=bindparam("hash_"))
)  # fmt: skip
_GROWN = (
    update(table(DriveRow)).where(table(DriveRow).c.incident == bindparam("incident_"))
    .values(head_seq=bindparam("seq_"))
)  # fmt: skip


def _append(
    connection: Connection, incident: str, drafts: Sequence[Draft], now: datetime, expect: int | None, token: int | None
) -> tuple[Entry, ...]:
    head = connection.execute(_HEAD, {"incident_": incident}).one_or_none()
    if head is None:
        raise NotFound(
            Problem(code="S103", message=f"there is no incident {incident}", do="`firedoor incidents` lists them")
        )
    if expect is not None and head.head_seq != expect:
        raise Conflict(incident)
    if token is not None and connection.execute(_TOKEN, {"incident_": incident}).scalar() != token:
        raise LostLease(incident)
    entries = chain(incident, Head(head.head_seq, head.head_hash), drafts, now)
    _write(connection, incident, entries)
    return entries


def _write(connection: Connection, incident: str, entries: Sequence[Entry]) -> None:
    if not entries:
        return
    rows = [
        {
            "incident": e.incident, "seq": e.seq, "at": e.at, "kind": e.kind, "actor": e.actor,
            "body": canonical(e.body).decode(), "prev": e.prev, "hash": e.hash,
        }
        for e in entries
    ]  # fmt: skip
    connection.execute(_ENTRIES, rows)
    last = entries[-1]
    connection.execute(_MOVED, {"incident_": incident, "seq_": last.seq, "hash_": last.hash})
    connection.execute(_GROWN, {"incident_": incident, "seq_": last.seq})
    projections.project(connection, entries)
    if connection.get_execution_options().get(announcements.ANNOUNCING):
        announcements.announce(connection, entries)
    security.append(connection, of_incidents(entries), entries[-1].instant)
    states = [str(entry.body["state"]) for entry in entries if entry.kind == Kind.STATE]
    if states:
        ended = states[-1] in ("closed", "dismissed")
        connection.execute(update(table(DriveRow)).where(table(DriveRow).c.incident == incident).values(ended=ended))


def _open(connection: Connection, new: NewIncident, now: datetime) -> tuple[Entry, ...]:
    number = _next(connection, f"incident-{now.year}")
    incident = f"INC-{now.year}-{number:04d}"
    start = genesis(incident)
    connection.execute(
        insert(table(IncidentRow)).values(
            id=incident,
            type=new.type,
            title=new.title,
            severity=new.severity,
            state="open",
            outcome="",
            playbook=new.playbook,
            version="",
            plan_digest="",
            opened_at=text_of(now),
            opened_by=new.actor,
            practice=new.practice,
            head_seq=0,
            head_hash=start.hash,
        )
    )
    drive = {
        "incident": incident,
        "owner": new.owner,
        "token": 1 if new.owner else 0,
        "slept_seq": 0,
        "ended": False,
        "shown_seq": 0,
        "flow_run_id": new.flow_run_id,
    }
    connection.execute(insert(table(DriveRow)).values(beaten_at=text_of(now) if new.owner else "", **drive))
    entries = chain(incident, start, _with_keys(new.drafts, incident), now)
    _write(connection, incident, entries)
    return entries


def _with_keys(drafts: Iterable[Draft], incident: str) -> Iterator[Draft]:
    """Give the operations that start with the incident their keys, which hold its id."""
    from firedoor.core.execution.turn import operation_key

    for draft in drafts:
        if draft.kind == Kind.STARTED and "key" in draft.body:
            yield Draft(draft.kind, draft.actor, {**draft.body, "key": operation_key(incident, draft.body["op"])})
        else:
            yield draft


def _open_for(connection: Connection, new: NewIncident, now: datetime, alert: int | None) -> tuple[Entry, ...]:
    entries = _open(connection, new, now)
    need_new(connection, new.mark, now, entries[0].incident)  # raising takes the incident back
    if alert is not None:
        columns = table(AlertRow).c
        free = (columns.id == alert) & columns.incident.is_(None)
        query = update(table(AlertRow)).where(free).values(incident=entries[0].incident)
        if not connection.execute(query).rowcount:  # raising takes the incident back
            problem = Problem(code="A202", message=f"the alert {alert} has an incident already", do="work on that one")
            raise Refused(problem)
    return entries


def _accept(
    connection: Connection, alert: NewAlert, new: NewIncident | None, now: datetime, attach: Attachment | None
) -> Accepted:
    values = {
        "source": alert.source, "fingerprint": alert.fingerprint, "episode": alert.episode,
        "received_at": text_of(now), "last_received_at": text_of(now), "deliveries": 1,
        "raw_sha256": alert.raw_sha256, "body": canonical(alert.body).decode(), "decision": alert.decision,
        "reasons": canonical(list(alert.reasons)).decode(), "incident": attach.incident if attach else None,
        "endpoint": alert.body.get("endpoint"), "model": alert.body.get("model"), "dataset": alert.body.get("dataset"),
    }  # fmt: skip
    # The alert first: where two processes accept the same one, the second waits here for the first one's commit.
    keys = ["source", "fingerprint", "episode"]
    if not _insert_new(connection, AlertRow, values, keys):
        if not alert.content or content_of(connection, alert) == alert.content:
            return known_alert(connection, alert, now)
        alert = replace(alert, episode=alert.changed_episode)  # it says something else now: no copy
        if not _insert_new(connection, AlertRow, {**values, "episode": alert.episode}, keys):
            return known_alert(connection, alert, now)
    if attach is not None:
        _append(connection, attach.incident, [attach.draft], now, None, None)
        return Accepted(attach.incident, duplicate=False, episode=alert.episode)
    entries = _open(connection, new, now) if new else ()
    incident = entries[0].incident if entries else None
    if incident is not None:
        same = same_alert(alert)
        connection.execute(update(table(AlertRow)).where(same).values(incident=incident))
    return Accepted(incident, duplicate=False, entries=entries, episode=alert.episode)


def _next(connection: Connection, name: str) -> int:
    columns = table(CounterRow).c
    following = update(table(CounterRow)).where(columns.name == name).values(value=columns.value + 1)
    number = connection.execute(following.returning(columns.value)).scalar()
    if number is None:  # the first of its name
        _insert_new(connection, CounterRow, {"name": name, "value": 0}, ["name"])
        number = connection.execute(following.returning(columns.value)).scalar_one()
    return int(number)


def _insert_new(connection: Connection, row: type[SQLModel], values: Mapping[str, object], keys: list[str]) -> bool:
    """Insert a row unless one with these keys is there. Returns whether it is new."""
    dialect_insert = postgresql_insert if connection.dialect.name == "postgresql" else sqlite_insert
    query = dialect_insert(table(row)).values(**values).on_conflict_do_nothing(index_elements=keys)
    # Asked for by RETURNING: PostgreSQL's driver does not say how many rows it inserted.
    return connection.execute(query.returning(table(row).c[keys[0]])).first() is not None


def _rebuild(connection: Connection, incident: str) -> None:
    columns = table(EntryRow).c
    query = select(table(EntryRow)).where(columns.incident == incident).order_by(columns.seq)
    entries = [entry_of(row) for row in connection.execute(query)]
    projections.forget(connection, incident)
    projections.project(connection, entries)
