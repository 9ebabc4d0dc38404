"""Secrets that all processes of one house share: made here on first use, kept in the database, shown to nobody."""

from __future__ import annotations

import secrets

from sqlalchemy import Connection, insert, select

from firedoor.core.problems import FiredoorError
from firedoor.store.journal import Store
from firedoor.store.projections import table
from firedoor.store.sign_in_tables import HouseSecretRow

BYTES = 32


def house_secret(store: Store, name: str) -> bytes:
    """The secret of this name, 32 random bytes; the same in every process."""
    found = _found(store, name)
    if found is not None:
        return found
    made = {"name": name, "value": secrets.token_hex(BYTES)}
    try:
        store.write(lambda connection: _insert(connection, made)).result()
    except FiredoorError:
        found = _found(store, name)  # another process was quicker, or nothing can be stored at all
        if found is None:
            raise
        return found
    return bytes.fromhex(made["value"])


def _insert(connection: Connection, made: dict[str, str]) -> None:
    connection.execute(insert(table(HouseSecretRow)).values(**made))


def _found(store: Store, name: str) -> bytes | None:
    columns = table(HouseSecretRow).c
    with store.engine.connect() as connection:
        value = connection.execute(select(columns.value).where(columns.name == name)).scalar()
    return None if value is None else bytes.fromhex(value)
