"""Sessions of people who signed in on the console. Only a digest of the secret is stored.

Decides how long a session lives (idle and altogether), that it ends at once when its account is disabled, its roles
change or it is signed out, and that every end stands in the security journal. Leaves the cookie to the console.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, update

from firedoor.core.access.security import SYSTEM, SecurityEvent, SecurityKind
from firedoor.core.person import LOCAL as LOCAL_ID
from firedoor.core.person import Person
from firedoor.store.database.sql import Record, Where, table, text_of
from firedoor.store.database.tables import SessionRow
from firedoor.store.identity.accounts import find_account, owing_codes
from firedoor.store.incidents.journal import Store
from firedoor.store.incidents.security import append

IDLE = timedelta(hours=8)
WHOLE = timedelta(hours=24)
TOUCHED = timedelta(minutes=5)  # how exactly "last seen" is kept
TICKET = timedelta(seconds=60)
MAXIMUM_SECRET = 100  # characters
ACCOUNT, LOCAL = "account", "local"
SIGNED_IN = (ACCOUNT, LOCAL)  # the kinds of rows that are sessions; the others are tickets


@dataclass(frozen=True, slots=True)
class Session:
    """Who is signed in. `local` is this machine's own user, who came by a ticket and holds every role."""

    id: str
    person: Person
    csrf: str
    local: bool = False


def open_session(store: Store, account: str, now: datetime, *, kind: str = "account") -> str:
    """Start a session of an account, or of the local user; return its secret for the cookie."""
    secret = secrets.token_urlsafe(32)
    values = {
        "id": secrets.token_hex(6), "digest": _digest(secret), "account": account, "kind": kind,
        "opened_at": text_of(now), "seen_at": text_of(now), "expires_at": text_of(now + WHOLE),
    }  # fmt: skip
    query = insert(table(SessionRow)).values(**values)
    store.execute(query).result()
    return secret


def session_of(store: Store, secret: str, now: datetime) -> Session | None:
    """The live session of a secret; None for one that ended, or whose account is gone or disabled."""
    row = _row(store, secret)
    if row is None or row["kind"] not in SIGNED_IN or row["expires_at"] <= text_of(now):
        return None
    if row["seen_at"] <= text_of(now - IDLE):
        return None
    person = (
        Person(row["account"], frozenset(), f"{LOCAL_ID}{row['account']}")
        if row["kind"] == LOCAL
        else _enabled(store, row["account"])
    )
    if person is None:
        return None
    if row["seen_at"] <= text_of(now - TOUCHED):
        query = update(table(SessionRow)).where(table(SessionRow).c.id == row["id"]).values(seen_at=text_of(now))
        store.execute(query).result()
    return Session(row["id"], person, csrf_of(secret), local=row["kind"] == LOCAL)


def end_session(store: Store, secret: str, now: datetime) -> None:
    """Sign out."""
    same = table(SessionRow).c.digest == _digest(secret)
    store.write(lambda connection: _end(connection, same, "signed out", now)).result()


def end_sessions_of(store: Store, account: str, now: datetime, why: str, by: str = SYSTEM) -> None:
    """Sign an account out everywhere: its password or roles changed, or it was disabled."""
    mine = (table(SessionRow).c.account == account) & (table(SessionRow).c.kind == ACCOUNT)
    store.write(lambda connection: _end(connection, mine, why, now, by)).result()


def end_sessions_without_codes(store: Store, now: datetime) -> None:
    """Sign out whoever decides and came in by a password alone, from now on that codes are demanded."""
    for name in owing_codes(store):
        end_sessions_of(store, name, now, "one-time codes are demanded")


def end_outlived(store: Store, now: datetime) -> None:
    """Remove the sessions that have ended by themselves, and write down that they have."""
    columns = table(SessionRow).c
    old, idle = columns.expires_at <= text_of(now), columns.seen_at <= text_of(now - IDLE)
    if not store.rows(SessionRow, (old | idle) & columns.kind.in_(SIGNED_IN), limit=1):
        return

    def write(connection: Connection) -> None:
        _end(connection, old, "too old", now, SYSTEM)
        _end(connection, idle, "idle", now, SYSTEM)

    store.write(write).result()


def _end(connection: Connection, where: Where, why: str, now: datetime, by: str = "") -> None:
    """Remove sessions and write down whose they were, in one transaction: each ends once, whichever process sees it."""
    columns = table(SessionRow).c
    gone = delete(table(SessionRow)).where(where & columns.kind.in_(SIGNED_IN)).returning(columns.account)
    ended = Counter(connection.execute(gone).scalars())
    events = [
        SecurityEvent(SecurityKind.SIGNED_OUT, by or f"person:{name}", {"account": name, "why": why, "sessions": count})
        for name, count in sorted(ended.items())
    ]
    append(connection, events, now)


def new_ticket(store: Store, account: str, now: datetime, kind: str = "ticket") -> str:
    """A secret that is good for one sign-in within a minute; the local user opens the console with it."""
    secret = secrets.token_urlsafe(32)
    values = {
        "id": secrets.token_hex(6), "digest": _digest(secret), "account": account, "kind": kind,
        "opened_at": text_of(now), "seen_at": text_of(now), "expires_at": text_of(now + TICKET),
    }  # fmt: skip
    query = insert(table(SessionRow)).values(**values)
    store.execute(query).result()
    return secret


def use_ticket(store: Store, secret: str, now: datetime, kind: str = "ticket") -> str | None:
    """Take the one use of a ticket; return whose it is, or None. Old tickets are swept out on the way."""
    row = _row(store, secret)
    if row is None or row["kind"] != kind or row["expires_at"] <= text_of(now):
        return None
    columns = table(SessionRow).c
    mine = delete(table(SessionRow)).where(columns.id == row["id"])
    taken = store.write(lambda connection: connection.execute(mine).rowcount).result()
    _delete(store, (columns.expires_at < text_of(now - WHOLE)) & columns.kind.not_in(SIGNED_IN))
    return str(row["account"]) if taken else None


def csrf_of(secret: str) -> str:
    """The token that forms of this session carry: it follows from the secret, which only the cookie holds."""
    return hmac.new(secret.encode(), b"firedoor.csrf.v1", hashlib.sha256).hexdigest()


def _enabled(store: Store, name: str) -> Person | None:
    account = find_account(store, name)
    return account.person if account is not None and account.disabled_at is None else None


def _row(store: Store, secret: str) -> Record | None:
    if not 0 < len(secret) <= MAXIMUM_SECRET:
        return None
    rows = store.rows(SessionRow, table(SessionRow).c.digest == _digest(secret))
    return rows[0] if rows else None


def _delete(store: Store, where: Where) -> None:
    store.execute(delete(table(SessionRow)).where(where)).result()


def _digest(secret: str) -> str:
    """A plain hash is enough: the secret has 256 random bits, so it cannot be guessed."""
    return hashlib.sha256(secret.encode()).hexdigest()
