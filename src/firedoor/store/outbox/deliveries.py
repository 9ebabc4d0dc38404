"""The outbox: what is to leave through messengers, written with the entries that it speaks of, and sent afterwards.

Decides which entries are told of, that one process at a time holds a delivery, by compare-and-set, and that a lane (one
messenger, one place) rests as a whole when the far end does not answer, so that order is kept. Leaves words to
`core.notices`, and whom to tell and when to the runtime.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Engine, case, delete, exists, func, insert, select, update

from firedoor.store.database.sql import Record, Where, as_record, table, text_of
from firedoor.store.database.tables import ChannelRow, DeliveryRow, IncidentRow, TakenInRow
from firedoor.store.incidents.announcements import handle_of
from firedoor.store.incidents.journal import Store, _insert_new

BATCH = 200
CLAIM = timedelta(seconds=60)  # then whoever was sending counts as dead, and the next one looks before it sends
REMEMBERED = timedelta(minutes=15)  # a signed request is good for five
WAITING = ("queued", "sending")


@dataclass(frozen=True, slots=True)
class Addressed:
    """One delivery of what was announced: by which messenger, to which address, under which key."""

    key: str
    messenger: str
    address: str = ""


# -- addressing ------------------------------------------------------------------------------------


def announce_once(store: Store, kind: str, about: str, roles: Iterable[str], now: datetime) -> Future[bool]:
    """Announce what belongs to no incident. Returns whether this process did; the same thing is announced once."""
    key, at = f"{kind}:{about}", text_of(now)
    row = {
        "key": key, "handle": handle_of(key), "incident": "", "seq": 0, "kind": kind, "about": about,
        "roles": ",".join(dict.fromkeys(roles)), "messenger": "", "address": "", "state": "new", "made_at": at,
        "next_at": at, "attempts": 0, "owner": "", "problem": "", "reference": "",
    }  # fmt: skip
    return store.writer.submit(lambda connection: _insert_new(connection, DeliveryRow, row, ["key"]))


def unaddressed(engine: Engine, limit: int = BATCH) -> list[Record]:
    """What nobody has addressed yet, the oldest first."""
    columns = table(DeliveryRow).c
    return _rows(engine, columns.state == "new", (columns.made_at, columns.incident, columns.seq), limit)


def address(store: Store, row: Record, to: Sequence[Addressed]) -> Future[bool]:
    """Turn an announcement into deliveries, once. Returns whether this process did."""

    def write(connection: Connection) -> bool:
        columns = table(DeliveryRow).c
        mine = (columns.key == row["key"]) & (columns.state == row["state"])
        done = update(table(DeliveryRow)).where(mine).values(state="addressed" if to else "nobody", next_at=None)
        if not connection.execute(done).rowcount:
            return False
        if row["kind"] == "state":  # the newest summary is the whole of it
            older = (columns.incident == row["incident"]) & (columns.kind == "state") & (columns.state == "queued")
            connection.execute(update(table(DeliveryRow)).where(older).values(state="nobody", next_at=None))
        for one in to:
            named = {"key": one.key, "handle": handle_of(one.key), "messenger": one.messenger, "address": one.address}
            _insert_new(
                connection, DeliveryRow, {**row, **named, "state": "queued", "next_at": row["made_at"]}, ["key"]
            )
        return True

    return store.writer.submit(write)


# -- sending ---------------------------------------------------------------------------------------


def due(engine: Engine, messengers: Iterable[str], now: datetime, limit: int = BATCH) -> list[Record]:
    """What these messengers are to send now, in order; what a dead sender left behind is among it."""
    columns = table(DeliveryRow).c
    wanted = columns.state.in_(WAITING) & (columns.next_at <= text_of(now)) & columns.messenger.in_(list(messengers))
    return _rows(engine, wanted, (columns.made_at, columns.incident, columns.seq, columns.key), limit)


def claim(store: Store, row: Record, owner: str, now: datetime) -> Future[bool]:
    """Take a delivery, by compare-and-set, unless somebody else is at work in its lane. Returns whether it is ours."""
    columns, other = table(DeliveryRow).c, table(DeliveryRow).alias()
    same = (columns.key == row["key"]) & (columns.state == row["state"]) & (columns.next_at == row["next_at"])
    place = (other.c.address == row["address"]) if row["address"] else (other.c.incident == row["incident"])
    busy = (other.c.state == "sending") & (other.c.next_at > text_of(now)) & (other.c.messenger == row["messenger"])
    free = ~exists(select(other.c.key).where(busy & place & (other.c.key != row["key"])))
    values = {"state": "sending", "owner": owner, "next_at": text_of(now + CLAIM), "attempts": columns.attempts + 1}
    query = update(table(DeliveryRow)).where(same & (columns.owner == row["owner"]) & free).values(**values)
    incident = select(table(IncidentRow).c.id).where(table(IncidentRow).c.id == row["incident"]).with_for_update()

    def write(connection: Connection) -> bool:
        connection.execute(incident).first()  # two claims in one lane, one after the other
        return bool(connection.execute(query).rowcount)

    return store.writer.submit(write)


def senders(engine: Engine) -> list[str]:
    """The processes that hold a delivery, or held one when they died."""
    columns = table(DeliveryRow).c
    query = select(columns.owner).where((columns.state == "sending") & (columns.owner != "")).distinct()
    with engine.connect() as connection:
        return list(connection.execute(query).scalars())


def free(store: Store, owner: str, now: datetime) -> Future[bool]:
    """Let somebody else take at once what a dead process was sending; it stays in doubt, and is looked for first."""
    columns = table(DeliveryRow).c
    return _update(store, (columns.state == "sending") & (columns.owner == owner), {"next_at": text_of(now)})


def sent(store: Store, row: Record, owner: str, reference: Mapping[str, object], now: datetime) -> Future[bool]:
    """The far end took it."""
    values = {"state": "sent", "sent_at": text_of(now), "next_at": None, "problem": "", "owner": "",
              "reference": json.dumps(dict(reference), sort_keys=True)}  # fmt: skip
    return _update(store, _mine(row, owner), values)


def later(store: Store, row: Record, owner: str, problem: str, again: datetime, *, doubt: bool) -> Future[bool]:
    """It did not work now: it and what waits behind it in its lane is tried again. In doubt it stays `sending`."""

    def write(connection: Connection) -> bool:
        columns, at = table(DeliveryRow).c, text_of(again)
        values = {"state": "sending" if doubt else "queued", "next_at": at, "problem": problem[:500], "owner": ""}
        found = connection.execute(update(table(DeliveryRow)).where(_mine(row, owner)).values(**values)).rowcount
        behind = (columns.state == "queued") & (columns.messenger == row["messenger"]) & (columns.next_at < at)
        behind &= (columns.address == row["address"]) if row["address"] else (columns.incident == row["incident"])
        connection.execute(update(table(DeliveryRow)).where(behind).values(next_at=at))
        return bool(found)

    return store.writer.submit(write)


def give_up(store: Store, row: Record, owner: str, problem: str) -> Future[bool]:
    """It will not be tried again; whoever looks at the health of this house is told."""
    values = {"state": "given_up", "next_at": None, "problem": problem[:500], "owner": ""}
    return _update(store, _mine(row, owner), values)


def retry(store: Store, row: Record, now: datetime) -> Future[bool]:
    """Have it tried now, with what waits behind it in its lane. False: it is under way, or done with."""
    columns, at = table(DeliveryRow).c, text_of(now)
    idle = columns.state.in_(("queued", "given_up")) | ((columns.state == "sending") & (columns.owner == ""))
    lane = (columns.messenger == row["messenger"]) & (columns.state == "queued") & (columns.next_at > at)
    lane &= (columns.address == row["address"]) if row["address"] else (columns.incident == row["incident"])
    doubted = case((columns.state == "sending", "sending"), else_="queued")  # then it is looked for first, as before
    again = update(table(DeliveryRow)).where((columns.key == row["key"]) & idle)

    def write(connection: Connection) -> bool:
        found = connection.execute(again.values(state=doubted, next_at=at, attempts=0)).rowcount
        connection.execute(update(table(DeliveryRow)).where(lane).values(next_at=at))
        return bool(found)

    return store.writer.submit(write)


def withdraw(store: Store, row: Record, owner: str, why: str) -> Future[bool]:
    """It is for nobody any more."""
    return _update(store, _mine(row, owner), {"state": "nobody", "next_at": None, "owner": "", "problem": why})


def drop(store: Store, row: Record) -> Future[bool]:
    """What nobody needs any more, such as a summary after a newer one."""
    columns = table(DeliveryRow).c
    return _update(store, (columns.key == row["key"]) & (columns.state == "queued"), {"state": "nobody"})


def waiting(engine: Engine, day: datetime) -> dict[str, int]:
    """How many wait, with at least one attempt behind them, and how many were given up since `day`."""
    columns = table(DeliveryRow).c
    tried = columns.state.in_(WAITING) & (columns.problem != "")
    lost = (columns.state == "given_up") & (columns.made_at >= text_of(day))
    with engine.connect() as connection:
        counts = {
            name: connection.execute(select(func.count()).select_from(table(DeliveryRow)).where(which)).scalar()
            for name, which in (("waiting", tried), ("given_up", lost))
        }
    return {name: int(count or 0) for name, count in counts.items()}


# -- what others need of it ------------------------------------------------------------------------


def by_handle(engine: Engine, handle: str) -> Record | None:
    """The delivery that a button belongs to."""
    found = _rows(engine, table(DeliveryRow).c.handle == handle, (), limit=1)
    return found[0] if found else None


def posts_about(engine: Engine, incident: str, messenger: str) -> list[Record]:
    """What was sent about the tasks of an incident: their buttons go when the task has an answer."""
    columns = table(DeliveryRow).c
    which = (columns.incident == incident) & (columns.messenger == messenger) & (columns.state == "sent")
    return _rows(engine, which & columns.about.startswith("task:"), (columns.seq,), limit=1000)


def set_reference(store: Store, key: str, reference: Mapping[str, object]) -> Future[bool]:
    """What the far end shows now."""
    values = {"reference": json.dumps(dict(reference), sort_keys=True)}
    return _update(store, table(DeliveryRow).c.key == key, values)


def channel_of(engine: Engine, messenger: str, incident: str) -> Record | None:
    """Where a messenger speaks about an incident."""
    columns = table(ChannelRow).c
    with engine.connect() as connection:
        which = (columns.messenger == messenger) & (columns.incident == incident)
        row = connection.execute(select(table(ChannelRow)).where(which)).first()
    return None if row is None else {**as_record(row), "note": json.loads(row.note)}


def incident_of_channel(engine: Engine, messenger: str, address: str) -> str | None:
    """Which incident a place belongs to."""
    columns = table(ChannelRow).c
    with engine.connect() as connection:
        which = (columns.messenger == messenger) & (columns.address == address)
        return connection.execute(select(columns.incident).where(which)).scalar()


def keep_channel(store: Store, messenger: str, incident: str, address: str, note: Mapping[str, object]) -> Future[None]:
    """Remember a place; an empty address forgets it."""

    def write(connection: Connection) -> None:
        columns = table(ChannelRow).c
        which = (columns.messenger == messenger) & (columns.incident == incident)
        connection.execute(delete(table(ChannelRow)).where(which))
        if address:
            values = {"messenger": messenger, "incident": incident, "address": address, "note": json.dumps(dict(note))}
            connection.execute(insert(table(ChannelRow)).values(**values))

    return store.writer.submit(write)


def others_wait(engine: Engine, messenger: str, incident: str, key: str) -> bool:
    """Whether more than this one delivery is to leave about an incident by a messenger."""
    columns = table(DeliveryRow).c
    which = (columns.incident == incident) & columns.messenger.in_(("", messenger)) & (columns.key != key)
    return bool(_rows(engine, which & columns.state.in_(("new", *WAITING)), (), limit=1))


def stir(store: Store, messenger: str, why: str, now: datetime) -> Future[None]:
    """Have a messenger look at its places of open incidents again; `why` tells one such look from the next."""
    places, heads, at = table(ChannelRow), table(IncidentRow), text_of(now)
    query = (
        select(places.c.incident).join(heads, heads.c.id == places.c.incident)
        .where((places.c.messenger == messenger) & heads.c.closed_at.is_(None))
    )  # fmt: skip

    def write(connection: Connection) -> None:
        for incident in connection.execute(query).scalars().all():
            key = f"{incident}:{why}:state:{messenger}"
            row = {"key": key, "handle": handle_of(key), "incident": incident, "seq": 0, "kind": "state", "about": "",
                   "roles": "", "messenger": messenger, "address": "", "state": "queued", "made_at": at, "next_at": at,
                   "attempts": 0, "owner": "", "problem": "", "reference": ""}  # fmt: skip
            _insert_new(connection, DeliveryRow, row, ["key"])

    return store.writer.submit(write)


def take_in(store: Store, digest: str, now: datetime) -> Future[bool]:
    """Take a signed request in, once. False: it was here before."""

    def write(connection: Connection) -> bool:
        columns = table(TakenInRow).c
        connection.execute(delete(table(TakenInRow)).where(columns.at < text_of(now - REMEMBERED)))
        return _insert_new(connection, TakenInRow, {"digest": digest, "at": text_of(now)}, ["digest"])

    return store.writer.submit(write)


def listed(
    engine: Engine, state: str | None, incident: str | None, limit: int, open_to: Where | None = None
) -> list[Record]:
    """Deliveries for people to look at, the newest first; `open_to` says which of them this person may see."""
    columns = table(DeliveryRow).c
    which = columns.messenger != ""
    which = which if open_to is None else which & open_to
    for name, value in (("state", state), ("incident", incident)):
        which = which if value is None else which & (columns[name] == value)
    return _rows(engine, which, (columns.made_at.desc(), columns.seq.desc()), limit)


def _mine(row: Record, owner: str) -> Where:
    columns = table(DeliveryRow).c
    mine: Where = (columns.key == row["key"]) & (columns.state == "sending") & (columns.owner == owner)
    return mine


def _update(store: Store, which: Where, values: Mapping[str, object]) -> Future[bool]:
    query = update(table(DeliveryRow)).where(which).values(**values)
    return store.writer.submit(lambda connection: bool(connection.execute(query).rowcount))


def _rows(engine: Engine, which: Where, order: Sequence[ColumnElement[str]], limit: int = BATCH) -> list[Record]:
    query = select(table(DeliveryRow)).where(which).order_by(*order).limit(limit)
    with engine.connect() as connection:
        return [as_record(found) for found in connection.execute(query)]
