"""Secrets that all processes of one house share: made here on first use, kept sealed, shown to nobody."""

from __future__ import annotations

import secrets

from sqlalchemy import Connection, insert, select

from firedoor.core.problems import FiredoorError
from firedoor.store.database.sealing import sealed, unsealed
from firedoor.store.database.sign_in_tables import HouseSecretRow
from firedoor.store.database.sql import table
from firedoor.store.identity.sealed_values import HOUSE
from firedoor.store.incidents.journal import Store

BYTES = 32


def house_secret(store: Store, name: str) -> bytes:
    """The secret of this name, 32 random bytes; the same in every process."""
    found = _found(store, name)
    if found is not None:
        return found
    fresh = secrets.token_hex(BYTES)
    made = {"name": name, "value": sealed(store.keys, HOUSE.of(name), fresh)}
    try:
        store.write(lambda connection: _insert(connection, made)).result()
    except FiredoorError:
        found = _found(store, name)  # another process was quicker, or nothing can be stored at all
        if found is None:
            raise
        return found
    return bytes.fromhex(fresh)


def _insert(connection: Connection, made: dict[str, str]) -> None:
    connection.execute(insert(table(HouseSecretRow)).values(**made))


def _found(store: Store, name: str) -> bytes | None:
    columns = table(HouseSecretRow).c
    with store.engine.connect() as connection:
        value = connection.execute(select(columns.value).where(columns.name == name)).scalar()
    return None if value is None else bytes.fromhex(unsealed(store.keys, HOUSE.of(name), value))
