"""Which values of the database are sealed, and everything that is done to all of them at once.

Decides the closed list of places. What an earlier version left in clear is sealed when the database is opened, and the
database is then written anew, so that no free page keeps it. Leaves sealing to `store.sealing`.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, delete, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel

from firedoor.core.access.security import SecurityEvent, SecurityKind
from firedoor.core.problems import NotRead
from firedoor.store.database.keyring import Keys, Purpose
from firedoor.store.database.request_tables import TakedownRequestRow
from firedoor.store.database.sealing import UNUSABLE, key_of, sealed, unsealed
from firedoor.store.database.security_tables import ChangeRow
from firedoor.store.database.sign_in_tables import HouseSecretRow
from firedoor.store.database.sql import table
from firedoor.store.database.tables import AccountRow
from firedoor.store.incidents.journal import Store
from firedoor.store.incidents.security import append

NOTHING = ("", "{}")  # a settled change holds no more than this

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """A column that holds sealed values; its name is what a value is bound to, beside the key of its row."""

    name: str
    row: type[SQLModel]
    key: str
    column: str

    def of(self, key: str) -> str:
        """The place of one value."""
        return f"{self.name}:{key}"


CODES = Place("account.totp_secret", AccountRow, "name", "totp_secret")
HOUSE = Place("house_secret.value", HouseSecretRow, "name", "value")
CHANGES = Place("proposed_change.body", ChangeRow, "id", "body")
REQUESTS = Place("takedown_request.body", TakedownRequestRow, "number", "body")
PLACES = (CODES, HOUSE, CHANGES, REQUESTS)


def held_values(connection: Connection) -> Iterator[tuple[Place, str, str]]:
    """Every value that is or should be sealed: its place, the key of its row, and the value."""
    for place in PLACES:
        columns = table(place.row).c
        key, value = columns[place.key], columns[place.column]
        query = select(key, value).where(value.is_not(None) & value.not_in((*NOTHING, UNUSABLE)))
        yield from ((place, str(row[0]), str(row[1])) for row in connection.execute(query).all())


def used_keys(engine: Engine) -> Counter[str]:
    """How many values are sealed with each key; under "" those that are in clear."""
    with engine.connect() as connection:
        return Counter(key_of(value) or "" for _, _, value in held_values(connection))


def seal_what_is_clear(store: Store) -> int:
    """Seal what an earlier version stored in clear, and leave no trace of it. Returns how many values that were."""
    if not used_keys(store.engine)[""]:
        return 0
    done = int(store.write(lambda connection: _replace(connection, store.keys, _is_clear)).result())
    _write_anew(store.engine)
    return done


def reseal(store: Store) -> int:
    """Seal everything with the key that is in use now. Raises KeyMissing where one of the old keys is not there."""
    total = 0
    while done := int(store.write(lambda connection: _replace(connection, store.keys, _older(store.keys))).result()):
        total += done  # again, for what another process has sealed meanwhile
    return total


def give_up_lost(store: Store, now: datetime, by: str) -> tuple[list[str], int, int]:
    """Give up what is sealed with keys that are lost.

    Returns the accounts that need new one-time codes before they can sign in again, how many secrets of the
    installation are made anew, and how many waiting changes were withdrawn.
    """
    return store.write(lambda connection: _give_up(connection, store.keys, now, by)).result()


def _give_up(connection: Connection, keys: Keys, now: datetime, by: str) -> tuple[list[str], int, int]:
    known = {key.id for key in keys().of(Purpose.SEAL)}
    lost: dict[Place, list[str]] = {place: [] for place in PLACES}
    for place, key, value in held_values(connection):
        if key_of(value) not in {None, *known}:
            lost[place].append(key)
    accounts, secrets, changes = table(AccountRow), table(HouseSecretRow), table(ChangeRow)
    connection.execute(
        update(accounts).where(accounts.c.name.in_(lost[CODES])).values(totp_secret=UNUSABLE, totp_step=None)
    )
    connection.execute(delete(secrets).where(secrets.c.name.in_(lost[HOUSE])))
    connection.execute(
        update(changes).where(changes.c.id.in_(lost[CHANGES])).values(state="lapsed", settled_by=by, body="{}")
    )
    requests = table(TakedownRequestRow)
    connection.execute(update(requests).where(requests.c.number.in_(lost[REQUESTS])).values(body=UNUSABLE))
    body = {"accounts": sorted(lost[CODES]), "secrets": len(lost[HOUSE]), "changes": sorted(lost[CHANGES])}
    append(connection, [SecurityEvent(SecurityKind.KEYS_LOST, by, body)], now)
    return sorted(lost[CODES]), len(lost[HOUSE]), len(lost[CHANGES])


def _replace(connection: Connection, keys: Keys, wanted: Callable[[str], bool]) -> int:
    """Seal the wanted values anew, each unless it has changed meanwhile."""
    done = 0
    for place, key, value in held_values(connection):
        if not wanted(value):
            continue
        content = value if _is_clear(value) else unsealed(keys, place.of(key), value)
        rows = table(place.row)
        same = (rows.c[place.key] == key) & (rows.c[place.column] == value)
        change = update(rows).where(same).values({place.column: sealed(keys, place.of(key), content)})
        done += connection.execute(change).rowcount
    return done


def _is_clear(value: str) -> bool:
    return key_of(value) is None


def _older(keys: Keys) -> Callable[[str], bool]:
    current = keys().current(Purpose.SEAL).id
    return lambda value: key_of(value) not in (None, current)


def _write_anew(engine: Engine) -> None:
    """Leave nothing of what was in clear in free pages, dead rows or the write-ahead log."""
    names = ", ".join(table(place.row).name for place in PLACES)
    statements = (
        ["VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"] if engine.dialect.name == "sqlite" else [f"VACUUM FULL {names}"]
    )
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for statement in statements:
                connection.execute(text(statement))
    except (DBAPIError, NotRead) as error:
        log.warning(
            "secrets that an earlier version stored in clear are sealed now, but traces may be left in the database's "
            "free pages (%s); run VACUUM when nothing else does, and set new one-time codes",
            error,
        )
