"""Requests that strangers sent, by number and by secret: kept before anything else is done with them.

Decides how a number looks (ten random letters and digits without look-alikes, so that it tells nothing and can be read
out on the telephone), that the secret of the status page cannot be guessed, that what was said is sealed here, and
that the same submission under the same key is kept once, with the same number and secret.
Leaves which incident takes a request up to the runtime, and what it holds to `core.requests.submission`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
from sqlalchemy import ColumnElement, Connection, insert, or_, select, update

from firedoor.core.canonical import digest
from firedoor.core.problems import FiredoorError, InvalidInput, Problem
from firedoor.core.requests.submission import Submission, read
from firedoor.store.database.request_tables import TakedownRequestRow
from firedoor.store.database.sealing import UNUSABLE, sealed, unsealed
from firedoor.store.database.sql import table, text_of
from firedoor.store.database.tables import AlertRow, IncidentRow
from firedoor.store.identity.sealed_values import REQUESTS
from firedoor.store.identity.shared_secrets import house_secret
from firedoor.store.incidents.journal import Store

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
MAXIMUM_SECRET = 100  # characters
SAME = "takedown-requests"  # the name of the key of the digests by which requests find each other
MAXIMUM_WAITING = 500
TAKEN = "{}"  # in place of what was said
KEPT_APART = timedelta(days=1)  # after that the same key is another request's
SHORTEST_KEY, LONGEST_KEY = 16, 200  # characters: a shorter key could be guessed, and with it the answer


@dataclass(frozen=True, slots=True)
class Kept:
    """A request as it is kept. `incident` and `request` are empty until an incident has taken it up.

    `said` is None afterwards: the journal has it, and it is kept once. It is None as well where the key that sealed it
    is lost.
    """

    number: str
    received_at: datetime
    fingerprint: str
    language: str
    incident: str = ""
    request: str = ""
    said: Submission | None = None


def new_number() -> str:
    """A number that nobody can guess from another: `TR-7K3MQ-9XW2D`."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(10))
    return f"TR-{letters[:5]}-{letters[5:]}"


def prepare(store: Store) -> None:
    """Have the key of the digests made, once, before many ask for it at the same moment."""
    house_secret(store, SAME)


def keep(
    store: Store, said: Submission, now: datetime, once: str = "", *, lasts: timedelta = KEPT_APART
) -> tuple[Kept, str]:
    """Keep a submission. Returns it with the secret of its status page; on disk when this returns.

    `once` is a key of the sender's. The same words under the same key within `lasts` are the request that was kept
    first, and its secret is made again from the key, which is not kept. Raises InvalidInput for other words.
    """
    number = new_number()
    person, content = _keyed(store, said)
    key = house_secret(store, SAME)
    secret = _secret_of(key, number, once) if once else secrets.token_urlsafe(32)
    kept = Kept(number, now, digest(["takedown-request", number]), said.language, said=said)
    row: dict[str, object] = {
        "number": number, "secret": _digest(secret), "received_at": text_of(now), "person": person, "content": content,
        "body": sealed(store.keys, REQUESTS.of(number), orjson.dumps(said.record()).decode()),
        "fingerprint": kept.fingerprint, "language": said.language,
    }  # fmt: skip
    if not once:
        store.execute(insert(table(TakedownRequestRow)).values(**row)).result()
        return kept, secret
    row |= {"once": _mac(key, ["once", once]), "said": _mac(key, [_written(said)])}
    before = _write_once(store, row, now - lasts)
    if before is None:
        return kept, secret
    if before["said"] != row["said"]:
        message, do = "another request came under this key", "use a new key for every request"
        raise InvalidInput(Problem(code="Q120", field="Idempotency-Key", message=message, do=do))
    first = datetime.fromisoformat(before["received_at"])
    again = Kept(before["number"], first, before["fingerprint"], before["language"], said=said)
    return again, _secret_of(key, again.number, once)


def by_secret(store: Store, secret: str) -> Kept | None:
    """The request of a status page; None for a secret that nobody was given."""
    if not 0 < len(secret) <= MAXIMUM_SECRET:
        return None
    return _first(store, table(TakedownRequestRow).c.secret == _digest(secret))


def by_number(store: Store, number: str) -> Kept | None:
    """The request of a number."""
    return _first(store, table(TakedownRequestRow).c.number == number)


def waiting(store: Store) -> list[str]:
    """The numbers of requests to take up now, the oldest first. One that the rules left to people waits for them."""
    columns, alerts = table(TakedownRequestRow).c, table(AlertRow).c
    ready = columns.incident.is_(None) & (columns.body != UNUSABLE)
    query = (
        select(columns.number).distinct().add_columns(columns.received_at)
        .outerjoin(table(AlertRow), alerts.fingerprint == columns.fingerprint)
        .where(ready & (alerts.id.is_(None) | alerts.incident.is_not(None)))
        .order_by(columns.received_at, columns.number)
    )  # fmt: skip
    with store.engine.connect() as connection:
        return [str(row[0]) for row in connection.execute(query.limit(MAXIMUM_WAITING))]


def taken_up(store: Store, number: str, incident: str, request: str) -> None:
    """Say which request of which incident it became. What was said is taken out: the journal has it."""
    rows = table(TakedownRequestRow)
    query = update(rows).where(rows.c.number == number).values(incident=incident, request=request, body=TAKEN)
    store.execute(query).result()


def joins(store: Store, number: str) -> str | None:
    """The newest open incident in which the same person asked, or somebody about the same content; None for none."""
    rows, incidents = table(TakedownRequestRow).c, table(IncidentRow).c
    with store.engine.connect() as connection:
        own = connection.execute(select(rows.person, rows.content).where(rows.number == number)).one_or_none()
        same = [column == value for column, value in zip((rows.person, rows.content), own or (), strict=False) if value]
        if not same:
            return None
        query = (
            select(incidents.id).join(table(TakedownRequestRow), rows.incident == incidents.id)
            .where(or_(*same) & incidents.closed_at.is_(None)).order_by(incidents.opened_at.desc(), incidents.id.desc())
        )  # fmt: skip
        found: str | None = connection.execute(query.limit(1)).scalar()
        return found


def _first(store: Store, where: ColumnElement[bool]) -> Kept | None:
    found = store.rows(TakedownRequestRow, where, limit=1)
    if not found:
        return None
    row = found[0]
    number, body = row["number"], row["body"]
    gone = body in (TAKEN, UNUSABLE)
    said = None if gone else read(orjson.loads(unsealed(store.keys, REQUESTS.of(number), body)), ours=True)
    at = datetime.fromisoformat(row["received_at"])
    return Kept(number, at, row["fingerprint"], row["language"], row["incident"] or "", row["request"] or "", said)


def _keyed(store: Store, said: Submission) -> tuple[str, str]:
    """Digests under a key of this installation: whoever reads the table alone can try no addresses against it."""
    key = house_secret(store, SAME)
    return _mac(key, [said.contact.casefold()]), _mac(key, [*said.locators, *(one.value for one in said.hashes)])


def _mac(key: bytes, words: Iterable[str]) -> str:
    plain = "\n".join(sorted({word.strip() for word in words if word.strip()}))
    return hmac.new(key, plain.encode(), hashlib.sha256).hexdigest() if plain else ""


def _write_once(store: Store, row: dict[str, object], since: datetime) -> dict[str, str] | None:
    """Insert a row, unless one with its key was written since then: that one is returned."""
    rows, before = table(TakedownRequestRow), text_of(since)
    same = rows.c.once == row["once"]

    def write(connection: Connection) -> dict[str, str] | None:
        connection.execute(update(rows).where(same & (rows.c.received_at < before)).values(once=None))
        found = connection.execute(select(rows).where(same)).mappings().one_or_none()
        if found is None:
            connection.execute(insert(rows).values(**row))
        return dict(found) if found is not None else None

    try:
        return store.write(write).result()
    except FiredoorError:  # another process was quicker, or nothing can be stored at all
        with store.engine.connect() as connection:
            found = connection.execute(select(rows).where(same)).mappings().one_or_none()
        if found is None:
            raise
        return dict(found)


def _secret_of(key: bytes, number: str, once: str) -> str:
    """As long as a random one. Who has the key of the sender and not that of this installation cannot make it."""
    made = hmac.new(key, b"\n".join((b"status", number.encode(), once.encode())), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


def _written(said: Submission) -> str:
    return orjson.dumps(said.record(), option=orjson.OPT_SORT_KEYS).decode()


def _digest(secret: str) -> str:
    """A plain hash is enough: the secret has 256 random bits, so it cannot be guessed."""
    return hashlib.sha256(secret.encode()).hexdigest()
