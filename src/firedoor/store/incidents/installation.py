"""Which installation this is: a random number that the database is given once, and keeps.

Decides the name by which two installations on one server of somebody else can be told apart;
their incidents have the same numbers. A backup takes it along, for what is restored goes on as
the same installation.
"""

from __future__ import annotations

import secrets

from sqlalchemy import Connection, select

from firedoor.store.database.sql import table
from firedoor.store.database.tables import CounterRow
from firedoor.store.incidents.journal import Store, _insert_new

NAME = "installation"
MOST = 2**31 - 1  # what the column holds in PostgreSQL


def installation_id(store: Store) -> str:
    """Eight hexadecimal characters, the same for every process of this database. Writes only the first time."""
    query = select(table(CounterRow).c.value).where(table(CounterRow).c.name == NAME)
    with store.engine.connect() as connection:
        value = connection.execute(query).scalar()
    if value is None:
        store.write(_draw).result()
        with store.engine.connect() as connection:  # of several processes one has won
            value = connection.execute(query).scalar_one()
    return f"{value:08x}"


def _draw(connection: Connection) -> bool:
    return _insert_new(connection, CounterRow, {"name": NAME, "value": 1 + secrets.randbelow(MOST)}, ["name"])
