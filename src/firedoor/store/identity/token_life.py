"""How long a token lives, when it was used, and which source it is bound to.

Decides that use is kept to the minute and written beside the requests, never in front of one; that an expiry is
written down once, whichever process sees it; and that a token of a source which names none is bound to the first source
that it sends to. Leaves the tokens themselves to `store.tokens`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, select, update

from firedoor.core.access.security import SYSTEM, SecurityEvent, SecurityKind
from firedoor.store.database.security_tables import TokenLifeRow
from firedoor.store.database.sql import table, text_of
from firedoor.store.database.tables import TokenRow
from firedoor.store.incidents.journal import Store, _insert_new
from firedoor.store.incidents.security import append


def note_uses(store: Store, uses: Mapping[str, datetime], now: datetime) -> None:
    """Keep when tokens, by id, were last used; the first use of one is an event of the security journal."""

    def write(connection: Connection) -> None:
        life, first = table(TokenLifeRow), []
        names = _names(connection, list(uses))
        for token, at in sorted(uses.items()):
            _insert_new(connection, TokenLifeRow, {"token": token}, ["token"])
            same = life.c.token == token
            begun = update(life).where(same & life.c.first_used_at.is_(None)).values(first_used_at=text_of(at))
            if connection.execute(begun).rowcount:
                body = {"token": token, "name": names.get(token, "")}
                first.append(SecurityEvent(SecurityKind.TOKEN_USED, SYSTEM, body))
            connection.execute(update(life).where(same).values(last_used_at=text_of(at)))
        append(connection, first, now)

    store.write(write).result()


def note_expired(store: Store, now: datetime) -> list[str]:
    """Write down, once, that tokens have expired. Returns the names of their holders."""
    life, tokens = table(TokenLifeRow), table(TokenRow)
    over = (life.c.expires_at <= text_of(now)) & life.c.expired_at.is_(None)
    query = select(life.c.token).join(tokens, tokens.c.id == life.c.token).where(over & tokens.c.revoked_at.is_(None))
    with store.engine.connect() as connection:
        found = list(connection.execute(query).scalars())

    def write(connection: Connection) -> list[str]:
        marked = (
            update(life).where(life.c.token.in_(found) & life.c.expired_at.is_(None)).values(expired_at=text_of(now))
        )
        mine = list(connection.execute(marked.returning(life.c.token)).scalars())
        names = _names(connection, mine)
        events = [
            SecurityEvent(SecurityKind.TOKEN_EXPIRED, SYSTEM, {"token": one, "name": names[one]})
            for one in sorted(mine)
        ]
        append(connection, events, now)
        return sorted(names.values())

    return list(store.write(write).result()) if found else []


def ending(store: Store, after: datetime, until: datetime) -> list[str]:
    """The ids of live tokens that end within this time."""
    life, tokens = table(TokenLifeRow), table(TokenRow)
    soon = (life.c.expires_at > text_of(after)) & (life.c.expires_at <= text_of(until)) & tokens.c.revoked_at.is_(None)
    query = select(life.c.token).join(tokens, tokens.c.id == life.c.token).where(soon)
    with store.engine.connect() as connection:
        return list(connection.execute(query).scalars())


def bind_source(store: Store, token: str, source: str, now: datetime) -> str:
    """Bind a token to the first source that it sends to; return the one that it is bound to."""

    def write(connection: Connection) -> str:
        life = table(TokenLifeRow)
        _insert_new(connection, TokenLifeRow, {"token": token}, ["token"])
        same = life.c.token == token
        if connection.execute(update(life).where(same & life.c.source.is_(None)).values(source=source)).rowcount:
            body = {"token": token, "name": _names(connection, [token]).get(token, ""), "source": source}
            append(connection, [SecurityEvent(SecurityKind.TOKEN_BOUND, SYSTEM, body)], now)
        return str(connection.execute(select(life.c.source).where(same)).scalar_one())

    return str(store.write(write).result())


def _names(connection: Connection, identifiers: list[str]) -> dict[str, str]:
    columns = table(TokenRow).c
    rows = connection.execute(select(columns.id, columns.name).where(columns.id.in_(identifiers)))
    return {row.id: row.name for row in rows}
