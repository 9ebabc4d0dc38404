"""Links that answer one task once. Only a digest of the secret is stored.

Decides the written form of the secret (256 random bits) and that of several who use a link
at the same time one wins. Leaves what a link may answer to `core.operator`.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import delete, insert, update

from firedoor.store.database.sql import Record, table, text_of
from firedoor.store.database.tables import AnswerLinkRow
from firedoor.store.incidents.journal import Store

MAXIMUM_SECRET = 100  # characters


def new_secret() -> tuple[str, str]:
    """A link's id, which may stand in the journal, and its secret, which is shown once."""
    return secrets.token_hex(6), secrets.token_urlsafe(32)


def keep_link(store: Store, secret: str, values: Mapping[str, object]) -> None:
    """Store a link; `values` are the columns of `AnswerLinkRow` other than the digest."""
    query = insert(table(AnswerLinkRow)).values(**values, digest=_digest(secret))
    store.execute(query).result()


def find_link(store: Store, secret: str) -> Record | None:
    """The link of a secret, used or not; None for a secret that nobody was given."""
    if not 0 < len(secret) <= MAXIMUM_SECRET:
        return None
    rows = store.rows(AnswerLinkRow, table(AnswerLinkRow).c.digest == _digest(secret))
    return rows[0] if rows else None


def newest_link(store: Store, values: Mapping[str, object], since: datetime) -> Record | None:
    """The newest link with these values that was made since then and has not been used."""
    columns = table(AnswerLinkRow).c
    where = columns.used_at.is_(None) & (columns.made_at > text_of(since))
    for name, value in values.items():
        where &= columns[name].is_(None) if value is None else columns[name] == value
    rows = store.rows(AnswerLinkRow, where, columns.made_at.desc(), 1)
    return rows[0] if rows else None


def use_link(store: Store, link: str, now: datetime) -> bool:
    """Take the one use of a link. Returns whether it was still there."""
    columns = table(AnswerLinkRow).c
    query = update(table(AnswerLinkRow)).where((columns.id == link) & columns.used_at.is_(None))
    return bool(store.write(lambda c: c.execute(query.values(used_at=text_of(now))).rowcount).result())


def give_back(store: Store, link: str) -> None:
    """The answer was refused and nothing was written: the link may be used again."""
    query = update(table(AnswerLinkRow)).where(table(AnswerLinkRow).c.id == link).values(used_at=None)
    store.execute(query).result()


def forget_link(store: Store, link: str) -> None:
    """It never reached anybody: it counts for nothing."""
    query = delete(table(AnswerLinkRow)).where(table(AnswerLinkRow).c.id == link)
    store.execute(query).result()


def _digest(secret: str) -> str:
    """A plain hash is enough: the secret has 256 random bits, so it cannot be guessed."""
    return hashlib.sha256(secret.encode()).hexdigest()
