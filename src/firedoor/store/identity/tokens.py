"""API tokens: who may call, with which roles. Only a digest is stored.

Decides the written form of a token (`fd_` and 256 random bits) and that a
revoked one is refused at once.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from firedoor.core.access.security import SYSTEM, SecurityEvent, SecurityKind
from firedoor.core.person import TOKEN, Person
from firedoor.core.problems import NotFound, Problem
from firedoor.store.database.security_tables import TokenLifeRow
from firedoor.store.database.sql import Record, as_record, table, text_of
from firedoor.store.database.tables import AccountRow, TokenRow
from firedoor.store.identity.changes import Change, propose
from firedoor.store.incidents.journal import Store
from firedoor.store.incidents.security import append


@dataclass(frozen=True, slots=True)
class Held:
    """A token that counts: its id, whose it is, and the source that it was bound to by sending."""

    id: str
    person: Person
    source: str = ""
    account: str = ""  # whose it is; empty for a source, and for what is nobody's


def create_token(  # noqa: PLR0913 - what a token is
    store: Store, name: str, roles: frozenset[str], now: datetime, *, by: str = SYSTEM,
    expires_at: datetime | None = None, change: Change | None = None, account: str | None = None,
) -> tuple[str, str]:  # fmt: skip
    """Make a token of an account. Returns its id and the secret, which is shown once and never stored.

    With `change` it counts for nothing until that change is approved.
    """
    identifier, secret = secrets.token_hex(4), f"fd_{secrets.token_urlsafe(32)}"
    values = {
        "id": identifier,
        "name": name,
        "roles": ",".join(sorted(roles)),
        "digest": _digest(secret),
        "created_at": text_of(now),
        "account": account,
    }
    until = None if expires_at is None else text_of(expires_at)
    body = {"token": identifier, "name": name, "roles": sorted(roles), "expires_at": until or "never"}
    body |= {"account": account} if account else {}
    life = {"token": identifier, "expires_at": until, "waits_for": change and change.id}

    def write(connection: Connection) -> None:
        connection.execute(insert(table(TokenRow)).values(**values))
        connection.execute(insert(table(TokenLifeRow)).values(**life))
        if change is not None:
            propose(connection, store.keys, replace(change, about=name, body={"token": identifier}), now)
        append(connection, [SecurityEvent(SecurityKind.TOKEN_CREATED, by, body)], now)

    store.write(write).result()
    return identifier, secret


def held(store: Store, secret: str, now: datetime) -> Held | None:
    """The token of this secret; None when it is unknown, revoked or expired, or waits to be approved.

    One of an account is that person, with those of its roles that the account still has; a disabled account's is none.
    """
    tokens, life, account = table(TokenRow).c, table(TokenLifeRow).c, table(AccountRow).c
    query = select(
        tokens.id, tokens.name, tokens.roles, tokens.account, life.expires_at, life.source, life.waits_for,
        account.person, account.roles.label("now"), account.disabled_at,
    )  # fmt: skip
    query = query.outerjoin(table(TokenLifeRow), life.token == tokens.id)
    query = query.outerjoin(table(AccountRow), account.name == tokens.account)
    with store.engine.connect() as connection:
        row = connection.execute(query.where((tokens.digest == _digest(secret)) & tokens.revoked_at.is_(None))).first()
    if row is None or row.waits_for or (row.expires_at is not None and row.expires_at <= text_of(now)):
        return None
    roles = frozenset(filter(None, row.roles.split(",")))
    if row.account is None:
        return Held(row.id, Person(row.name, roles, f"{TOKEN}{row.id}"), row.source or "")
    if row.person is None or row.disabled_at is not None:
        return None
    return Held(
        row.id, Person(row.account, roles & frozenset(row.now.split(",")), row.person), row.source or "", row.account
    )


def holder(store: Store, secret: str, now: datetime) -> Person | None:
    """Who holds this token; None when it does not count."""
    found = held(store, secret, now)
    return None if found is None else found.person


def approve_token(connection: Connection, identifier: str) -> None:
    """Let a token count that has waited for it."""
    life = table(TokenLifeRow)
    connection.execute(update(life).where(life.c.token == identifier).values(waits_for=None))


def list_tokens(store: Store) -> list[Record]:
    """All tokens, without anything secret."""
    tokens, life = table(TokenRow), table(TokenLifeRow)
    shown = [life.c[name] for name in ("expires_at", "last_used_at", "source", "waits_for")]
    query = select(*(column for column in tokens.c if column.name != "digest"), *shown)
    query = query.outerjoin(life, life.c.token == tokens.c.id).order_by(tokens.c.created_at)
    with store.engine.connect() as connection:
        return [as_record(row) for row in connection.execute(query)]


def revoke_token(store: Store, identifier: str, now: datetime, *, by: str = SYSTEM) -> None:
    """Revoke a token. Raises NotFound."""
    columns = table(TokenRow).c
    live = (columns.id == identifier) & columns.revoked_at.is_(None)
    query = update(table(TokenRow)).where(live).values(revoked_at=text_of(now)).returning(columns.name)

    def write(connection: Connection) -> bool:
        name = connection.execute(query).scalar()
        if name is not None:
            body = {"token": identifier, "name": name}
            append(connection, [SecurityEvent(SecurityKind.TOKEN_REVOKED, by, body)], now)
        return name is not None

    if not store.write(write).result():
        raise NotFound(
            Problem(
                code="A101", message=f"no live token has the id {identifier}", do="`firedoor token list` shows them"
            )
        )


def _digest(secret: str) -> str:
    """A plain hash is enough: the secret has 256 random bits, so it cannot be guessed."""
    return hashlib.sha256(secret.encode()).hexdigest()
