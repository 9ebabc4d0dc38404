"""API tokens: who may call, with which roles. Only a digest is stored.

Decides the written form of a token (`fd_` and 256 random bits) and that a
revoked one is refused at once.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import insert, update

from firedoor.core.people import Person
from firedoor.core.problems import NotFound, Problem
from firedoor.store.journal import Store
from firedoor.store.projections import table, text_of
from firedoor.store.tables import TokenRow


def create_token(store: Store, name: str, roles: frozenset[str], now: datetime) -> tuple[str, str]:
    """Make a token. Returns its id and the secret, which is shown once and never stored."""
    identifier, secret = secrets.token_hex(4), f"fd_{secrets.token_urlsafe(32)}"
    values = {
        "id": identifier,
        "name": name,
        "roles": ",".join(sorted(roles)),
        "digest": _digest(secret),
        "created_at": text_of(now),
    }
    store.write(lambda connection: connection.execute(insert(table(TokenRow)).values(**values)) and None).result()
    return identifier, secret


def holder(store: Store, secret: str) -> Person | None:
    """Who holds this token; None when it is unknown or revoked."""
    columns = table(TokenRow).c
    rows = store.rows(TokenRow, (columns.digest == _digest(secret)) & columns.revoked_at.is_(None))
    return Person(rows[0]["name"], frozenset(filter(None, rows[0]["roles"].split(",")))) if rows else None


def list_tokens(store: Store) -> list[Mapping[str, Any]]:
    """All tokens, without anything secret."""
    rows = store.rows(TokenRow, order=table(TokenRow).c.created_at)
    return [{key: value for key, value in row.items() if key != "digest"} for row in rows]


def revoke_token(store: Store, identifier: str, now: datetime) -> None:
    """Revoke a token. Raises NotFound."""
    columns = table(TokenRow).c
    query = (
        update(table(TokenRow))
        .where((columns.id == identifier) & columns.revoked_at.is_(None))
        .values(revoked_at=text_of(now))
    )
    changed = store.write(lambda connection: connection.execute(query).rowcount).result()
    if not changed:
        raise NotFound(
            Problem(
                code="A101", message=f"no live token has the id {identifier}", do="`firedoor token list` shows them"
            )
        )


def _digest(secret: str) -> str:
    """A plain hash is enough: the secret has 256 random bits, so it cannot be guessed."""
    return hashlib.sha256(secret.encode()).hexdigest()
